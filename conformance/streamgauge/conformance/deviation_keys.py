"""Keys of a deviation file: which there are, what each value has to be, and how to see that.

Tables and predicates, nothing else; `deviation_files` reads files by them.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Callable, Mapping, Optional, Tuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from streamgauge.conformance import loops
from streamgauge.conformance.deviations import ANY_LINK, LISTABLE, OR
from streamgauge.conformance.plan import LINKS

__all__ = [
    "DRAFT_KEYS",
    "ENTRY_KEYS",
    "OF_LOOP_KEYS",
    "OF_SHIPPED_KEYS",
    "WHEN_KEYS",
    "Keys",
    "broken_key",
    "is_loop",
    "is_text",
]

PLATFORMS = (
    *("aix", "android", "cygwin", "darwin", "dragonfly", "emscripten", "freebsd", "haiku", "ios"),
    *("linux", "netbsd", "openbsd", "sunos", "wasi", "win32"),
)
NUMBERED = [f"{name}{release}" for name in PLATFORMS for release in range(40)]  # as freebsd14
MODULE_AND_FACTORY = re.compile(r"[^\s:]+:[^\s:]+")

_Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Whether a value is a text of more than blanks."""
    return isinstance(value, str) and bool(value.strip())


def _is_filled_in(value: Any) -> bool:
    return is_text(value) and not value.lstrip().upper().startswith("TODO")


def _is_links(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and set(map(str, value)) <= {*ANY_LINK}


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_text, value))


def _is_platform(value: Any) -> bool:
    return is_text(value) and any(fnmatchcase(name, value) for name in (*PLATFORMS, *NUMBERED))


def is_loop(value: Any) -> bool:
    """Whether a value is a pattern over the known loops, or names a factory."""
    known = is_text(value) and any(fnmatchcase(name, value) for name in loops.names())
    return known or (isinstance(value, str) and MODULE_AND_FACTORY.fullmatch(value) is not None)


def _is_specifier(value: Any) -> bool:
    try:
        SpecifierSet(value)
    except (InvalidSpecifier, AttributeError, TypeError):
        return False
    return isinstance(value, str)


def _is_specifiers(value: Any) -> bool:
    return isinstance(value, str) and all(map(_is_specifier, value.split(OR)))


def _is_regex(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


# key -> (whether it is mandatory, what its value has to be, how to see that)
Keys = Mapping[str, Tuple[bool, str, _Check]]
ENTRY_KEYS: Keys = {
    "clause": (True, "a clause id", is_text),
    "verdict": (
        True,
        f"one of {', '.join(map(str, LISTABLE))}",
        [*map(str, LISTABLE)].__contains__,
    ),
    "reason": (True, "a text that says why, no TODO", _is_filled_in),
    "issue": (True, 'a text, no TODO; "no upstream issue known" if there is none', _is_filled_in),
    "when": (False, "a table", lambda value: isinstance(value, dict)),
    "match": (False, "a regular expression", _is_regex),
    "check": (False, "the name of a check of the clause", is_text),
}
RELEASES = 'a list of releases out of observed.toml, or of ranges such as "3.8.18 to 3.13.5"'
OF_SHIPPED_KEYS: Keys = {  # in a list of the suite's own: where it was seen, and seen gone
    "seen": (False, RELEASES, lambda value: value == [] or _is_names(value)),
    "gone": (False, RELEASES, lambda value: value == [] or _is_names(value)),
}
OF_LOOP_KEYS: Keys = {  # in a loop's file
    "subject": (False, "a list of subjects", _is_names),
    "clause": (True, "a clause id, or a list of them", lambda v: is_text(v) or _is_names(v)),
}
DRAFT_KEYS: Keys = dict.fromkeys(("reason", "issue"), (True, "a text", is_text))
WHEN_KEYS: Keys = {
    "python": (
        False,
        'a version specifier such as ">=3.8,<3.13"; " or " stands between several',
        _is_specifiers,
    ),
    "loop": (False, f"MODULE:FACTORY, or a pattern over {', '.join(loops.KNOWN)}", is_loop),
    "link": (False, f"a list of links out of {', '.join(LINKS)}", _is_links),
    "platform": (
        False,
        f"a pattern over what sys.platform may be: {', '.join(PLATFORMS)}",
        _is_platform,
    ),
    "version": (
        False,
        "a version specifier over the subject's, or the loop's, such as \"<2.1\"",
        _is_specifier,
    ),
}


def broken_key(table: Mapping[str, Any], keys: Keys) -> Optional[str]:
    """Return what breaks the rules of a table first, and the remedy; None if nothing does."""
    for key in table:
        if key not in keys:
            return f"unknown key {key!r}; use {', '.join(keys)}"
    for key, (mandatory, wanted, fits) in keys.items():
        if mandatory and key not in table:
            return f"no {key}; add {key} = {wanted}"
        if key in table and not fits(table[key]):
            return f"{key} = {table[key]!r}; expected {wanted}"
    return None
