"""The bench: how fast each implementation does the same work, on the same loop, in the same run.

Theory of operation. A **workload** is one coroutine function written against asyncio's names, and
next to it a **floor**: the same work done with a bare `asyncio.Protocol`. `measuring` runs both
on fresh loops in one process, in rounds that take every subject in turn, so that whatever the
machine does meanwhile hits all of them; `statistics` reduces rounds to medians with their spread
and ratios to the first subject; `memory` runs each once more under tracemalloc, untimed. The other
end of a connection is a forked process (`peer`), which shares neither the loop nor the GIL.

Why not pyperf: it gives each benchmark a process of its own, one after the other, so a ratio of
two would compare two moments of the machine. Its habits that fit are kept: rounds, a warm-up
that does not count, medians, no garbage collection inside a round.

Nothing here imports an implementation: subjects and loops come by name.
"""
