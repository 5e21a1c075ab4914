"""Keeping and removing: rules, holds, tombstones, and what somebody does who would rather have none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.archive.made import NONE, allowed, archive, key, record, sealed
from tests.archive.test_seal import dies_at
from tests.commands import command
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger.ledger_events import standing
from vergeos_nb.archive.ledger.ledger_lines import Event, Mark, hash_of, read_mark
from vergeos_nb.archive.retention import Keeper, due
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock, from_iso
from vergeos_nb.errors import RecordError, RecordNotFound, Refused

DAY = "2026-10-01"


class At(SystemClock):
    """A clock that stands."""

    def now(self) -> float:
        return from_iso("2027-01-01")


def keeper(outputs: Path, signer: Signer | None = None) -> Keeper:
    return Keeper(outputs, "ada", At(), signer)


def name(number: int) -> str:
    return f"{number:06}Z-force_power_off-web-01-{number:08x}"


def found(outputs: Path) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.where) for finding in verify(outputs).findings]


def raw(outputs: Path) -> list[bytes]:
    return (outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)


def write(outputs: Path, lines: list[bytes]) -> None:
    """A ledger and its head, as somebody would write them who can."""
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines))
    (outputs / "ledger.head").write_text(f"{len(lines)}:{hash_of(lines[-1])}\n")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Five records, the second of them sealed twice."""
    archive(tmp_path / "outputs")
    return tmp_path / "outputs"


# -- tombstones ----------------------------------------------------------------------------------


def test_a_removed_record_is_gone_and_its_tombstone_says_what_when_by_whom_and_why(outputs: Path) -> None:
    manifest = hash_of((outputs / DAY / name(2) / "manifest.json").read_bytes())
    before = raw(outputs)
    keeper(outputs).remove([name(2)], "INC-9: asked for by the customer")
    assert not (outputs / DAY / name(2)).exists()
    assert raw(outputs)[:-1] == before
    assert json.loads(raw(outputs)[-1]) == {
        "count": 7,
        "previous": hash_of(before[-1]),
        "head_was": None,
        "event": "removed",
        "of": name(2),
        "path": f"{DAY}/{name(2)}",
        "manifest": manifest,
        "seal": 4,
        "by": "ada",
        "reason": "INC-9: asked for by the customer",
        "at": "2027-01-01T00:00:00.000Z",
    }
    report = verify(outputs)
    assert (report.findings, report.notes, report.records, report.lines) == ((), (), 4, 7)
    assert name(2) not in [entry.record for entry in Index(outputs).find(Query())]
    assert sorted(path.name for path in outputs.iterdir() if path.is_dir()) == [DAY]


def test_the_chain_goes_on_after_a_tombstone_and_holds_what_is_sealed_then(outputs: Path) -> None:
    keeper(outputs).remove([name(1), name(5)], "old")
    sealed(outputs, 6)
    assert (found(outputs), verify(outputs).records) == ([], 4)
    assert [entry.record for entry in Index(outputs).find(Query())] == [name(n) for n in (2, 3, 4, 6)]


def test_the_last_record_of_a_day_takes_the_day_along(tmp_path: Path) -> None:
    sealed(tmp_path, 1)
    sealed(tmp_path, 2, day="2026-10-02")
    keeper(tmp_path).remove([name(1)], "old")
    assert not (tmp_path / DAY).exists()
    assert found(tmp_path) == []


def test_a_removed_record_is_not_sealed_again(outputs: Path, tmp_path: Path) -> None:
    shutil.copytree(outputs / DAY / name(1), tmp_path / "copy")
    keeper(outputs).remove([name(1)], "old")
    shutil.copytree(tmp_path / "copy", outputs / DAY / name(1))
    with pytest.raises(RecordError, match="it was removed, and is not sealed again"):
        seal(outputs / DAY / name(1), NONE)
    assert len(raw(outputs)) == 7


@pytest.mark.parametrize(
    ("records", "error"),
    [([name(1), "none"], RecordNotFound), ([name(3)], RecordNotFound), ([name(1), name(4)], Refused)],
    ids=["not there", "removed before", "on hold"],
)
def test_if_one_cannot_be_removed_none_is(outputs: Path, records: list[str], error: type[Exception]) -> None:
    keeper(outputs).hold(name(4), "court")
    keeper(outputs).remove([name(3)], "old")
    before = raw(outputs)
    # What only lists them says the same.
    with pytest.raises(error):
        keeper(outputs).check(records)
    with pytest.raises(error):
        keeper(outputs).remove(records, "old")
    assert (raw(outputs), (outputs / DAY / name(1)).exists()) == (before, True)


def test_nothing_is_removed_from_an_archive_that_was_spoiled(outputs: Path) -> None:
    (outputs / DAY / name(3) / "notebook.html").write_text("forged")
    with pytest.raises(Refused, match="a removal could remove the evidence of the change"):
        keeper(outputs).remove([name(3)], "old")
    assert (outputs / DAY / name(3)).exists()


# -- holds ---------------------------------------------------------------------------------------


