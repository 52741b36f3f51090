"""Generated histories: what may come of any sequence of events on a reader or a writer.

`reader_model` and `writer_model` are pure: events in, the set of allowed outcomes out. `events`
draws histories, `playing` plays one on a subject and asks the model, `searching` looks for one
that departs and shrinks it, `telling` writes it down as a script.
"""
