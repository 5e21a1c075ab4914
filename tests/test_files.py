"""Folders and files of ours: private to user and group, whole or not at all, locked with a deadline."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vergeos_nb import files


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("mask", "folder", "file"), [(0o000, 0o770, 0o660), (0o022, 0o750, 0o640), (0o077, 0o700, 0o600)]
)
def test_others_get_no_right_and_the_umask_decides_on_the_groups(
    tmp_path: Path, mask: int, folder: int, file: int
) -> None:
    with umask(mask):
        files.make_folder(tmp_path / "a" / "b")
        files.put(tmp_path / "a" / "put", b"1")
        files.append(tmp_path / "a" / "append", b"1")
        files.create(tmp_path / "a" / "create")
        with files.locked(tmp_path / "a" / "lock", 0):
            pass
    assert {mode(tmp_path / "a"), mode(tmp_path / "a" / "b")} == {folder}
    assert {mode(path) for path in (tmp_path / "a").iterdir() if path.is_file()} == {file}


def test_a_file_system_that_takes_no_folder_is_an_error_and_not_an_endless_attempt(tmp_path: Path) -> None:
    """Holds off: `--outputs /proc/x` ended as a bug, because /proc says that the path is missing."""
    with pytest.raises(FileNotFoundError):
        files.make_folder(Path("/proc/vergeos-nb/a/b"))
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(FileExistsError):
        files.make_folder(tmp_path / "link" / "a")


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    # A command that another test called has made this process's umask narrower.
    with umask(0o022):
        (tmp_path / "ours").mkdir(0o755)
    files.make_folder(tmp_path / "ours" / "new")
    files.make_folder(tmp_path / "ours")
    assert mode(tmp_path / "ours") == 0o755
    with pytest.raises(FileExistsError):
        files.make_folder(tmp_path / "ours", exist_ok=False)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="exists|directory"):
        files.make_folder(tmp_path / "file")


def test_what_cannot_be_put_whole_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.put(path, b"old")

    def full(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        files.put(path, b"new")
    monkeypatch.undo()
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"old")]


HOLDER = """
import sys
from pathlib import Path
from vergeos_nb.files import locked
with locked(Path(sys.argv[1]), 0):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_that_another_process_keeps_is_given_up_at_its_deadline(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for wait_s in (0, 0.05):
            with pytest.raises(files.Busy), files.locked(lock, wait_s):
                pass
        holder.communicate("\n", timeout=30)
    with files.locked(lock, 0), pytest.raises(files.Busy), files.locked(lock, 0, kind=fcntl.LOCK_SH):
        pass
    with files.locked(lock, 0, kind=fcntl.LOCK_SH), files.locked(lock, 0, kind=fcntl.LOCK_SH):
        pass


def test_a_reader_makes_no_lock_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), files.locked(tmp_path / "lock", 0, kind=fcntl.LOCK_SH):
        pass
    assert list(tmp_path.iterdir()) == []