def test_a_hold_keeps_a_record_until_it_is_released(outputs: Path) -> None:
    keep = keeper(outputs)
    keep.hold(name(2), "court")
    with pytest.raises(Refused, match="ada put it on hold at 2027-01-01T00:00:00.000Z: court"):
        keep.remove([name(2)], "old")
    with pytest.raises(Refused, match="on hold already"):
        keep.hold(name(2), "again")
    keep.release(name(2), "closed")
    with pytest.raises(Refused, match="not on hold"):
        keep.release(name(2), "again")
    keep.remove([name(2)], "old")
    assert [mark.event for line in raw(outputs) if (mark := read_mark(line))] == [
        "held",
        "released",
        "removed",
    ]
    assert found(outputs) == []


def test_a_rule_removes_by_age_and_count_and_never_what_is_held(tmp_path: Path) -> None:
    for number in range(1, 7):
        sealed(tmp_path, number, ended_at=f"2026-10-0{number}T00:00:00Z")
    keeper(tmp_path).hold(name(2), "court")
    now = standing(raw(tmp_path))

    def rule(before: str | None, keep: int) -> tuple[list[str], list[str]]:
        told = due(now, None if before is None else from_iso(before), keep)
        return [e.record[5:6] for e in told.remove], [e.record[5:6] for e in told.held]

    assert rule("2026-10-04T00:00:00Z", 0) == (["1", "3"], ["2"])
    assert rule(None, 3) == (["1", "3"], ["2"])
    assert rule("2026-10-06T00:00:00Z", 4) == (["1"], ["2"])
    assert rule("2026-10-02T00:00:00Z", 0) == (["1"], [])
    assert rule("2020-01-01", 0) == ([], [])
    assert rule(None, 99) == ([], [])


# -- what somebody does to it --------------------------------------------------------------------


@pytest.mark.parametrize("number", range(1, 6))
def test_a_removal_without_a_tombstone_is_found_after_others_with_one(outputs: Path, number: int) -> None:
    other = number % 5 + 1
    keeper(outputs).remove([name(other)], "old")
    shutil.rmtree(outputs / DAY / name(number))
    assert found(outputs) == [("record-missing", f"{DAY}/{name(number)}")]


def forged(outputs: Path, **members: Any) -> bytes:
    """A tombstone that fits at the end, for the first record, but for some members."""
    lines = raw(outputs)
    entry = json.loads(lines[0])
    said = {
        "event": "removed",
        "record": entry["record"],
        "path": entry["path"],
        "manifest": entry["manifest"],
        "seal": 1,
        "by": "ada",
        "reason": "old",
        "sealed_at": "2027-01-01T00:00:00.000Z",
        **members,
    }
    place = json.loads(lines[-1])
    event = Event(said.pop("event"))
    return Mark(
        count=place["count"] + 1, previous=hash_of(lines[-1]), head_was=None, event=event, **said
    ).line()


@pytest.mark.parametrize(
    "members",
    [{"manifest": "0" * 64}, {"seal": 2}, {"seal": 99}, {"record": "other"}, {"path": "2026-10-01/other"}],
    ids=str,
)
def test_a_forged_tombstone_that_names_another_seal_removes_nothing(
    outputs: Path, members: dict[str, Any]
) -> None:
    write(outputs, [*raw(outputs), forged(outputs, **members)])
    assert found(outputs) == [("mark-wrong", "ledger.jsonl line 7")]
    shutil.rmtree(outputs / DAY / name(1))
    assert found(outputs) == [("record-missing", f"{DAY}/{name(1)}"), ("mark-wrong", "ledger.jsonl line 7")]


def test_a_tombstone_over_a_record_on_hold_is_found(outputs: Path) -> None:
    keeper(outputs).hold(name(1), "court")
    write(outputs, [*raw(outputs), forged(outputs)])
    shutil.rmtree(outputs / DAY / name(1))
    assert found(outputs) == [("mark-wrong", "ledger.jsonl line 8")]


def test_a_second_tombstone_of_the_same_record_is_found(outputs: Path) -> None:
    keeper(outputs).remove([name(1)], "old")
    write(outputs, [*raw(outputs), forged(outputs)])
    assert found(outputs) == [("mark-wrong", "ledger.jsonl line 8")]


def test_in_a_signed_archive_a_tombstone_that_fits_but_nobody_signed_is_found(tmp_path: Path) -> None:
    outputs, signer = tmp_path / "outputs", key(tmp_path)
    archive(outputs, signer=signer)
    trusted = read_allowed_signers(allowed(tmp_path / "allowed", signer))
    keeper(outputs, signer).remove([name(5)], "old")
    assert verify(outputs, allowed=trusted).findings == ()
    write(outputs, [*raw(outputs), forged(outputs)])
    shutil.rmtree(outputs / DAY / name(1))
    assert [str(finding.kind) for finding in verify(outputs, allowed=trusted).findings] == ["unsigned"]


