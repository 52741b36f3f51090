"""A check told as a short script in plain asyncio, for a bug report or a first look.

The script is made from the check's own text: what the trial does for it stands there in plain
asyncio, a socket in the peer's place, and the rest as it is written. It is shown only if it is
whole and at most `LINES_AT_MOST` lines long; where a check cannot be told so, `NoScriptError`
says why.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from streamgauge.conformance import registry, vocabulary
from streamgauge.conformance.plan import STOCK_LOOP
from streamgauge.conformance.registry import Check
from streamgauge.conformance.subjects import BUILTIN
from streamgauge.conformance.vocabulary import HELPERS, LINKS, VERBS, NoScriptError, Scene, Told

__all__ = ["LINES_AT_MOST", "NoScriptError", "script_for"]

LINES_AT_MOST = 20
WIDTH = 120  # columns
IDLE = "await idle()"
# How a loop with a name of its own is made; those that are missing take more than a line.
LOOPS_MADE = {
    **{name: f"{name}.new_event_loop()" for name in ("uvloop", "rloop", "winloop", "zloop")},
    "talyn": "talyn.Loop()",
    "aiofastnet": "aiofastnet.loop_factory()()",
}
AMIDST = "?"  # in place of names: the verb is a part of a larger expression
NAMING = ("pair", "connect", "reader", "listen", "arrivals", "serve", "start_server", "accept_pair")
ENDLESS_S = 20  # seconds after which a script gives a wait up that has no end
SUITE = "streamgauge.conformance"
# Scripts by clause, for checks that are too long; by clause and check, where a clause has several.
WRITTEN = Path(__file__).parent / "reproducers"


def script_for(check: Check, link: str, *, subject: str, loop: str = STOCK_LOOP) -> str:
    """Give the script that shows whether a subject keeps what a check demands.

    Args:
        check: the check.
        link: the link on which it is to be shown.
        subject: name of the subject, as on the command line.
        loop: name of the loop.

    Returns:
        The text of a program of at most `LINES_AT_MOST` lines. It ends with an error where the
        check fails, and in silence where it holds.

    Raises:
        NoScriptError: the check uses what has no short equivalent, or comes out too long.
    """
    try:
        return _generated(check, link, subject, loop)
    except NoScriptError:
        several = len(registry.checks_for(check.clause)) > 1
        written = WRITTEN / f"{check.clause}{f'.{check.name}' * several}.txt"
        if not written.is_file() or link == "own":  # these call asyncio's functions by name
            raise
        return _by_hand(written.read_text(encoding="utf-8"), check.clause, subject, loop)


def _generated(check: Check, link: str, subject: str, loop: str) -> str:
    link = check.like(link)  # what fails in memory, fails on the kernel's link that it is like
    if link not in LINKS:
        raise NoScriptError(f"link {link} takes more than plain sockets")
    if check.name in vocabulary.UNTOLD:
        raise NoScriptError(vocabulary.UNTOLD[check.name])
    lines = _Script(check, link, subject, loop).lines()
    if len(lines) > LINES_AT_MOST:
        raise NoScriptError(f"it would take {len(lines)} lines")
    if any(len(line) > WIDTH for line in lines):
        raise NoScriptError("a line of it would be too long to read")
    return "\n".join(lines) + "\n"


def _by_hand(text: str, clause: str, subject: str, loop: str) -> str:
    """Put a subject and a loop into a script that was written by hand for a clause."""
    line, name = _imported(subject)
    imports, _, rest = text.partition("\n")
    run = re.search(r"^asyncio\.run\((.*)\)$", rest, re.MULTILINE)
    if loop != STOCK_LOOP and run:
        rest = rest.replace(run.group(), _run(run.group(1), loop))
    return "\n".join([f"# {clause}", imports, *([line] * bool(line)), ""]) + re.sub(
        r"\bSUBJECT\b", name, rest
    )


def _run(main: str, loop: str) -> str:
    """Give the line that runs a coroutine on a loop."""
    if loop == STOCK_LOOP:
        return f"asyncio.run({main})"
    if loop == "asyncio-debug":
        return f"asyncio.run({main}, debug=True)"
    module, colon, factory = loop.partition(":")
    made = f"{module}.{factory}()" if colon else LOOPS_MADE.get(loop, "")
    if not made:
        raise NoScriptError(f"loop {loop} takes more than a line to make")
    return f"import {module}; {made}.run_until_complete({main})"


class _Script:
    """One script in the making."""

    def __init__(self, check: Check, link: str, subject: str, loop: str) -> None:
        self._check = check
        self._loop = loop
        self._source = textwrap.dedent(check.source)
        self._starts = [0]
        for line in self._source.encode().splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._bytes = self._source.encode()
        self._import, name = _imported(subject)
        self._scene = Scene(name, link)
        self._caught: List[str] = []  # names of what is raised and looked at
        self._globals: Dict[str, Any] = vars(inspect.getmodule(check.function))

    def lines(self) -> List[str]:
        """Give the script's lines."""
        function: Any = ast.parse(self._source).body[0]
        self._locals = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)
                        and isinstance(n.ctx, ast.Store)}  # fmt: skip
        told = self._block(function.body, "    ")
        spoken = "\n".join(told)
        if "send(ours" not in spoken and "receive(ours" not in spoken and "sock_" not in spoken:
            told = [li for li in told if "ours.setblocking" not in li]
        # Two verbs that both turn the loop need it turned once.
        told = [li for li, last in zip(told, ["", *told]) if li.strip() != IDLE or li != last]
        body = ["async def main():", *told]
        text = "\n".join(body)
        helpers = _needed(text)
        constants = self._constants(function)
        names = re.findall(r"[A-Za-z_]\w*", "\n".join(constants))
        imports = self._imports(function, "\n".join([*helpers, *constants, text]), names)
        main = f"asyncio.wait_for(main(), {ENDLESS_S})"
        run = _run(main, self._loop)
        lines = [*imports, *constants, *helpers, *body, run]
        if len(lines) > LINES_AT_MOST:
            lines = list(_tight(lines))
        return [f"# {self._check.clause}"] * (len(lines) < LINES_AT_MOST) + lines

    # --- statements ---

    def _block(self, statements: Sequence[ast.stmt], indent: str) -> List[str]:
        return [line for statement in statements for line in self._statement(statement, indent)]

    def _statement(self, node: Any, indent: str) -> List[str]:
        """Tell one statement; what its verbs need before it goes before it."""
        before: List[str] = []
        bodies = [name for name in ("body", "orelse", "finalbody", "handlers") if _has(node, name)]
        if not bodies:
            return self._simple(node, indent)
        if isinstance(node, (ast.Try, ast.ClassDef)) or len(bodies) > 1:
            raise NoScriptError("it has a branch too many")
        first = node.body[0]
        head = self._text(self._offset(node.lineno, node.col_offset), self._offset(
            first.lineno, first.col_offset), node, before)  # fmt: skip
        header = re.sub(r"\s+", " ", head.partition("#")[0]).strip()
        for item in getattr(node, "items", []):
            if _verb(item.context_expr)[0] == "raises" and item.optional_vars is not None:
                self._caught.append(item.optional_vars.id)
        below = self._block(node.body, indent + "    ")
        if not below:
            raise NoScriptError("a block of it would be empty")
        return [*(indent + line for line in before), indent + header, *below]

    def _simple(self, node: Any, indent: str) -> List[str]:
        before: List[str] = []
        self._scene.names = ""
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            self._scene.names = names = self._render(target, before)
            value = self._render(node.value, before)
            text = f"{names} = {value}" if value else ""
        elif isinstance(node, ast.Expr):
            text = self._render(node.value, before)
        else:
            text = self._text(*self._range(node), node, before)
        for name in self._scene.arrivals:
            text = re.sub(rf"\b{name}\(([^()]*)\)", rf"{name}.put_nowait((\1))", text)
        for name in self._caught:
            text = text.replace(f"{name}.value", f"{name}.exception")
        text = re.sub(r"\s*\n\s*", " ", text).replace("( ", "(").replace(", )", ")")
        return [indent + line for line in (*before, *([text] * bool(text)))]

    # --- expressions ---

    def _render(self, node: Any, before: List[str]) -> str:
        """Tell an expression; lines that have to go before it are added to `before`."""
        name, call = _verb(node)
        if isinstance(node, ast.Name) and node.id in self._scene.arrivals:
            return f"lambda *pair: {node.id}.put_nowait(pair)"
        if not name:
            return self._text(*self._range(node), node, before)
        if name == "subject" or name.startswith("subject."):
            text = f"{self._scene.subject}{name[len('subject') :]}"
            if call is None:
                return text
            waits = "await " * isinstance(node, ast.Await)
            return f"{waits}{text}({self._arguments(call, before)})"
        if name in ("link", "like"):
            return repr(self._scene.link)
        if name not in VERBS or call is None:
            raise NoScriptError(f"t.{name} has no short equivalent in plain asyncio")
        names, self._scene.names = self._scene.names, ""  # they are for this verb alone
        words = [self._render(a, before) for a in call.args]
        keywords = {k.arg: self._render(k.value, before) for k in call.keywords if k.arg}
        self._scene.names = names
        if names == AMIDST and name in NAMING:
            raise NoScriptError("it says several things in one line")
        if len(keywords) < len(call.keywords):
            raise NoScriptError("its arguments are not written out")
        told: Told = VERBS[name](self._scene, words, keywords)
        before.extend(told.before)
        return told.value

    def _arguments(self, call: ast.Call, before: List[str]) -> str:
        self._scene.names = ""
        words = [self._render(a, before) for a in call.args]
        words += [f"{k.arg}={self._render(k.value, before)}" if k.arg
                  else f"**{self._render(k.value, before)}" for k in call.keywords]  # fmt: skip
        return ", ".join(words)

    def _text(self, begin: int, end: int, node: ast.AST, before: List[str]) -> str:
        """Give a piece of the source, its verbs told."""
        for inner in ast.walk(node):
            named = getattr(getattr(inner, "value", None), "id", "")
            if named in self._scene.foreign:
                raise NoScriptError("it asks a listening peer for more than its address")
        parts, at = [], begin
        for inner in _outermost_verbs(node):
            first, last = self._range(inner)
            if begin <= first and last <= end:
                self._scene.names = AMIDST
                value = self._render(inner, before)
                if not value:
                    raise NoScriptError("it says several things in one line")
                parts += [self._bytes[at:first].decode(), value]
                at = last
        return "".join([*parts, self._bytes[at:end].decode()])

    def _range(self, node: Any) -> Tuple[int, int]:
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno, node.end_col_offset),
        )

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    # --- what stands above the check ---

    def _constants(self, function: ast.AST) -> List[str]:
        """Give the assignments of the module's constants that the check uses."""
        module = inspect.getsource(inspect.getmodule(self._check.function))  # type: ignore[arg-type]
        above = ast.parse(module).body
        assigned: Dict[str, Any] = {}
        for statement in above:
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                stored = (n for n in ast.walk(statement) if isinstance(n, ast.Name))
                assigned.update({n.id: statement for n in stored if isinstance(n.ctx, ast.Store)})
        kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        assigned.update({s.name: s for s in above if isinstance(s, kinds)})
        found: Dict[str, str] = {}

        def add(tree: ast.AST) -> None:
            for name in _names(tree):
                if name in assigned and name not in found and name not in self._locals:
                    statement = assigned[name]
                    found[name] = ""  # it may name itself
                    add(statement)
                    segment = ast.get_source_segment(module, statement) or ""
                    if isinstance(statement, ast.Assign):
                        segment = re.sub(r"\s*\n\s*", " ", segment)
                    found.pop(name)
                    found[name] = segment  # behind what it needs

        for statement in getattr(function, "body", []):
            add(statement)
        return [li for text in dict.fromkeys(found.values()) for li in _bare(text)]

    def _imports(self, function: ast.AST, text: str, constants: List[str]) -> List[str]:
        """Give the imports of the script: plain modules in one line, then names, then subject."""
        modules = {"asyncio": None}
        froms: Dict[str, Dict[str, None]] = {}
        used = [n for s in getattr(function, "body", []) for n in _names(s)] + constants
        for name in sorted(set(re.findall(r"[A-Za-z_]\w*", text)) - self._locals):
            thing = self._globals.get(name)
            if isinstance(thing, ModuleType) and thing.__name__ == name:
                modules[name] = None
            elif isinstance(thing, ModuleType):
                froms.setdefault(thing.__name__.rpartition(".")[0], {})[name] = None
            elif name in ("socket", "tempfile"):
                modules[name] = None
            elif name in used and hasattr(thing, "__module__"):
                if thing.__module__.startswith(SUITE):
                    if thing.__module__ != self._check.function.__module__:
                        raise NoScriptError(f"it uses {name} of the suite")
                    continue
                froms.setdefault(thing.__module__.partition(".")[0], {})[name] = None
        if "expect." in text:
            modules["unittest"] = None
        lines = [f"import {', '.join(sorted(modules))}"]
        lines += [f"from {module} import {', '.join(names)}" for module, names in froms.items()]
        lines += [self._import] * bool(self._import)
        return [*lines, *(["expect = unittest.TestCase()"] * ("expect." in text))]


