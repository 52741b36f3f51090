"""What each verb of a check comes to in plain asyncio: lines that go before, and a value.

A verb that takes more than a few lines of plain code has no entry: `plainly` then says which one
keeps a check from being told. The peer is a plain socket here, on the same loop, named `ours`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

__all__ = ["HELPERS", "LINKS", "UNTOLD", "VERBS", "NoScriptError", "Scene", "Told"]

# On which a script can be told; what fails in memory is told on the link that it is like.
LINKS = ("feed", "socketpair", "tcp", "unix", "own", "memory")

# Checks that would be told wrongly, with the reason; found by running every script that is told.
UNTOLD: Mapping[str, str] = {
    "a_peer_that_was_stopped_goes_on_record_by_record": "its peer needs a thread of its own",
}

# name -> the function's text; put in front of a script that uses the name.
HELPERS: Mapping[str, str] = {
    "idle": """\
async def idle():
    for _ in range(16): await asyncio.sleep(0)""",
    "receive": """\
async def receive(sock, size, data=b"", more=b"."):
    while more and len(data) < size:
        data += (more := await asyncio.get_running_loop().sock_recv(sock, size - len(data)))
    return data""",
    "send": """\
async def send(sock, data):
    await asyncio.get_running_loop().sock_sendall(sock, data)
    await idle()""",
}


class NoScriptError(Exception):
    """A check cannot be told in plain asyncio; the message says why, as half a sentence."""


@dataclass(frozen=True)
class Told:
    """A verb in plain code.

    Args:
        value: the expression that stands for the call; empty where the lines say all.
        before: lines that go before it.
    """

    value: str = ""
    before: Tuple[str, ...] = ()


@dataclass
class Scene:
    """What a line has to know of where it stands.

    Args:
        subject: how the subject is named.
        link: one of `LINKS`.
        names: what the statement assigns to; empty for one that assigns nothing.
        reader: the name of the last reader that was made.
        arrivals: names of the queues that take a server's streams.
        foreign: names of what has methods of the suite's, which no line may call.
    """

    subject: str
    link: str
    names: str = ""
    reader: str = "reader"
    arrivals: List[str] = field(default_factory=list)
    foreign: List[str] = field(default_factory=list)


SOON_S = 5  # seconds for what should have ended by then
Verb = Callable[[Scene, Sequence[str], Mapping[str, str]], Told]


def _joined(*words: str, **keywords: str) -> str:
    return ", ".join([*(w for w in words if w), *(f"{n}={v}" for n, v in keywords.items())])


def _lines(*before: str) -> Told:
    return Told(before=before)


# --- joining ------------------------------------------------------------------------------------


def _reader(scene: Scene, _: Sequence[str], keywords: Mapping[str, str]) -> Told:
    scene.reader = scene.names or "reader"
    if scene.link == "feed":
        return Told(f"{scene.subject}.StreamReader({_joined(**keywords)})")
    return _pair(Scene(scene.subject, scene.link, f"{scene.reader}, writer"), (), keywords)


def _pair(scene: Scene, _: Sequence[str], keywords: Mapping[str, str]) -> Told:
    names = scene.names.strip("()") or "reader, writer"
    if scene.link == "own":
        limit = keywords.get("limit", "2**16")
        return _lines(
            f"{names}, ours = await {scene.subject}().pair({limit})", "ours.setblocking(False)"
        )
    if scene.link == "socketpair":
        call = f"{scene.subject}.open_connection({_joined('sock=theirs', **keywords)})"
        return _lines(
            "ours, theirs = socket.socketpair()",
            "ours.setblocking(False)",
            f"{names} = await {call}",
        )
    return _lines(
        *_listening(scene, "listening"),
        f"{names} = {_opened(scene, 'listening', keywords)}",
        "ours = listening.accept()[0]",
        "ours.setblocking(False)",
    )


def _listening(scene: Scene, name: str) -> Tuple[str, ...]:
    if scene.link == "unix":
        bind = f"{name}.bind(tempfile.mkdtemp() + '/s')"
        return (f"{name} = socket.socket(socket.AF_UNIX)", bind, f"{name}.listen()")
    return (f'{name} = socket.create_server(("127.0.0.1", 0))',)


def _opened(scene: Scene, listener: str, keywords: Mapping[str, str]) -> str:
    address = f"{listener}.getsockname()"
    if scene.link == "unix":
        return f"await {scene.subject}.open_unix_connection({_joined(address, **keywords)})"
    return f"await {scene.subject}.open_connection({_joined(f'*{address}', **keywords)})"


def _listen(scene: Scene, _: Sequence[str], __: Mapping[str, str]) -> Told:
    scene.foreign.append(scene.names)
    return Told(before=_listening(scene, scene.names or "listener"))


def _open(scene: Scene, words: Sequence[str], keywords: Mapping[str, str]) -> Told:
    return Told(_opened(scene, words[0], keywords))


def _start_server(scene: Scene, words: Sequence[str], keywords: Mapping[str, str]) -> Told:
    callback = words[0]
    unix = scene.link == "unix"
    where = ["tempfile.mkdtemp() + '/s'"] if unix else ['"127.0.0.1"', "0"]
    where = [] if {"path", "sock", "host"} & {*keywords} else where
    call = f"start_{'unix_' * unix}server({_joined(callback, *where, **keywords)})"
    return _lines(f"{scene.names or 'server'} = await {scene.subject}.{call}")


def _serving(_: Scene, words: Sequence[str], __: Mapping[str, str]) -> Told:
    return _lines(*([] if words[0] == "server" else [f"server = {words[0]}"]))


def _dial(scene: Scene, words: Sequence[str], _: Mapping[str, str]) -> Told:
    if scene.names:
        raise NoScriptError("it has several peers")
    address = words[0] if words else "server.sockets[0].getsockname()"
    family = "socket.AF_UNIX" if scene.link == "unix" else ""
    return _lines(
        f"ours = socket.socket({family})", f"ours.connect({address})", "ours.setblocking(False)"
    )


def _arrivals(scene: Scene, _: Sequence[str], __: Mapping[str, str]) -> Told:
    if not scene.names:
        return Told("lambda *pair: None")  # nobody asks for them
    if not scene.names.isidentifier():
        raise NoScriptError("it names several things in one line")
    scene.arrivals.append(scene.names)
    return Told("asyncio.Queue()")


def _accept_pair(scene: Scene, _: Sequence[str], keywords: Mapping[str, str]) -> Told:
    names = scene.names.strip("()")
    scene.arrivals.append("arrivals")
    served = _start_server(Scene(scene.subject, scene.link, "server"),
                           ["lambda *pair: arrivals.put_nowait(pair)"], keywords)  # fmt: skip
    return _lines(
        "arrivals = asyncio.Queue()",
        *served.before,
        *_dial(scene, (), {}).before,
        f"{names} = await arrivals.get()",
    )


def _loop_errors(scene: Scene, _: Sequence[str], __: Mapping[str, str]) -> Told:
    name = scene.names or "errors"
    handler = f"lambda _, context: {name}.append(context)"
    return _lines(f"{name} = []", f"asyncio.get_running_loop().set_exception_handler({handler})")


# --- delivering ---------------------------------------------------------------------------------


def _deliver(scene: Scene, words: Sequence[str], _: Mapping[str, str]) -> Told:
    if scene.link == "feed":
        return _lines(f"{scene.reader}.feed_data({words[0]})", "await idle()")
    return _lines(f"await send(ours, {words[0]})")


def _deliver_now(scene: Scene, words: Sequence[str], keywords: Mapping[str, str]) -> Told:
    ending = bool(keywords.get("eof"))
    if scene.link == "feed":
        feed = f"{scene.reader}.feed_data({words[0]})"
        return _lines(feed, *([f"{scene.reader}.feed_eof()"] * ending))
    return _lines(f"ours.send({words[0]})", *(["ours.shutdown(socket.SHUT_WR)"] * ending))


def _deliver_eof(scene: Scene, _words: Sequence[str], _: Mapping[str, str]) -> Told:
    fed = scene.link == "feed"
    end = f"{scene.reader}.feed_eof()" if fed else "ours.shutdown(socket.SHUT_WR)"
    return _lines(end, "await idle()")


def _full(scene: Scene, words: Sequence[str], _: Mapping[str, str]) -> Told:
    size = "1 << 24"  # more than any kernel takes from a peer that does not read
    writer = words[0]
    return Told(
        f"draining, {size}",
        (
            f"{writer}.write(bytes({size}))",
            f"draining = asyncio.ensure_future({writer}.drain())",
            "await idle()",
        ),
    )


def _reset(scene: Scene, _words: Sequence[str], _: Mapping[str, str]) -> Told:
    if scene.link != "tcp":
        raise NoScriptError(f"nothing resets a connection on {scene.link} in a line")
    linger = 'ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1" + bytes(7))'
    return _lines(linger, "ours.close()  # a reset", "await idle()")


# --- waiting and judging ------------------------------------------------------------------------


def _named(task: str) -> Tuple[Tuple[str, ...], str]:
    """Give a task that is made on the spot a name."""
    return ((), task) if task.isidentifier() else ((f"task = {task}",), "task")


def _still_waits(_: Scene, words: Sequence[str], __: Mapping[str, str]) -> Told:
    before, task = _named(words[0])
    what = _text(words[1], " should wait")
    return _lines(*before, "await idle()", f"expect.assertFalse({task}.done(), {what})")


def _is_done(_: Scene, words: Sequence[str], __: Mapping[str, str]) -> Told:
    made = re.fullmatch(r"asyncio\.ensure_future\((.*)\)", words[0])
    if made:  # a task only so that its end can be waited for, which is done here anyway
        return Told(f"await asyncio.wait_for({made.group(1)}, {SOON_S})")
    return Told(f"await asyncio.wait_for({words[0]}, {SOON_S})", ("await idle()",))


def _cancel(_: Scene, words: Sequence[str], __: Mapping[str, str]) -> Told:
    before, task = _named(words[0])
    over = f"expect.assertTrue({task}.cancelled(), {_text(words[1], ' should be cancelled')})"
    return _lines(*before, f"{task}.cancel()", "await idle()", over)


def _text(literal: str, more: str) -> str:
    """Lengthen a string literal, a formatted one too."""
    return f"{literal[:-1]}{more}{literal[-1]}" if literal[-1] in "\"'" else literal


def _raises(_: Scene, words: Sequence[str], __: Mapping[str, str]) -> Told:
    return Told(f"expect.assertRaises{'Regex' * (len(words) > 1)}({_joined(*words)})")


def _call(template: str) -> Verb:
    """Make a verb of an expression in which {0} and {1} are its arguments, {all} all of them."""

    def tell(scene: Scene, words: Sequence[str], keywords: Mapping[str, str]) -> Told:
        every = _joined(*words, **keywords)
        return Told(template.format(*words, all=every, subject=scene.subject))

    return tell


def _line(*templates: str) -> Verb:
    """Make a verb of lines in which {0} and {1} are its arguments."""
    return lambda scene, words, _: _lines(*(t.format(*words) for t in templates))


VERBS: Dict[str, Verb] = {
    "reader": _reader,
    "pair": _pair,
    "connect": _pair,
    "listen": _listen,
    "open": _open,
    "arrivals": _arrivals,
    "accept_pair": _accept_pair,
    "path": _call("tempfile.mkdtemp() + '/s'"),
    "servers.append": _serving,
    "bench.on_exit": _line(),  # what a trial closes the end of the program closes here
    "expect_loop_errors": _loop_errors,
    "start_server": _start_server,
    "serve": _start_server,
    "dial": _dial,
    "deliver": _deliver,
    "deliver_now": _deliver_now,
    "deliver_eof": _deliver_eof,
    "deliver_reset": _reset,
    "peer.send": _line("await send(ours, {0})"),
    "peer.recv": _call("await asyncio.get_running_loop().sock_recv(ours, {0})"),
    "peer.recv_exactly": _call("await receive(ours, {0})"),
    "peer.recv_until_eof": _call("await receive(ours, 1 << 30)"),
    "peer.close": _line("ours.close()"),
    "peer.reset": _reset,
    "peer.reset_unseen": lambda *_: _lines(*_reset(*_).before[:2]),
    "idle": _line("await idle()"),
    "start": _call("asyncio.ensure_future({0})"),
    "still_waits": _still_waits,
    "is_done": _is_done,
    "cancel": _cancel,
    "fill_until_drain_blocks": _full,
    "try_to_fill": _full,
    "narrow": _line(
        '{0}.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)'
    ),
    "equal": _call("expect.assertEqual({all})"),
    "true": _call("expect.assertTrue({all})"),
    "false": _call("expect.assertFalse({all})"),
    "is_instance": _call("expect.assertIsInstance({all})"),
    "fail": _call("expect.fail({all})"),
    "raises": _raises,
}
