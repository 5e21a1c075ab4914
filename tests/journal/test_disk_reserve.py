"""A full disk and a read-only archive are found before the changing call, and not by it."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.layout import RESERVE
from vergeos_nb.record.record_folder import new_folder

MB = 1 << 20
REAL_NEED = 8 * MB
IDS = (
    "connect", "locate", "status_key", "verify", "alive", "plan", "poweroff", "snapshot", "kill", "force",
    "confirm",
)  # fmt: skip


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, timeout=30)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An archive on a file system of its own, with room for two records."""
    monkeypatch.setattr(disk_reserve, "NEEDED", REAL_NEED)
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", f"size={2 * REAL_NEED}", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "-R", str(folder)], check=True, timeout=30)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fill a disk, but for some bytes."""
    path, status = folder / "somebody-elses", os.statvfs(folder)
    path.write_bytes(bytes(status.f_bavail * status.f_frsize - leave))
    return path


def test_a_disk_that_is_full_refuses_an_approved_run_before_it_asks_anything(small_disk: Path) -> None:
    run = Rehearsal("stuck", small_disk / "outputs")
    digest = run.run(finish=True).fact("plan_digest")
    asked = len(run.requests)
    fill(small_disk, leave=REAL_NEED // 2)
    with pytest.raises(RecordError, match="No space left on device: its record needs up to 8 MB"):
        run.open(approve=digest)
    assert (len(run.requests), run.changes()) == (asked, [])
    # A plan changes nothing, and is made as long as there is room for its own record.
    assert run.run(finish=True).outcome == "planned"


@pytest.mark.parametrize("step", ["poweroff", "force"])
def test_a_disk_that_fills_up_while_a_run_goes_on_refuses_its_next_changing_call(
    small_disk: Path, step: str
) -> None:
    # Holds off: the call is sent, and then there is no room to say what became of it.
    run = Rehearsal("stuck", small_disk / "outputs")
    digest = run.run(finish=True, **LADDER).fact("plan_digest")
    book = run.open(approve=digest, finish=True, **LADDER)
    for before in IDS[: IDS.index(step)]:
        book.step(before)
    sent = run.changes()
    (book.folder / RESERVE).unlink()
    other = fill(small_disk, leave=MB)
    result = book.step(step).result
    assert (result.outcome, result.error["exit_code"]) == ("failed", 10)
    assert "No space left on device" in result.error["came_back"]
    assert run.changes() == sent
    other.unlink()
    run.end(book)


def test_a_disk_that_fills_up_after_the_call_leaves_a_whole_and_sealed_record(small_disk: Path) -> None:
    outputs = small_disk / "outputs"
    run = Rehearsal("stuck", outputs)
    digest = run.run(finish=True).fact("plan_digest")
    book = run.open(approve=digest, finish=True)
    for step in IDS[:-1]:
        book.step(step)
    assert len(run.changes()) == 1
    fill(small_disk)
    book.step("confirm")
    account = run.end(book)
    assert (account.outcome, account.verdict) == ("done", "off")
    assert (verify(outputs).findings, verify(outputs).records) == ((), 2)
    assert not (book.folder / RESERVE).exists()


def test_an_archive_that_becomes_read_only_refuses_the_changing_call(small_disk: Path) -> None:
    outputs = small_disk / "outputs"
    run = Rehearsal("stuck", outputs)
    digest = run.run(finish=True).fact("plan_digest")
    book = run.open(approve=digest)
    for step in IDS[:9]:
        book.step(step)
    ledger = outputs / "ledger.jsonl"
    mount("--bind", str(ledger), str(ledger))
    mount("-o", "remount,ro,bind", str(ledger))
    result = book.step("force").result
    assert (result.outcome, result.error["came_back"]) == ("failed", f"{ledger}: Read-only file system")
    assert run.changes() == []
    subprocess.run(["umount", str(ledger)], check=True, timeout=30)
    run.end(book)


def test_an_archive_on_a_read_only_file_system_stops_before_anything_is_asked(small_disk: Path) -> None:
    outputs = small_disk / "outputs"
    folder = new_folder(outputs, "force_power_off", "web-01", 0.0)
    mount("-o", "remount,ro", str(small_disk))
    with pytest.raises(RecordError, match="Read-only file system\\n.*nothing was sent"):
        new_folder(outputs, "force_power_off", "web-01", 0.0)
    with pytest.raises(RecordError, match="Read-only file system\\n.*nothing was sent"):
        disk_reserve.take(folder)


# -- where nothing can be mounted ------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_is_told_when_the_call_is_about_to_go_out(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    run = Rehearsal("stuck", outputs)
    digest = run.run().fact("plan_digest")
    book = run.open(approve=digest)
    for step in IDS[:9]:
        book.step(step)
    (book.folder / RESERVE).unlink()

    def full(descriptor: int, offset: int, size: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", full)
    result = book.step("force").result
    assert (result.error["type"], run.changes()) == ("RecordError", [])
    assert os.strerror(number) in result.error["came_back"]
    assert not (book.folder / RESERVE).exists()
    run.end(book)


@pytest.mark.parametrize("free", [True, False])
def test_where_room_cannot_be_taken_the_free_space_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: bool
) -> None:
    def unsupported(descriptor: int, offset: int, size: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    status = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    monkeypatch.setattr(disk_reserve, "NEEDED", status.f_bavail * status.f_frsize * (1 if free else 100))
    folder = tmp_path / "outputs" / "day" / "run"
    folder.mkdir(parents=True)
    if free:
        monkeypatch.setattr(disk_reserve, "NEEDED", MB)
        disk_reserve.take(folder)
        assert (folder / RESERVE).stat().st_size == MB
    else:
        with pytest.raises(RecordError, match="No space left"):
            disk_reserve.take(folder)
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["day"]


class FullRaw:
    """A journal's file that takes ten bytes of a line, and no more while somebody's room is taken."""

    def __init__(self, raw: Any, taken: Path | None) -> None:
        self._raw, self._taken, self._left = raw, taken, 10

    def write(self, content: memoryview) -> int:
        if self._taken is not None and not self._taken.exists():
            return int(self._raw.write(content))
        if not self._left:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._left = 0
        return int(self._raw.write(content[:10]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


@pytest.mark.parametrize("approve", ["0" * 64, ""])
def test_a_line_that_does_not_fit_goes_where_room_was_taken_and_else_leaves_nothing_torn(
    outputs: Path, monkeypatch: pytest.MonkeyPatch, approve: str
) -> None:
    # Holds off: half a line, with whole lines after it, that nobody can read again.
    book = Rehearsal("stuck", outputs).open(approve=approve)
    taken, lines = book.folder / RESERVE, book.journal._file
    assert taken.exists() is bool(approve)
    raw = lines._raw
    monkeypatch.setattr(lines, "_raw", FullRaw(raw, taken if approve else None))
    if approve:
        book.journal.write("note", text="written")
    else:
        with pytest.raises(RecordError, match="No space left on device"):
            book.journal.write("note", text="lost")
        monkeypatch.setattr(lines, "_raw", raw)
        book.journal.write("note", text="written")
    journal = read_journal(book.folder / "journal.jsonl")
    assert (journal.torn, [line["n"] for line in journal.lines]) == (False, [1, 2, 3])
    assert (journal.lines[-1]["text"], taken.exists()) == ("written", False)
    book.end()
