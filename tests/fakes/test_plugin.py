"""About streamgauge/fakes/plugin.py: in a project of its own, under each way of running tests."""

from __future__ import annotations

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
