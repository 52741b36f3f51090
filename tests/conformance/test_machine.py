"""The machine: what it lacks leaves trials untried, with a word, and blames no subject."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest

from streamgauge.conformance import certificates, link_types, machine
from streamgauge.conformance.errors import HarnessError
from streamgauge.conformance.machine import MissingError, need_localhost, short_folder

pytestmark = pytest.mark.oldest_and_newest

COMMAND = [sys.executable, "-c", "from streamgauge.conformance.cli import main; main()"]
ROOM = 48  # bytes


def command(
    folder: Path, *words: str, **environment: str
) -> Tuple[subprocess.CompletedProcess[str], List[Dict[str, Any]]]:
    """Run the command in a folder; return how it ended and, of a run, the results."""
    if words[0] == "run":
        words = (*words, "--jsonl", str(folder / "results"), "--workers", "2")
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines: List[str] = []
    with contextlib.suppress(OSError):
        lines = (folder / "results").read_text().splitlines()
    return done, [line for line in map(json.loads, lines) if line["type"] == "result"]


def behind(folder: Path) -> str:
    """Return the search path of a process in which a folder's modules come first."""
    return os.pathsep.join((str(folder), *sys.path))


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def untrusted(tmp_path: Path) -> str:
    """Return a search path on which trustme cannot be imported."""
    (tmp_path / "trustme.py").write_text("raise ImportError('planted')\n")
    return behind(tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("explain", "reader.read.empty-at-eof"),
        ("run", "streams", "--clause", "reader.read.*", "--link", "feed", "--link", "tcp"),
    ],
    ids=" ".join,
)
def test_only_tls_needs_trustme(tmp_path: Path, untrusted: str, words: Tuple[str, ...]) -> None:
    """Without trustme, what tries no TLS is as with it."""
    done, results = command(tmp_path, *words, PYTHONPATH=untrusted)
    assert (0, "") == (done.returncode, done.stderr)
    assert {"pass"} >= {r["verdict"] for r in results}


def test_without_trustme_tls_is_not_tried(tmp_path: Path, untrusted: str) -> None:
    """Each trial with TLS is a failed precondition, told in one line; no other trial changes."""
    words = ("run", "streams", "stdlib", "--clause", "*ssl*", "--clause", "*start_tls*")
    done, results = command(tmp_path, *words, PYTHONPATH=untrusted)
    text = "tls: not tried, install trustme"
    assert 4 == done.returncode
    assert {("precondition", text)} >= {
        (r["verdict"], r["detail"]) for r in results if r["verdict"] not in ("pass", "inapplicable")
    }
    lines = [line for line in done.stdout.splitlines() if text in line]
    assert 2 == len(lines)  # one for each subject
    assert 2 == done.stdout.count("UNTRIED")


def test_without_trustme_a_suite_of_the_users_skips_tls(tmp_path: Path, untrusted: str) -> None:
    """In somebody's own pytest what the machine lacks is a skip with a reason, and no failure."""
    (tmp_path / "test_mine.py").write_text(
        "from streamgauge.conformance import conformance_tests\n"
        "test_it = conformance_tests(\n"
        "    'streams', links=('tcp', 'tls'), clauses=('reader.read.up-to-n',)\n)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": untrusted},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert 0 == done.returncode, done.stdout
    assert "passed" in done.stdout
    assert "tls: not tried, install trustme" in done.stdout


def test_without_trustme_the_bench_leaves_tls_out(tmp_path: Path, untrusted: str) -> None:
    """Asked for a workload over TLS alone, it says why there is none; any other is measured."""
    done, _ = command(tmp_path, "bench", "--workload", "tls-bulk", PYTHONPATH=untrusted)
    assert (4, "streamgauge: tls: not tried, install trustme\n") == (done.returncode, done.stderr)
    words = ("bench", "stdlib", "--quick", "--rounds", "1", "--workload", "tls-*")
    done, _ = command(tmp_path, *words, "--workload", "drain-idle", PYTHONPATH=untrusted)
    assert (0, "tls: not tried, install trustme\n") == (done.returncode, done.stderr)


@pytest.fixture
def fresh_certificates() -> Iterator[None]:
    """Have certificates made anew, in the test and after it."""
    made: Any
    kept = (certificates._authority, certificates.server_context, certificates.client_context)
    for made in kept:
        made.cache_clear()
    yield
    for made in kept:
        made.cache_clear()