@pytest.mark.parametrize("member", ["by", "reason", "at", "of", "event", "seal"])
@pytest.mark.parametrize("last", [True, False])
def test_an_edited_tombstone_is_named(outputs: Path, member: str, last: bool) -> None:
    keeper(outputs).remove([name(1)], "old")
    if not last:
        sealed(outputs, 6)
    lines = raw(outputs)
    said = json.loads(lines[6])
    said[member] = {"event": "held", "seal": 3}.get(member, "another")
    lines[6] = json.dumps(said, separators=(",", ":")).encode() + b"\n"
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines))
    assert ("line-edited", "ledger.jsonl line 7") in found(outputs)


def test_a_deleted_tombstone_is_named_and_its_record_missed(outputs: Path) -> None:
    keeper(outputs).remove([name(1)], "old")
    sealed(outputs, 6)
    lines = raw(outputs)
    (outputs / "ledger.jsonl").write_bytes(b"".join([*lines[:6], *lines[7:]]))
    assert found(outputs) == [
        ("record-missing", f"{DAY}/{name(1)}"),
        ("line-deleted", "ledger.jsonl line 7"),
    ]


def test_a_removed_record_that_is_put_back_is_a_note_and_another_in_its_place_is_found(
    outputs: Path, tmp_path: Path
) -> None:
    shutil.copytree(outputs / DAY / name(1), tmp_path / "copy")
    keeper(outputs).remove([name(1)], "old")
    shutil.copytree(tmp_path / "copy", outputs / DAY / name(1))
    assert (found(outputs), len(verify(outputs).notes)) == ([], 1)
    (outputs / DAY / name(1) / "notebook.html").write_text("forged")
    assert found(outputs) == [("replayed", f"{DAY}/{name(1)}")]


# -- deaths --------------------------------------------------------------------------------------


WORK: dict[str, Callable[[Keeper], object]] = {
    "remove": lambda keep: keep.remove([name(1), name(3)], "old"),
    "hold": lambda keep: keep.hold(name(1), "court"),
}


@pytest.mark.parametrize("event", WORK)
def test_killed_at_any_write_of_a_removal_or_a_hold_the_archive_is_whole_and_the_next_one_finishes_it(
    tmp_path: Path, event: str
) -> None:
    archive(tmp_path / "before")
    step = 1
    while True:
        outputs = Path(shutil.copytree(tmp_path / "before", tmp_path / f"at-{step}"))
        was_killed = dies_at(step, partial(WORK[event], keeper(outputs)))
        after = verify(outputs)
        assert after.findings == (), step
        assert after.lines in (6, 7, 8), step
        now = standing(raw(outputs))
        there = {path.name for path in (outputs / DAY).iterdir()}
        assert set(now.sealed) <= there, step
        for left in sorted(set(now.sealed) & {name(1), name(3)}) if event == "remove" else ():
            keeper(outputs).remove([left], "old")
        keeper(outputs).finish()
        seal(record(outputs, 60), NONE)
        assert found(outputs) == [], step
        if event == "remove":
            assert {path.name for path in (outputs / DAY).iterdir()} == {name(n) for n in (2, 4, 5, 60)}
            assert not (outputs / "removing").exists()
        shutil.rmtree(outputs)
        if not was_killed:
            break
        step += 1
    assert step > 10


# -- the command line ----------------------------------------------------------------------------


def audit(*arguments: str) -> tuple[int, Any]:
    """Exit code and answer of ``vergeos-nb audit … --json``."""
    done = command("audit", *arguments, "--json", timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_the_commands_only_say_what_they_would_remove_until_they_are_told_yes(outputs: Path) -> None:
    at = ("--outputs", str(outputs))
    assert audit("hold", name(1), "--reason", "court", *at)[0] == 0
    assert audit("show", name(1), *at)[1]["held"].endswith(": court")
    assert audit("show", name(2), *at)[1]["held"] is None
    code, told = audit("prune", "--keep", "2", *at)
    assert (code, told["records"], told["held"], told["removed"]) == (
        0,
        [name(2), name(3)],
        [name(1)],
        False,
    )
    assert len(raw(outputs)) == 7
    code, told = audit("prune", "--keep", "2", "--yes", *at)
    assert (code, told["removed"], told["reason"]) == (0, True, "retention: beyond the newest 2")
    assert audit("remove", name(1)[:6], "--reason", "x", *at)[1]["type"] == "Refused"
    assert audit("remove", name(1)[:6], "--reason", "x", "--yes", *at)[1]["type"] == "Refused"
    assert audit("release", name(1)[:6], "--reason", "closed", *at)[0] == 0
    assert audit("remove", name(1)[:6], "--reason", "x", "--yes", *at)[0] == 0
    removed = audit("list", "--removed", *at)[1]["removed"]
    assert [(mark["record"], mark["reason"]) for mark in removed] == [
        (name(2), "retention: beyond the newest 2"),
        (name(3), "retention: beyond the newest 2"),
        (name(1), "x"),
    ]
    assert audit("verify", *at)[0] == 0
    code, told = audit("show", name(2), *at)
    assert (code, told["came_back"].partition(" at ")[2][24:]) == (4, ": retention: beyond the newest 2")
    code, told = audit("prune", *at)
    assert (code, told["came_back"]) == (2, "no rule was given")
