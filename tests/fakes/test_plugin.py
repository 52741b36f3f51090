"""About streamgauge/fakes/plugin.py: in a project of its own, under each way of running tests."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["pytester"]

#: As the entry point would load it, whether the installed one is there or not.
PLUGIN = ["-p", "streamgauge.fakes.plugin", "-p", "no:cacheprovider"]


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a test file in a process of its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_file(text, *args):
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess(*PLUGIN, *args)

    return run_file


ECHO = """
    import asyncio

    def test_echo(stream_pair):
        async def body():
            async with stream_pair() as (client, server):
                client.writer.write(b"x")
                assert b"x" == await server.reader.read(1)
                client.writer.close()
                server.writer.close()
        asyncio.run(body())
"""


def test_one_flag_runs_a_test_on_the_fake_and_on_the_kernel(run):
    """`--streams` names the kinds; memory alone is the default."""
    run(ECHO).assert_outcomes(passed=1)
    run(ECHO, "--streams=memory,tcp,socketpair").assert_outcomes(passed=3)
    result = run(ECHO, "--streams=all", "-v")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines_random(["*test_echo[[]tls]*", "*test_echo[[]memory]*"])


def test_an_unknown_kind_is_a_usage_error(run):
    """A kind that does not exist is named, with those that do."""
    result = run(ECHO, "--streams=memory,carrier-pigeon")
    result.stdout.fnmatch_lines(["*--streams got carrier-pigeon, expected one or more of memory,*"])
    assert result.ret != 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto"],
            """
            import asyncio
            async def test_it(memory_network):
                async with memory_network() as net:
                    await (await asyncio.start_server(print, "127.0.0.1", 80)).serve_forever()
                    """,
        ),
        (
            [],
            """
            import asyncio
            def test_it(memory_network):
                async def body():
                    async with memory_network() as net:
                        await asyncio.start_server(print, "127.0.0.1", 80)
                        assert 0
                asyncio.run(body())
            """,
        ),
        (
            [],
            """
            import asyncio, unittest, pytest
            from streamgauge.fakes import MemoryNetwork
            class Test(unittest.IsolatedAsyncioTestCase):
                async def test_it(self):
                    async with MemoryNetwork() as net:
                        await asyncio.start_server(print, "127.0.0.1", 80)
                        assert 0
            """,
        ),
    ],
    ids=["pytest-asyncio", "asyncio.run", "IsolatedAsyncioTestCase"],
)
def test_a_failure_shows_the_connections(run, options, text):
    """Under every way of running it, the report of a failure has netstat in it."""
    text = text.replace(".serve_forever()", ".no_such_method()")
    result = run(text, *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*127.0.0.1:80*LISTEN*"])


def test_a_failure_shows_the_last_bytes(run):
    """A test that fails on a memory pair says what each end sent last."""
    result = run(ECHO.replace('assert b"x"', 'assert b"y"'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*client: *sent 1 bytes, 0 in flight, last b'x'*"])


@pytest.mark.skipif(
    sys.version_info < (3, 9), reason="a task of Python 3.8 forgets how it was cancelled"
)
def test_a_cancelled_test_shows_the_connections(run):
    """A test that hangs until something cancels it says what was on the wires."""
    result = run(
        """
        import asyncio
        from streamgauge.fakes import MemoryNetwork, memory_stream_pair

        async def in_a_pair():
            async with memory_stream_pair() as (client, server):
                client.writer.write(b"unanswered")
                await client.reader.read()

        async def silent(reader, writer):
            await reader.read()
            writer.close()

        async def on_a_network():
            async with MemoryNetwork():
                await asyncio.start_server(silent, "127.0.0.1", 80)
                reader, writer = await asyncio.open_connection("127.0.0.1", 80)
                writer.write(b"unheard")
                await reader.read()

        async def cancelled(coroutine):
            task = asyncio.ensure_future(coroutine)
            for _ in range(100):
                await asyncio.sleep(0)
            task.cancel()
            await task

        def test_pair():
            asyncio.run(cancelled(in_a_pair()))

        def test_network():
            asyncio.run(cancelled(on_a_network()))
        """
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*client: *sent 10 bytes, * last b'unanswered'*"])
    result.stdout.fnmatch_lines(["*-> 127.0.0.1:80: 7 bytes, last b'unheard'*"])


def test_what_is_open_when_a_test_fails_is_shown(run):
    """Pairs and networks of the fixtures are shown though the failure did not pass through them."""
    result = run(
        """
        import asyncio

        def test_it(stream_pair, memory_network):
            async def body():
                pair = stream_pair()
                client, server = await pair.__aenter__()
                client.writer.write(b"lost")
                net = memory_network()
                await net.__aenter__()
                await asyncio.start_server(print, "127.0.0.1", 80)
                return pair, net

            loop = asyncio.new_event_loop()
            kept = loop.run_until_complete(body())
            try:
                assert 0
            finally:
                loop.close()
        """,
        "-W",
        "ignore",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*connections and last bytes*", "client: * last b'lost'*"])
    result.stdout.fnmatch_lines(["*127.0.0.1:80*LISTEN*"])


EVERY_WAY = """
    import asyncio, unittest, pytest

    async def echo(reader, writer):
        writer.write(await reader.read())
        writer.close()

    async def talk(stream_pair, memory_network):
        async with stream_pair() as (client, server):
            client.writer.write(b"x")
            assert b"x" == await server.reader.read(1)
            client.writer.close()
            server.writer.close()
        async with memory_network(hosts={"db": "10.0.0.7"}):
            async with await asyncio.start_server(echo, "db", 80):
                reader, writer = await asyncio.open_connection("db", 80)
                writer.write_eof()
                assert b"" == await reader.read()
                writer.close()

    MARK
    async def test_coroutine(stream_pair, memory_network, no_real_network):
        await talk(stream_pair, memory_network)

    def test_run(stream_pair, memory_network, no_real_network):
        asyncio.run(talk(stream_pair, memory_network))

    class Test(unittest.IsolatedAsyncioTestCase):
        @pytest.fixture(autouse=True)
        def fakes(self, stream_pair, memory_network):
            self.fakes = stream_pair, memory_network

        async def test_case(self):
            await talk(*self.fakes)
