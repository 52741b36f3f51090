"""Reports: what a run came to, for people.

`account` computes it from plain results and knows no terminal; `console` knows the terminal and
no results; `matrix`, `departures` and `terminal` put the one on the other; `progress` is what is
seen while the run goes on; `pages` are the commands that run nothing.
"""
