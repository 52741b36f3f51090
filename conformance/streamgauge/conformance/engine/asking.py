"""Asking: subjects and loops are imported in children, which report what they offer.

Whatever a module does while it is imported, to its process or to itself, is a line for the user.
"""

from __future__ import annotations

from typing import Dict, List, Sequence

from streamgauge.conformance import unix
from streamgauge.conformance.engine.children import Child
from streamgauge.conformance.engine.deadlines import Deadlines
from streamgauge.conformance.engine.frames import Frame, GarbageError
from streamgauge.conformance.engine.keeper import Role
from streamgauge.conformance.errors import HarnessError, UsageError
from streamgauge.conformance.loops import module_of_loop
from streamgauge.conformance.rehearsal import ending
from streamgauge.conformance.subjects import module_of

__all__ = ["LONGEST_IMPORT_S", "ask"]

LONGEST_IMPORT_S = 120.0  # an import that takes longer has no end
AT_ONCE = 8  # children that import at the same time


def ask(roles: Sequence[Role]) -> List[Frame]:
    """Have each role's subject or loop imported in a child of its own.

    Returns:
        What each of them offers, in order.

    Raises:
        UsageError: one cannot be imported, or ends its process, or never comes to an end.
        HarnessError: the machine refuses a process.
    """
    found: List[Frame] = []
    for begin in range(0, len(roles), AT_ONCE):
        found += _Asking().run(roles[begin : begin + AT_ONCE])
    return found


class _Asking:
    def __init__(self) -> None:
        self._children: Dict[Role, Child] = {}
        self._offers: Dict[Role, Frame] = {}
        self._deadlines = Deadlines()

    def run(self, roles: Sequence[Role]) -> List[Frame]:
        try:
            for role in roles:
                self._children[role] = Child(role)
                self._deadlines.set(role, LONGEST_IMPORT_S)
            while self._children:
                self._look()
            return [self._offers[role] for role in roles]
        except OSError as error:
            raise HarnessError(f"the machine refused a process: {error}") from error
        finally:
            for child in self._children.values():
                child.kill()

    def _look(self) -> None:
        poll = unix.select.poll()
        for child in self._children.values():
            poll.register(child.line.sock, unix.select.POLLIN)
            if child.talks:
                poll.register(child.output, unix.select.POLLIN)
        poll.poll(1000 * self._deadlines.wait_s())
        self._deadlines.overslept()
        for role, child in list(self._children.items()):
            child.listen()
            self._hear(role, child)
        for due in self._deadlines.due():
            assert isinstance(due, Role)
            raise UsageError(
                f"{due.name}: importing {_module(due)!r} did not end in {LONGEST_IMPORT_S:.0f} "
                "seconds; let the module do its work when it is used, not when it is imported"
            )

    def _hear(self, role: Role, child: Child) -> None:
        try:
            frames = child.line.frames()
        except EOFError:
            how = ending(child.collected())
            raise UsageError(
                f"{role.name}: importing {_module(role)!r} ended the process ({how}); "
                "try `python -c 'import ...'` on it, and mend what ends Python there"
            ) from None
        except GarbageError as error:
            raise UsageError(
                f"{role.name}: importing {_module(role)!r} writes to descriptors that are not its "
                f"own ({error})"
            ) from None
        for frame in frames:
            if frame.kind == "refusal":
                raise UsageError(frame.data["text"])
            self._offers[role] = frame
            self._children.pop(role, child).kill()
            self._deadlines.clear(role)


def _module(role: Role) -> str:
    return module_of(role.subject) if role.subject else module_of_loop(role.loop)
