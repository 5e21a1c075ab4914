"""Runs and recoveries end with a seal, and say so where they cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.archive.made import lines
from tests.rehearsal import Rehearsal
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError
from vergeos_nb.runner.headless import run
from vergeos_nb.runner.recovery import recover, unfinished

FILES = [
    "journal.jsonl", "notebook.html", "notebook.ipynb", "record.json", "timeline.png", "timeline.svg",
]  # fmt: skip


def unsealable(outputs: Path) -> Path:
    """A folder of records whose ledger cannot be written."""
    (outputs / "ledger.jsonl").mkdir(parents=True)
    return outputs


def test_every_run_of_a_notebook_is_sealed_plans_and_refusals_too(tmp_path: Path) -> None:
    session = Rehearsal("stuck", tmp_path)
    session.run(finish=True, vm_name="no-such-vm")
    digest = session.run(finish=True).fact("plan_digest")
    session.run(finish=True, approve=digest, approver="Kim", ticket="INC-8")
    names = ("vm", "outcome", "verdict", "exit_code", "approver", "ticket")
    assert [tuple(line["fields"][name] for name in names) for line in lines(tmp_path)] == [
        ("no-such-vm", "refused", "unknown", 4, None, ""),
        ("web-01", "planned", "off", 0, None, ""),
        ("web-01", "done", "off", 0, "Kim", "INC-8"),
    ]
    assert verify(tmp_path).findings == ()


def test_a_headless_refusal_is_sealed(outputs: Path) -> None:
    report = run("force_power_off", {"vm_name": "web-01", "poll_s": "soon"}, outputs=outputs)
    assert (report.exit_code, [line["record"] for line in lines(outputs)]) == (2, [report.folder.name])
    assert verify(outputs).findings == ()


def test_a_headless_run_that_cannot_be_sealed_ends_with_10_and_keeps_its_record(outputs: Path) -> None:
    report = run("force_power_off", {"vm_name": "web-01", "poll_s": "soon"}, outputs=unsealable(outputs))
    assert (report.exit_code, report.account.exit_code) == (10, 2)
    assert "ledger.jsonl: Is a directory" in str(report.record_error)
    assert sorted(path.name for path in report.folder.iterdir()) == FILES


def test_a_session_that_could_not_be_sealed_says_so_and_is_sealed_by_a_recovery(outputs: Path) -> None:
    session = Rehearsal("stuck", unsealable(outputs))
    with pytest.raises(RecordError, match=r"ledger\.jsonl: Is a directory"):
        session.run(finish=True)
    assert sorted(path.name for path in session.folder.iterdir()) == FILES
    (outputs / "ledger.jsonl").rmdir()
    assert list(unfinished(outputs, SystemClock())) == []  # its process lives and may be about to seal it
    os.utime(session.folder / "journal.jsonl", (1, 1))
    assert list(unfinished(outputs, SystemClock())) == [session.folder]
    recover(session.folder, ask=False)
    assert (list(unfinished(outputs, SystemClock())), verify(outputs).findings) == ([], ())


def test_a_recovery_does_not_seal_over_what_was_changed_after_the_seal(outputs: Path) -> None:
    session = Rehearsal("stuck", outputs)
    session.run(finish=True)
    os.utime(session.folder / "journal.jsonl", (1, 1))
    for name in ("manifest.json", "notebook.html", "journal.jsonl"):
        path = session.folder / name
        content, times = path.read_bytes(), (1, 1)
        path.write_bytes(content.replace(b"web-01", b"web-02"))
        os.utime(path, times)
        assert list(unfinished(outputs, SystemClock())) == []
        assert len(verify(outputs).findings) == 1
        path.write_bytes(content)
