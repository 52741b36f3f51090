"""Files are written whole: there is the old text or the new one, and nothing beside it."""

from __future__ import annotations

import os

import pytest

from streamgauge.conformance.filing import write_whole


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path):
    """What stood there is gone at once, and nothing is left beside it."""
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o600)
    write_whole(path, "new \ud83d")
    assert ("new \\ud83d", 0o600) == (path.read_text(), path.stat().st_mode & 0o777)
    assert ["report"] == os.listdir(tmp_path)


def test_a_link_stays_one(tmp_path):
    """The file that it leads to is written."""
    (tmp_path / "link").symlink_to("file")
    write_whole(tmp_path / "link", "new")
    assert ("new", True) == ((tmp_path / "file").read_text(), (tmp_path / "link").is_symlink())


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    """A rename that fails costs nothing but itself."""
    path = tmp_path / "report"
    path.write_text("old")

    def full(*_):
        raise OSError("planted")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="planted"):
        write_whole(path, "new")
    assert ("old", ["report"]) == (path.read_text(), os.listdir(tmp_path))


def test_a_device_is_written_to(tmp_path):
    """What is no file stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "new")
    assert b"new" == os.read(reading, 100)
    os.close(reading)
