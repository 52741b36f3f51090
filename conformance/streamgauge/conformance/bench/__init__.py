"""The bench: how fast each implementation does the same work, on the same loop, in the same run.

Theory of operation. A **workload** is one coroutine function written against asyncio's names, and
next to it a **floor**: the same work done with a bare `asyncio.Protocol`. `measuring` runs them
in rounds that take every subject in turn, so that whatever the machine does meanwhile hits all of
them, and each in a forked process and on a loop of its own (`apart`), so that none inherits what
another did to the allocator; `figures` reduces rounds to medians, with their spread, of times and
of ratios to the first subject; `memory` runs each once more under tracemalloc, untimed. The other
end of a connection is another forked process (`peer`), which shares neither loop nor GIL.

What counts is the CPU time of the loop's thread, the kernel's part for it included. So what a
subject leaves to the peer, or to another thread, would not be seen there; it is in the elapsed
time, which is shown beside it.

Why not pyperf: it runs all of one benchmark before it begins another, minutes apart, so a ratio
of two would compare two moments of the machine, and on one that others use that is most of what
is seen. Its habits that fit are kept: processes of their own, rounds, a warm-up that does not
count, medians, no garbage collection inside a round.

Nothing here imports an implementation: subjects and loops come by name.
"""
