"""What ``reader._buffer`` gives: the receive buffer, seen as the bytearray it is in asyncio.

The name is private, and programs read and change it nevertheless: its length and truth, its
bytes, ``clear()``, slices put in and taken out. This view does all that on the chunk queue. It
holds nothing itself. What is cheap on the queue stays cheap; everything else works on a copy of
the bytes, and a change puts the changed copy back. Before Python 3.12 no class can lend its memory:
what asks for that (`memoryview`, `re`) is given ``bytes(view)``.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, MutableSequence

from .buffer import ReceiveBuffer


class BufferView(MutableSequence[int]):
    """A live view of a :class:`~.buffer.ReceiveBuffer` with the behaviour of a bytearray."""

    __slots__ = ("_target",)
    __hash__ = None  # type: ignore[assignment]  # as a bytearray: it can change

    def __init__(self, target: ReceiveBuffer) -> None:
        self._target = target

    def __len__(self) -> int:
        return self._target.size

    def __bytes__(self) -> bytes:
        return bytes(self._target)

    def __buffer__(self, flags: int) -> memoryview:
        """Let ``bytes.join``, ``socket.send`` and their like read it (Python 3.12 and later)."""
        return memoryview(bytes(self))

    def __iter__(self) -> Iterator[int]:
        return iter(bytes(self))

    def __contains__(self, item: object) -> bool:
        return item in bytes(self)  # type: ignore[operator]  # bytes says what is wrong with it

    def __repr__(self) -> str:
        return repr(bytearray(bytes(self)))

    def __eq__(self, other: object) -> bool:
        return bytes(self) == (bytes(other) if isinstance(other, BufferView) else other)

    def __lt__(self, other: Any) -> bool:
        return bool(bytes(self) < _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(bytes(self) <= _plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(bytes(self) > _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(bytes(self) >= _plain(other))

    def __add__(self, other: Any) -> bytearray:
        joined = bytearray(bytes(self))
        joined += _plain(other)
        return joined

    def __radd__(self, other: Any) -> Any:
        return other + bytes(self)

    def __mul__(self, times: int) -> bytearray:
        return bytearray(bytes(self)) * times

    __rmul__ = __mul__

    def __imul__(self, times: int) -> BufferView:
        self._target.replace(bytes(self) * times)
        return self

    def __getitem__(self, key: Any) -> Any:
        found = bytes(self)[key]
        return bytearray(found) if isinstance(key, slice) else found

    def __setitem__(self, key: Any, value: Any) -> None:
        changed = bytearray(bytes(self))
        changed[key] = _plain(value)
        self._target.replace(bytes(changed))

    def __delitem__(self, key: Any) -> None:
        if isinstance(key, slice) and key.start in (None, 0) and key.step in (None, 1):
            self._target.take(len(range(*key.indices(len(self)))))  # a read, in effect
            return
        changed = bytearray(bytes(self))
        del changed[key]
        self._target.replace(bytes(changed))

    def __iadd__(self, other: Iterable[int]) -> BufferView:  # type: ignore[misc]
        self.extend(other)
        return self

    def insert(self, index: int, value: int) -> None:
        """Put one byte in ahead of ``index``."""
        self[index:index] = bytes((value,))

    def append(self, value: int) -> None:
        """Put one byte behind the others."""
        self._target.append(bytes((value,)))

    def extend(self, values: Iterable[int]) -> None:
        """Put bytes behind the others."""
        added = bytearray()
        added.extend(_plain(values))
        self._target.append(bytes(added))

    def index(self, *args: Any) -> int:
        """Return where a byte, or bytes, are first found."""
        return bytes(self).index(*args)

    def count(self, *args: Any) -> int:
        """Return how often a byte, or bytes, are found."""
        return bytes(self).count(*args)

    def clear(self) -> None:
        """Forget all bytes."""
        self._target.replace(b"")

    def __getattr__(self, name: str) -> Any:
        """Answer bytearray's reading methods (``find``, ``startswith`` …) from a copy."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(bytearray(bytes(self)), name)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, BufferView) else value