"""


@pytest.mark.parametrize(
    ("options", "mark"),
    [
        (["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=auto"], ""),
        (["-p", "pytest_asyncio.plugin", "-o", "asyncio_mode=strict"], "@pytest.mark.asyncio"),
        (["-p", "anyio.pytest_plugin"], "@pytest.mark.parametrize('anyio_backend', ['asyncio'])"),
        (["-p", "xdist.plugin", "-n", "2", "-p", "pytest_asyncio.plugin"], "@pytest.mark.asyncio"),
    ],
    ids=["asyncio-auto", "asyncio-strict", "anyio", "xdist"],
)
def test_every_way_of_running_coroutines(run, options, mark):
    """A coroutine under each plugin, `asyncio.run`, and an `IsolatedAsyncioTestCase`: all pass."""
    if "anyio.pytest_plugin" in options:
        pytest.importorskip("anyio", reason="anyio is not installed")
        mark += "\n    @pytest.mark.anyio"
    run(EVERY_WAY.replace("MARK", mark), *options).assert_outcomes(passed=3)


def test_a_test_case_gets_the_first_kind(run):
    """Pytest runs a TestCase once, so of several kinds the first is what `stream_pair` is."""
    text = """
        import unittest, pytest

        class Test(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def pair(self, stream_pair):
                self.pair = stream_pair

            def test_it(self):
                assert self.pair.__name__ == "KIND_stream_pair"
    """
    for option, kind in ((), "memory"), (("--streams=unix,tcp",), "unix"):
        run(text.replace("KIND", kind), *option).assert_outcomes(passed=1)


def test_no_real_network(run):
    """A connect from Python code is an error that names the address; afterwards it is none."""
    run(
        """
        import asyncio, socket, pytest
        from streamgauge.fakes import ForbiddenConnectError, memory_stream_pair

        def test_forbidden(no_real_network):
            with pytest.raises(ForbiddenConnectError, match="127.0.0.1:9"):
                asyncio.run(asyncio.open_connection("127.0.0.1", 9))

        def test_allowed():
            with socket.create_server(("127.0.0.1", 0)) as listener:
                socket.create_connection(listener.getsockname()).close()

        def test_the_fake_goes_on(no_real_network):
            async def body():
                async with memory_stream_pair(ignore_leaks="all"):
                    pass
            asyncio.run(body())
        """
    ).assert_outcomes(passed=3)


def test_no_effect_unless_used(run):
    """A test that asks for nothing runs as without the plugin, whatever `--streams` says."""
    run("def test_it(): pass", "--streams=nonsense").assert_outcomes(passed=1)