def test_certificates_that_are_not_valid_now_are_told(
    fresh_certificates: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is decades off is the machine's fault: no handshake is tried on a subject."""
    long_ago = datetime.datetime(2001, 1, 1)
    issue: Callable[..., Any] = certificates._new_authority().issue_cert.__func__

    def expired(self: Any, *names: str, **options: Any) -> Any:
        return issue(self, *names, not_after=long_ago, **options)

    monkeypatch.setattr("trustme.CA.issue_cert", expired)
    with pytest.raises(MissingError, match=r"tls: not tried, .*expired.*is the clock right"):
        certificates.client_context()


# --- names and links ---------------------------------------------------------------------------

NAMELESS = """
from asyncio import *
import socket
real = socket.getaddrinfo

def getaddrinfo(host, *args, **kwargs):
    if host in ("localhost", b"localhost"):
        raise socket.gaierror(-2, "planted")
    return real(host, *args, **kwargs)

socket.getaddrinfo = getaddrinfo
"""


def test_a_machine_without_hosts_is_no_departure(tmp_path: Path) -> None:
    """Where localhost is not resolved, checks that connect to it by name are not tried."""
    (tmp_path / "nameless.py").write_text(NAMELESS)
    clauses = ("open_connection.connect.*", "open_connection.flags.*", "start_server.flags.*")
    words = [word for clause in (*clauses, "*next-address") for word in ("--clause", clause)]
    _, results = command(tmp_path, "run", "nameless", *words)
    untried = [r for r in results if r["verdict"] == "precondition"]
    assert 2 == len(untried)
    assert all(r["detail"].startswith("localhost: not tried, no address") for r in untried)
    assert {"pass", "precondition", "inapplicable"} >= {r["verdict"] for r in results}


def test_a_name_that_is_resolved_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe asks the machine's own resolver, and once."""
    machine._localhost.cache_clear()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    need_localhost()
    monkeypatch.delattr(socket, "getaddrinfo")
    need_localhost()
    machine._localhost.cache_clear()


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        (socket.AF_UNIX, {"socketpair", "unix"}),
        (socket.AF_INET, {"tcp", "tls"}),
        (socket.AF_INET6, {"tcp6"}),
    ],
)
def test_links_that_the_machine_has_not_got_are_left_out(
    monkeypatch: pytest.MonkeyPatch, refused: socket.AddressFamily, missing: set
) -> None:  # type: ignore[type-arg]
    """A link is there where two sockets of its family can be joined."""
    real = socket.socket

    def make(family: Any = socket.AF_INET, *args: Any, **options: Any) -> socket.socket:
        if family == refused:
            raise OSError(97, "planted")
        return real(family, *args, **options)

    link_types.available_links.cache_clear()
    there = set(link_types.missing_links())
    link_types.available_links.cache_clear()
    monkeypatch.setattr(socket, "socket", make)
    monkeypatch.setattr(socket, "socketpair", lambda family: [make(family) for _ in "ab"])
    found = link_types.missing_links()
    link_types.available_links.cache_clear()
    assert there | missing == set(found)
    assert all("planted" in found[link] for link in missing)


# --- folders -----------------------------------------------------------------------------------


def test_a_long_name_of_the_temporary_folder_is_no_departure(tmp_path: Path) -> None:
    """Paths of unix sockets are short even where TMPDIR is not."""
    folder = tmp_path / ("long" * 25)
    folder.mkdir()
    words = ("run", "streams", "--link", "unix", "--clause", "*unix*")
    done, results = command(tmp_path, *words, TMPDIR=str(folder))
    assert (0, "") == (done.returncode, done.stderr)
    assert {"pass", "inapplicable"} >= {r["verdict"] for r in results if r["level"] == "must"}


def test_the_folder_is_the_users_where_that_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TMPDIR is heeded, unless the path of a unix socket would not fit behind it."""
    monkeypatch.setattr(tempfile, "tempdir", "/short")
    assert "/short" == short_folder(ROOM)
    monkeypatch.setattr(tempfile, "tempdir", f"/{'x' * 90}")
    assert short_folder(ROOM) in machine.OTHER_FOLDERS
    assert f"/{'x' * 90}" == short_folder(2)
    monkeypatch.setattr(machine, "OTHER_FOLDERS", ())
    assert f"/{'x' * 90}" == short_folder(ROOM)
    with pytest.raises(MissingError, match=r"unix: not tried, .* set TMPDIR=/tmp"):
        machine.need_short_path(f"/{'x' * 90}/gauge-12345678/s")


def test_nowhere_to_write_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any folder for temporary files it is one line that says what to set."""

    def nowhere() -> str:
        raise FileNotFoundError("planted")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    monkeypatch.setattr(machine, "OTHER_FOLDERS", ())
    with pytest.raises(HarnessError, match="set TMPDIR"):
        short_folder(ROOM)


# --- another platform --------------------------------------------------------------------------

ELSEWHERE = """
import os, signal, socket, sys
for module, names in {
    os: ("fork", "killpg", "set_blocking"),
    signal: ("SIGALRM", "SIGHUP", "setitimer"),
    socket: ("AF_UNIX",),
}.items():
    for name in names:
        delattr(module, name)
sys.modules.update(dict.fromkeys(("fcntl", "resource", "termios")))
from streamgauge.conformance.cli import main
main()
"""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("list",), 0, ""),
        (("explain", "reader.read.empty-at-eof"), 0, ""),
        (("run",), 2, "trials need os.fork, os.killpg, os.set_blocking, signal.SIGALRM, "),
        (("repro", "streams", "reader.read.*"), 2, "trials need os.fork, "),
        (("baseline", "streams"), 2, "trials need os.fork, "),
        (("bench", "--quick"), 2, "trials need os.fork, "),
        (("saboteurs",), 2, "trials need os.fork, "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_platform_that_is_no_unix_is_told(words: Tuple[str, ...], code: int, says: str) -> None:
    """What runs trials says in one line what it lacks; what only reads the catalogue works."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, *words], capture_output=True, text=True, timeout=60
    )
    assert (code, bool(says)) == (done.returncode, done.stderr.count("\n") == 1), done.stderr
    assert says in done.stderr
