"""What `lockstep` plays on: two worlds, each a loop with a stream pair on it.

A `World` is the kernel's or the fake's. It does things on its pair, lets its loop go round until
all is quiet, and says what can be seen there. It compares nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
import types

from streamgauge.fakes.parity.seen import raised, standing

QUIET_TURNS = 12
BUFFER_BYTES = 256 * 1024  # of a socket, each way
LINGER_ZERO = struct.pack("ii", 1, 0)


class Spy(asyncio.StreamReaderProtocol):
    """The stream protocol, noting what it is told."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.log, self.received, self.failed = [], 0, False

    def connection_made(self, transport):  # noqa: D102
        self.log.append("made")
        super().connection_made(transport)

    def data_received(self, data):  # noqa: D102
        self.received += len(data)
        super().data_received(data)

    def eof_received(self):  # noqa: D102
        self.log.append("eof")
        return super().eof_received()

    def connection_lost(self, exc):  # noqa: D102
        self.log.append(("lost", None if exc is None else raised(exc)))
        self.failed = exc is not None  # what was in the kernel by then is lost, be it much or not
        super().connection_lost(exc)

    def pause_writing(self):  # noqa: D102
        self.log.append("pause")
        super().pause_writing()

    def resume_writing(self):  # noqa: D102
        self.log.append("resume")
        super().resume_writing()


STREAMS = types.SimpleNamespace(
    StreamReader=asyncio.StreamReader, StreamReaderProtocol=Spy, StreamWriter=asyncio.StreamWriter
)


class Side:
    """One side of one of the two pairs, with what is under way on it."""

    def __init__(self, end):
        self.reader, self.writer, self.transport = end.reader, end.writer, end.transport
        self.spy = self.transport.get_protocol()
        self.socket = self.writer.get_extra_info("socket")
        self.read = None
        self.drains = []

    def fix_buffers(self):
        """Keep the kernel from taking more and more, as it does for a peer that reads on."""
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self.socket.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)

    def reset(self):
        """End by RST, where the link has one."""
        if not self.transport.is_closing() and self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self.transport.abort()

    def begin_read(self, verb, *args):
        """Begin a read."""
        self.read = asyncio.ensure_future(getattr(self.reader, verb)(*args))

    def begin_drain(self):
        """Begin a drain."""
        self.drains.append(asyncio.ensure_future(self.writer.drain()))

    def cancel_read(self):
        """Cancel the read."""
        self.read.cancel()

    def cancel_drain(self):
        """Cancel the oldest drain."""
        self.drains[0].cancel()

    def progress(self):
        """Give a number that changes while anything happens here."""
        done = [task.done() for task in (*self.drains, self.read) if task is not None]
        return len(self.spy.log), self.spy.received, done, self.transport.get_write_buffer_size()

    def seen(self, exact):
        """Give all that can be seen.

        Args:
            exact: whether the kernel had no choice in how much of the bytes came this way.
        """
        tasks = [standing(task) for task in (self.read, *self.drains) if task is not None]
        return {
            "told": [*self.spy.log],
            "closing": self.transport.is_closing(),
            "backlog": self.transport.get_write_buffer_size() > 0,
            "limits": self.transport.get_write_buffer_limits(),
            "awaited": [_told(task, exact) for task in tasks],
            "error": type(self.reader.exception()).__name__,
            "eof": self.reader.at_eof() if exact else None,
            "reading": self.transport.is_reading() if exact else None,
            "received": self.spy.received if exact else None,
        }

    def forget_what_is_done(self):
        """Let go of reads and drains that have ended."""
        self.read = None if self.read is None or self.read.done() else self.read
        self.drains = [task for task in self.drains if not task.done()]


def _told(outcome, exact):
    return outcome if exact or not isinstance(outcome, bytes) else "bytes"


class Levels(logging.Handler):
    """Collects what asyncio's logger is told."""

    def __init__(self):
        super().__init__()
        self.levels = []

    def emit(self, record):  # noqa: D102
        self.levels.append(record.levelname)


class World:
    """A loop, and a pair on it.

    Args:
        maker: makes the pair.
        loop_factory: makes the loop.

    Attributes:
        sides: the two sides of the pair, once `connect` was called.
        logged: the levels of what asyncio's logger was told during the last `do`.
    """

    def __init__(self, maker, loop_factory):
        self.maker, self.loop = maker, loop_factory()
        self.loop.set_exception_handler(lambda _, context: None)  # it is seen in what comes of it
        self.sides, self.logged, self._context = [], [], None

    def connect(self):
        """Make the pair."""
        self._context = self.maker(streams=STREAMS, ignore_leaks="all")
        self.sides = [Side(end) for end in self.loop.run_until_complete(self._context.__aenter__())]
        for side in self.sides:
            side.fix_buffers()

    def do(self, call, *args):
        """Call something in the loop, and give what it raised, if anything."""
        with _listening() as self.logged:
            return self.loop.run_until_complete(_in_loop(call, *args))

    def settle(self, patience=1):
        """Let the loop go round until nothing happens any more."""
        self.loop.run_until_complete(self._settle(QUIET_TURNS * patience))

    async def _settle(self, quiet_turns):
        before, quiet = None, 0
        while quiet < quiet_turns:
            await asyncio.sleep(0)
            now = [side.progress() for side in self.sides]
            quiet = quiet + 1 if now == before else 0
            before = now

    def end(self):
        """Cancel what is awaited, and abort both sides."""
        self.do(self._end)

    def _end(self):
        for side in self.sides:
            for task in (*side.drains, side.read):
                if task is not None:
                    task.cancel()
            with contextlib.suppress(AttributeError):  # asyncio's, once a close has flushed
                side.transport.abort()

    def close(self):
        """Leave the pair, and close the loop."""
        if self._context is not None:
            self.loop.run_until_complete(self._context.__aexit__(None, None, None))
        self.loop.close()


async def _in_loop(call, *args):
    try:
        call(*args)
    except Exception as exc:
        return raised(exc)
    return None


@contextlib.contextmanager
def _listening():
    logger, handler = logging.getLogger("asyncio"), Levels()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield handler.levels
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
