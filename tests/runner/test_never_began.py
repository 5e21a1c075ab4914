"""Runs that died before their journal was there: each is told of, and each can be finished."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.archive.made import archive
from tests.commands import command as forked
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.fleet.progress import Where, progress_of
from vergeos_nb.journal.asked import ASKED, LOST, NEVER_BEGAN
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runner.headless import run
from vergeos_nb.runner.recovery import recover, unfinished

DAY = "2026-10-01"
RUN = "120000Z-force_power_off-web-01-0000000a"


def command(*arguments: str, **environ: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, standard error, and the answer for programs."""
    done = forked(*arguments, "--json", env={**os.environ, **environ})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr, json.loads(done.stdout.splitlines()[-1])


def folder_in(outputs: Path, journal: bytes | None = None) -> Path:
    folder = outputs / DAY / RUN
    folder.mkdir(parents=True)
    if journal is not None:
        (folder / "journal.jsonl").write_bytes(journal)
    return folder


@pytest.fixture
def dying_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that dies while it starts, whatever the reason: here its Python does."""
    (tmp_path / "site").mkdir()
    code = "import os, sys\nif 'ipykernel_launcher' in ' '.join(sys.orig_argv): os._exit(3)\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setattr("vergeos_nb.runner.headless.WarmProvisioner", _cold())


def _cold() -> type:
    from jupyter_client.provisioning import LocalProvisioner

    return LocalProvisioner


@pytest.mark.usefixtures("dying_kernel")
def test_a_kernel_that_dies_at_its_start_leaves_a_sealed_record_and_exit_code_7(outputs: Path) -> None:
    """Holds off: a traceback, exit code 1 and an empty folder that no command mentions."""
    report = run("force_power_off", {"vm_name": "web-01"}, outputs=outputs)
    assert (report.exit_code, report.account.outcome, report.record_error) == (7, "interrupted", None)
    assert report.account.interrupted_by.startswith("the kernel's death")
    assert (check(report.folder), verify(outputs).findings) == ([], ())
    assert not (report.folder / ASKED).exists()


def test_a_runner_that_is_killed_before_the_journal_is_there_leaves_what_it_was_asked_for(
    outputs: Path,
) -> None:
    """Holds off: an empty folder, of which nobody knows what was to be done in it."""
    arguments = ["run", "force_power_off", "-p", "vm_name=web-01", "-p", "ticket=INC-9"]
    process = subprocess.Popen([sys.executable, "-m", "vergeos_nb", *arguments, "--outputs", str(outputs)])
    end = time.monotonic() + 60
    while not (found := list(outputs.glob(f"*/*/{ASKED}"))):
        assert time.monotonic() < end
    process.send_signal(signal.SIGSTOP)
    folder = found[0].parent
    if (folder / "journal.jsonl").exists():
        pytest.skip("the kernel was faster than this test")
    # Its process is there still, and it may begin.
    assert list(unfinished(outputs, SystemClock())) == []
    process.kill()
    process.wait()
    kernels_end(outputs)
    if (folder / "journal.jsonl").exists():
        pytest.skip("the kernel was faster than this test")
    code, _, answer = command("audit", "recover", "--outputs", str(outputs))
    assert (code, [item["record"] for item in answer["recovered"]]) == (0, [str(folder)])
    record = read(folder)
    assert (record["outcome"], record["verdict"], record["exit_code"]) == ("interrupted", "unknown", 7)
    assert (record["ticket"], record["interrupted_by"]) == ("INC-9", NEVER_BEGAN)
    assert verify(outputs).findings == ()
    assert not (folder / ASKED).exists()


def kernels_end(outputs: Path) -> None:
    """Whatever the killed runner had started ends with it."""
    end = time.monotonic() + 60
    mark = str(outputs).encode()

    def left() -> bool:
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes() and path.parent.name != str(os.getpid()):
                    return True
            except OSError:
                continue
        return False

    while left():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("journal", [None, b""], ids=["no journal", "an empty journal"])
def test_a_folder_without_a_word_is_told_of_finished_and_never_called_not_begun(
    outputs: Path, journal: bytes | None
) -> None:
    """Holds off: an emptied folder read as a run that has sent nothing and may begin again."""
    folder = folder_in(outputs, journal)
    assert any(RUN in note for note in verify(outputs).notes)
    _, _, listed = command("audit", "list", "--outputs", str(outputs))
    assert listed["unsealed"] == [f"{DAY}/{RUN}"]
    assert list(unfinished(outputs, SystemClock())) == [folder]
    recovered = recover(folder)
    assert (recovered.account.lost, recovered.account.interrupted_by) == (True, LOST)
    assert "nobody knows whether it has sent something" in recovered.asked
    assert read(folder)["opened_at"] == f"{DAY}T12:00:00.000Z"
    assert progress_of(run_state_of(read_journal(folder / "journal.jsonl")), "x").where is Where.OPEN
    assert verify(outputs).findings == ()
    assert list(unfinished(outputs, SystemClock())) == []
    _, _, listed = command("audit", "list", "--outputs", str(outputs))
    assert listed["unsealed"] == []


def test_a_sealed_record_that_was_emptied_is_tampering_and_not_a_run_to_finish(outputs: Path) -> None:
    folder = archive(outputs, 2)[0]
    for path in folder.iterdir():
        path.unlink()
    assert list(unfinished(outputs, SystemClock())) == []
    assert [finding.kind for finding in verify(outputs).findings] == ["manifest-missing"]


def test_a_folder_that_is_no_runs_is_left_alone(outputs: Path) -> None:
    (outputs / DAY / "notes").mkdir(parents=True)
    (outputs / "drafts" / RUN).mkdir(parents=True)
    assert list(unfinished(outputs, SystemClock())) == []
    assert verify(outputs).notes == ()