def _imported(subject: str) -> Tuple[str, str]:
    """Give the line that imports a subject, and the name it has then."""
    target = BUILTIN.get(subject, (subject, ""))[0]
    module, _, attribute = target.partition(":")
    if target == "asyncio":
        return "", "asyncio"
    if attribute:
        first, _, rest = attribute.partition(".")
        return f"from {module} import {first} as subject", "subject" + (f".{rest}" if rest else "")
    return f"import {module} as subject", "subject"


def _bare(text: str) -> List[str]:
    """Give a definition's lines without docstrings and blank ones."""
    lines = [li for li in text.splitlines() if li.strip() and not li.strip().startswith('"""')]
    return [f"{lines[0]} pass"] if lines[0].startswith("class") and len(lines) == 1 else lines


def _tight(lines: Sequence[str]) -> Iterator[str]:
    """Put a turn of the loop on the line of the call that it is for."""
    held = ""
    for line in lines:
        if line.strip() == IDLE and held and not held.endswith(":"):
            held = f"{held}; {IDLE}"
            continue
        if held:
            yield held
        held = line
    yield held


def _has(node: ast.AST, name: str) -> bool:
    value = getattr(node, name, None)
    return isinstance(value, list) and bool(value)


def _names(tree: ast.AST) -> List[str]:
    return [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]


