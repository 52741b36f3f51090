"""How fast the fakes are: the same work on the kernel, on the fakes and on other people's fakes.

    python -m benchmarks.fakes                              # a table; takes some ten seconds
    python -m benchmarks.fakes --loop uvloop --json U.json  # and the figures, to keep
    python -m benchmarks.fakes --page docs/fakes-speed.md   # the page, of the runs that are kept

Theory of operation. A **workload** (`workloads`) is a coroutine function over asyncio's streams;
a **place** (`places`) is where it is done: on the kernel, in memory, in async-solipsism, in
simloop (each of which has a loop of its own), and on the **floor** (`floor`): transports that do
nothing but call each other in the next turn of the loop, below which no transport can come.
`rounds` does each workload in every place in turn, in one process, on fresh loops; `goals` says
what is to be reached, `page` writes it down. The stopwatch, the order of rounds, medians, spreads,
files and pictures are those of `streamgauge bench`.
"""
