"""Debian roots: a folder with a Debian of its own, in which programs run as on a fresh machine.

Made by debootstrap from the archive that this machine's apt uses, entered by chroot in a mount
namespace that ends with the program. Needs root. The settings of apt and pip, the certificates
and the resolver are this machine's.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, Mapping, Optional, Sequence

__all__ = ["Root", "RootError", "why_not"]

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PASSED = ("PIP_DEFAULT_TIMEOUT", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_INDEX_URL", "CI")
ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PIP_CERT": str(CERTIFICATES),
    "PIP_ROOT_USER_ACTION": "ignore",
}
# Mounts that the namespace has for itself: they are gone with the program.
ENTER = """\
set -e
root=$1; shift
for d in proc sys dev; do mount --rbind /$d "$root/$d"; mount --make-rslave "$root/$d"; done
exec chroot "$root" "$@"
"""
LAST_LINES = 20  # of a command's output, for the message when it failed


class RootError(Exception):
    """A root could not be made, or a command in it failed; the message has the last output."""


def why_not() -> str:
    """Return why this machine cannot make Debian roots; empty if it can."""
    if not sys.platform.startswith("linux"):
        return f"Debian roots need Linux, not {sys.platform}"
    if os.geteuid() != 0:
        return "Debian roots need the user root"
    missing = [name for name in ("apt-get", "chroot", "unshare") if shutil.which(name) is None]
    if missing:
        return f"Debian roots need {', '.join(missing)}"
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    return f"unshare --mount: {tried.stderr.strip()}" if tried.returncode else ""


class Root:
    """One Debian root.

    Args:
        folder: where it stands, or is to stand.
        suite: Debian's name of the release, such as ``trixie``.
    """

    def __init__(self, folder: Path, suite: str) -> None:
        self.folder = folder
        self.suite = suite

    @property
    def exists(self) -> bool:
        """Whether the root was made to the end."""
        return (self.folder / "etc" / "made").exists()

    def make(self, packages: Sequence[str]) -> None:
        """Make the root, with these packages; a root that exists is left as it is.

        Raises:
            RootError: debootstrap failed.
        """
        if self.exists:
            return
        if shutil.which("debootstrap") is None:
            _checked(["apt-get", "install", "-y", "-q", "debootstrap"])
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        include = ["--include=" + ",".join(packages)] if packages else []
        variant = "--variant=minbase"
        _checked(["debootstrap", variant, *include, self.suite, str(self.folder), _archive()])
        self._settle()
        (self.folder / "etc" / "made").write_text(f"{self.suite}\n")

    def _settle(self) -> None:
        """Give the root this machine's settings of apt and pip, its certificates and resolver."""
        etc = self.folder / "etc"
        policy = self.folder / "usr" / "sbin" / "policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")  # no package starts a service
        policy.chmod(0o755)
        for path in Path("/etc/apt/apt.conf.d").glob("99*"):
            shutil.copy(path, etc / "apt" / "apt.conf.d")
        for path in map(Path, ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf")):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(path, etc)
        if CERTIFICATES.exists():
            bundle = self.folder / CERTIFICATES.relative_to("/")
            bundle.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CERTIFICATES, bundle)

    def install(self, packages: Sequence[str]) -> None:
        """Install packages by apt.

        Raises:
            RootError: apt failed.
        """
        self.checked(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages])

    def add_suites(self, suites: Sequence[str], *, sources: bool = False) -> None:
        """Let apt see other releases too; it installs from them only by version.

        Args:
            suites: Debian's names.
            sources: source packages as well, of these and of the root's own.
        """
        apt = self.folder / "etc" / "apt"
        for suite in [self.suite, *suites]:
            kinds = ["deb"] * (suite != self.suite) + ["deb-src"] * sources
            lines = [f"{kind} {_archive()} {suite} main\n" for kind in kinds]
            (apt / "sources.list.d" / f"{suite}.list").write_text("".join(lines))
        pin = f"Package: *\nPin: release n={self.suite}\nPin-Priority: 900\n"
        (apt / "preferences.d" / "own").write_text(pin)
        self.checked(["apt-get", "update", "-q"])

    def run(
        self,
        command: Sequence[str],
        *,
        folder: str = "/",
        environment: Optional[Mapping[str, str]] = None,
        timeout_s: Optional[float] = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the root and return what it printed, errors included.

        Args:
            command: its words.
            folder: where, inside the root.
            environment: variables beside the root's own.
            timeout_s: seconds after which coreutils' timeout ends it, with exit code 124.
        """
        variables = {**ENVIRONMENT, **_passed(), **(environment or {})}
        words = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
        words += ["sh", "-c", 'cd "$1"; shift; exec "$@"', "sh", folder]
        words += ["timeout", "--kill-after=20", f"{timeout_s}"] if timeout_s else []
        entering = ["unshare", "--mount", "sh", "-c", ENTER, "sh", str(self.folder)]
        return _run([*entering, *words, *command])

    def checked(self, command: Sequence[str]) -> str:
        """Run a command that has to succeed and return what it printed.

        Raises:
            RootError: its exit code was not 0.
        """
        done = self.run(command)
        if done.returncode:
            raise RootError(_told(command, done))
        return done.stdout

    def copy_in(self, checkout: Path, name: str) -> str:
        """Clone a checkout's last commit into the root and return its folder there."""
        target = self.folder / "opt" / name
        shutil.rmtree(target, ignore_errors=True)
        _checked(["git", "clone", "-q", str(checkout), str(target)])
        return f"/opt/{name}"


def _passed() -> Mapping[str, str]:
    return {name: os.environ[name] for name in PASSED if name in os.environ}


def _archive() -> str:
    """Return the first archive that this machine's apt uses."""
    folder = Path("/etc/apt")
    files = [*sorted(folder.glob("sources.list.d/*.sources")), folder / "sources.list"]
    for path in (path for path in files if path.exists()):
        found = re.search(r"^(?:URIs:\s*|deb (?:\[[^]]*\] )?)(\S+)", path.read_text(), re.MULTILINE)
        if found:
            return found[1]
    raise RootError("apt's sources name no archive")


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def _checked(command: List[str]) -> None:
    done = _run(command)
    if done.returncode:
        raise RootError(_told(command, done))


def _told(command: Sequence[str], done: subprocess.CompletedProcess[str]) -> str:
    last = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
    return f"{' '.join(command)}: exit {done.returncode}\n{last}"