def _verb(node: Any) -> Tuple[str, Any]:
    """Give the verb's name, and its call; an empty name for what is no verb."""
    inner = node.value if isinstance(node, ast.Await) else node
    call = inner if isinstance(inner, ast.Call) else None
    path: List[str] = []
    at = call.func if call else inner
    while isinstance(at, ast.Attribute):
        path.insert(0, at.attr)
        at = at.value
    told = isinstance(at, ast.Name) and at.id == "t" and bool(path)
    return (".".join(path), call) if told else ("", None)


def _outermost_verbs(node: ast.AST) -> List[Any]:
    """Find the verbs of a statement that stand in no other verb and in no statement below it."""
    found: List[Any] = []

    def look(at: ast.AST) -> None:
        for child in ast.iter_child_nodes(at):
            if isinstance(child, ast.stmt):
                continue
            if _verb(child)[0]:
                found.append(child)
            else:
                look(child)

    look(node)
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def _needed(text: str) -> List[str]:
    """Give the helpers that a text calls, and those that these call."""
    names = [n for n in HELPERS if re.search(rf"\b{n}\(", text)]
    bodies = "\n".join(HELPERS[n] for n in names)
    every = [n for n in HELPERS if n in names or re.search(rf"\bawait {n}\(", bodies)]
    return [line for name in every for line in HELPERS[name].splitlines()]
