"""A run whose record could not be sealed sends nothing: all that sealing needs is tried before."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.at_night import at_night
from tests.rehearsal import Rehearsal, ending
from vergeos_nb import layout
from vergeos_nb.archive.folders import sealable
from vergeos_nb.archive.ledger import ledger
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import MANIFEST, SIGNATURE

STEPS_BEFORE_FORCE = 9
HOLDER = (
    "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); "
    "print('held', flush=True); sys.stdin.read()"
)
Spoil = Callable[[Path, Path], Path]


def folder_at(name: str) -> Spoil:
    """A folder in the place of a file of the archive."""

    def spoil(outputs: Path, folder: Path) -> Path:
        path = outputs / name
        if path.exists():
            path.rename(path.with_name(f"{name}.aside"))
        path.mkdir()
        return path

    return spoil


def folder_in_record(name: str) -> Spoil:
    """A folder in the place of a file that the record will have."""

    def spoil(outputs: Path, folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return spoil


def link_at(name: str, target: str) -> Spoil:
    """A link in the place of a file of the archive."""

    def spoil(outputs: Path, folder: Path) -> Path:
        path = outputs / name
        if path.exists():
            path.rename(path.with_name(f"{name}.aside"))
        path.symlink_to(target)
        return path

    return spoil


def link_in_record(outputs: Path, folder: Path) -> Path:
    """A link among the record's files, which a record must not hold."""
    (folder / "notes.txt").symlink_to("/nowhere")
    return folder / "notes.txt"


SPOILED: dict[str, Spoil] = {
    "the lock is a folder": folder_at("ledger.lock"),
    "the lock is a link to nowhere": link_at("ledger.lock", "/nowhere/at/all"),
    "the lock is a link to itself": link_at("ledger.lock", "ledger.lock"),
    "the lock lies below a file": link_at("ledger.lock", "ledger.jsonl.aside/lock"),
    "the ledger is a folder": folder_at("ledger.jsonl"),
    "the ledger is a link to nowhere": link_at("ledger.jsonl", "/nowhere/at/all"),
    "the head is a folder": folder_at("ledger.head"),
    "the draft is a folder": folder_at("ledger.draft"),
    "the manifest is a folder": folder_in_record(MANIFEST),
    "the record is a folder": folder_in_record(layout.RECORD),
    "the notebook is a folder": folder_in_record(layout.NOTEBOOK),
    "a link among the files": link_in_record,
}


def repair(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        path.rmdir()
    aside = path.with_name(f"{path.name}.aside")
    if aside.exists():
        aside.rename(path)


# Like another one: another link, another file of the record.
LIKE_OTHERS = (
    "the lock is a link to itself", "the lock lies below a file", "the record is a folder",
    "the notebook is a folder",
)  # fmt: skip


@pytest.mark.parametrize("what", [at_night(one) if one in LIKE_OTHERS else one for one in SPOILED])
def test_a_record_that_could_not_be_sealed_keeps_the_put_from_going_out(outputs: Path, what: str) -> None:
    # Holds off: the PUT goes out, and then the record cannot be sealed because ledger.lock cannot be opened.
    run = Rehearsal("stuck", outputs)
    digest = run.run(finish=True).fact("plan_digest")
    book = run.open(approve=digest, finish=True)
    for step in book.engine.steps[:STEPS_BEFORE_FORCE]:
        book.step(step.id)
    spoiled = SPOILED[what](outputs, book.folder)
    refused = book.step("force").result
    assert (refused.outcome, refused.error["exit_code"], run.changes()) == ("failed", 10, [])
    assert "nothing was sent by this step" in refused.next_step
    repair(spoiled)
    for step in ("force", "confirm"):
        book.step(step)
    assert ending(run.end(book)) == ("done", "off", 0)
    assert (verify(outputs).findings, verify(outputs).records) == ((), 2)
    assert not (book.folder / sealable.PROBE).exists()


def test_a_lock_that_another_process_keeps_keeps_the_put_from_going_out(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "LOCK_WAIT_S", 0.2)
    run = Rehearsal("stuck", outputs)
    digest = run.run(finish=True).fact("plan_digest")
    book = run.open(approve=digest)
    for step in book.engine.steps[:STEPS_BEFORE_FORCE]:
        book.step(step.id)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(outputs / "ledger.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    refused = book.step("force").result
    assert (refused.error["exit_code"], run.changes()) == (10, [])
    assert "has kept" in refused.error["came_back"]
    assert "see whether a run hangs on this machine" in refused.next_step
    holder.communicate()
    book.step("force")
    assert len(run.changes()) == 1
    run.end(book)


@pytest.mark.parametrize("what", ["no file", "no key", "no place"])
def test_a_signing_key_that_cannot_sign_is_told_before_anything_is_sent(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    key = tmp_path / "key"
    run = Rehearsal("stuck", outputs)
    digest = run.run(finish=True).fact("plan_digest")
    if what == "no key":
        key.write_text("not a key\n")
    elif what == "no place":
        (outputs / "signed").write_text("")
    monkeypatch.setenv("VERGEOS_NB_SIGNING_KEY", str(key))
    with pytest.raises(RecordError, match=r"VERGEOS_NB_SIGNING_KEY") as caught:
        run.open(approve=digest)
    assert "nothing was sent" in caught.value.next_step
    monkeypatch.delenv("VERGEOS_NB_SIGNING_KEY")
    assert ending(run.run(approve=digest)) == ("done", "off", 0)


def test_a_record_that_was_removed_could_not_be_sealed_again(outputs: Path, tmp_path: Path) -> None:
    run = Rehearsal("stuck", outputs)
    run.run(finish=True)
    sealable.try_to_seal(run.folder)
    shutil.copytree(run.folder, tmp_path / "copy")
    Keeper(outputs, "ada", run.clock).remove([run.folder.name], "a test")
    shutil.copytree(tmp_path / "copy", run.folder)
    with pytest.raises(RecordError, match="was removed"):
        sealable.try_to_seal(run.folder)


def test_a_trial_in_a_new_archive_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "outputs" / "day" / "run"
    folder.mkdir(parents=True)
    sealable.try_to_seal(folder)
    assert [path.name for path in (tmp_path / "outputs").rglob("*")] == ["day", "run"]


def test_what_is_tried_is_what_finishing_and_sealing_write() -> None:
    names = {
        layout.RECORD,
        layout.NOTEBOOK,
        layout.PAGE,
        layout.PNG,
        layout.SVG,
        MANIFEST,
        SIGNATURE,
    }
    assert set(sealable.WRITTEN) == names
