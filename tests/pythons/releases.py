"""The Pythons that people have: every release that Debian's archive offers, in one root.

The newest Debian has the newest Pythons as packages. Older Debians have other patch releases:
their packages are unpacked into folders of their own. PyPy comes as a package; a free-threaded
CPython is built from Debian's source. Each gets a virtual environment with a checkout in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

from .debian import Root, RootError

__all__ = [
    "EXTRAS",
    "NEWEST",
    "Release",
    "free_threaded",
    "installed",
    "patches",
    "root",
    "system",
    "versions_in",
]

NEWEST = "sid"  # Debian's name of its newest release
OLDER = ("forky", "trixie", "bookworm")  # whose patch releases differ from it
PROJECT = "/opt/project"
EXTRAS = ("test", "conformance", "")  # tried in this order: some Pythons lack wheels for some
# What the suite needs besides trustme, whose cryptography has no wheel for some Pythons.
WITHOUT_TLS = ("pytest", "pytest-xdist", "click", "rich", "jinja2", "packaging")
WITHOUT_TLS_ASYNC = ("pytest-asyncio", "hypothesis<6.140")  # later ones are compiled
BUILD = (
    *("build-essential", "pkg-config", "zlib1g-dev"),
    *(f"lib{name}-dev" for name in ("ssl", "ffi", "expat1", "sqlite3", "lzma", "bz2")),
)
NAME = """\
import sys
i = sys.implementation
v = getattr(sys, "pypy_version_info", sys.version_info)
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(("" if i.name == "cpython" else i.name + "-") + ".".join(map(str, v[:3])) + "t" * (not gil))
"""


class Release(NamedTuple):
    """One Python in a root.

    Attributes:
        name: its release, ``3.15.2``; ``t`` behind it is free-threaded, ``pypy-`` before it PyPy.
        extras: those of the project that could be installed; None while nothing is.
        folder: its virtual environment, in the root.
    """

    name: str
    extras: str
    folder: str

    @property
    def order(self) -> Tuple[bool, List[int], str]:
        """A key that sorts releases by implementation and number."""
        return ("-" in self.name, [int(n) for n in re.findall(r"\d+", self.name)], self.name)


def root(folder: Path) -> Root:
    """Return the root of all releases; it need not exist yet."""
    return Root(folder / NEWEST, NEWEST)


def system(root: Root) -> None:
    """Make the root, with every Python that its Debian has, and PyPy."""
    root.make(["ca-certificates"])
    found = root.checked(["apt-cache", "pkgnames", "python3."]).split()
    pythons = sorted(name for name in found if re.fullmatch(r"python3\.\d+", name))
    names = [package for name in pythons for package in (name, f"{name}-venv")]
    root.install([*names, "pypy3", "pypy3-venv", "git"])


def patches(root: Root) -> None:
    """Unpack every other patch release that the archive has into ``/opt/py-X.Y.Z``."""
    root.add_suites(OLDER)
    found = root.checked(["apt-cache", "pkgnames", "python3."]).split()
    for minor in sorted(
        {m[1] for m in (re.fullmatch(r"python(3\.\d+)-minimal", f) for f in found) if m}
    ):
        table = root.checked(["apt-cache", "madison", f"python{minor}-minimal"])
        for version in versions_in(table):
            _unpack(root, minor, version)


def versions_in(table: str) -> List[str]:
    """Return the package versions that `apt-cache madison` lists, one for each release of Python.

    Args:
        table: its output: package, version and archive in columns.
    """
    rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    by_release: Dict[str, str] = {}
    for row in rows:
        if len(row) == 3 and "Packages" in row[2]:
            by_release.setdefault(row[1].partition("-")[0], row[1])
    return list(by_release.values())


def _unpack(root: Root, minor: str, version: str) -> None:
    folder = f"/opt/py-{version.partition('-')[0]}"
    if (root.folder / folder.lstrip("/") / "usr").exists():
        return
    parts = [f"python{minor}{part}" for part in ("", "-minimal", "-venv")]
    parts += [f"libpython{minor}-{part}" for part in ("stdlib", "minimal")]
    packages = " ".join(f"{part}={version}" for part in parts)
    root.checked(
        [
            *("sh", "-ec"),
            f"mkdir -p {folder}/debs; cd {folder}/debs; apt-get download -q {packages};"
            f" for each in *.deb; do dpkg -x $each {folder}; done; rm -r {folder}/debs",
        ]
    )


def free_threaded(root: Root) -> None:
    """Build a CPython without the GIL, of the newest source that the archive still has.

    Raises:
        RootError: no source could be had, or the build failed.
    """
    if (root.folder / "opt" / "free-threaded" / "bin").exists():
        return
    root.add_suites(OLDER[:2], sources=True)
    root.install(BUILD)
    for minor in ("3.15", "3.14", "3.13"):
        table = root.run(["apt-cache", "showsrc", "--only-source", f"python{minor}"]).stdout
        for version in sorted(
            set(re.findall(r"^Version: (\S+)", table, re.MULTILINE)), reverse=True
        ):
            if _build(root, minor, version):
                return
    raise RootError("the archive has no source of a Python that can be built without the GIL")


def _build(root: Root, minor: str, version: str) -> bool:
    """Build one source package; return whether its source could be had."""
    archive = f"python{minor}_{version.rpartition('-')[0]}.orig.tar.xz"
    source = "apt-get source -q --download-only --tar-only --only-source"
    root.run(
        ["sh", "-c", f"mkdir -p /opt/source && cd /opt/source && {source} python{minor}={version}"]
    )
    if not (root.folder / "opt" / "source" / archive).exists():
        return False
    configure = "./configure -q --disable-gil --disable-test-modules --prefix=/opt/free-threaded"
    root.checked(
        [
            *("sh", "-ec"),
            f"cd /opt/source; mkdir -p tree; tar xf {archive} -C tree --strip-components=1;"
            f' cd tree; {configure}; make -s -j2 OPT="-DNDEBUG -O1"; make -s install',
        ]
    )
    return True


def install(root: Root, checkout: Path, extras: Sequence[str] = EXTRAS) -> List[Release]:
    """Give each Python of the root a virtual environment with the checkout's last commit.

    Args:
        root: the root.
        checkout: the project's.
        extras: the project's extras, in the order in which they are tried.
    """
    folder = root.copy_in(checkout, Path(PROJECT).name)
    for python in _pythons(root):
        name = root.checked([python, "-c", NAME]).strip()
        _install_into(root, python, f"/opt/v-{name}", folder, extras)
    return installed(root)


def _pythons(root: Root) -> List[str]:
    """Return the interpreters of the root: the unpacked releases behind the installed ones."""
    patterns = ("usr/bin/python3.??", "usr/bin/pypy3", "opt/py-*/usr/bin/python3.??")
    patterns += ("opt/free-threaded/bin/python3",)
    return [f"/{p.relative_to(root.folder)}" for each in patterns for p in root.folder.glob(each)]


def _install_into(root: Root, python: str, venv: str, project: str, extras: Sequence[str]) -> None:
    if not (root.folder / venv.lstrip("/") / "bin" / "pip").exists():
        root.checked([python, "-m", "venv", venv])
    pip = [f"{venv}/bin/pip", "install", "-q"]
    root.checked([*pip, "--force-reinstall", "--no-deps", project])
    for each in extras:
        if each and root.run([*pip, f"{project}[{each}]"]).returncode == 0:
            break
    else:
        each = ""
        root.run([*pip, *WITHOUT_TLS])
        root.run([*pip, *WITHOUT_TLS_ASYNC])
    (root.folder / venv.lstrip("/") / "extras").write_text(each)


def installed(root: Root) -> List[Release]:
    """Return the releases that have a virtual environment with the project, oldest first."""
    found = [
        Release(path.parent.name[len("v-") :], path.read_text(), f"/opt/{path.parent.name}")
        for path in root.folder.glob("opt/v-*/extras")
    ]
    return sorted(found, key=lambda release: release.order)
