"""Runs whose process died, finished later: nothing is lost and nothing is sent again."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.commands import command
from tests.runner.test_headless import gone, journal_below, start_command, wait_for
from tests.served import LADDER, NAME, changing, served, when_carried_out
from vergeos_nb.clock import SystemClock
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Draft, Step
from vergeos_nb.procedure.runbooks import force_power_off
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.processes import this_process
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runner.headless import run
from vergeos_nb.runner.recovery import recover, unfinished
from vergeos_nb.simulator import Simulator
from vergeos_nb.simulator.faults.rules import Rule


@cache
def killed_in_the_put(folder: Path) -> Simulator:
    """A run below this folder whose runner and kernel were killed while the PUT was under way; its system.

    Made by the first test that looks at it. No test changes it.
    """
    kernels: list[int] = []

    def kill() -> None:
        process.kill()
        kernels.append(wait_for(journal_below(folder / "killed"), "run-opened")["pid"])
        os.kill(kernels[0], signal.SIGKILL)

    with served() as simulator:
        digest = run("force_power_off", NAME, outputs=folder / "planned").account.fact("plan_digest")
        # It was carried out by then, and never answered.
        when_carried_out(simulator, "PUT", "machine_status/*", kill)
        process = start_command(folder / "killed", "--approve", digest)
        process.communicate(timeout=150)
        assert gone(kernels[0])
        assert changing(simulator) == LADDER
    return simulator


@pytest.fixture
def killed(tmp_path_factory: pytest.TempPathFactory, outputs: Path) -> tuple[Path, Simulator]:
    """A copy of that run in the archive of this test: its folder, and its system."""
    made = tmp_path_factory.getbasetemp() / "killed-in-the-put"
    simulator = killed_in_the_put(made)
    shutil.copytree(made / "killed", outputs)
    return journal_below(outputs).parent, simulator


def test_a_run_killed_in_the_put_is_settled_by_reading_back_and_never_sent_again(
    killed: tuple[Path, Simulator], outputs: Path
) -> None:
    folder, simulator = killed
    with served(simulator=simulator):
        assert list(unfinished(outputs, SystemClock())) == [folder]
        recovered = recover(folder)
        assert changing(simulator) == LADDER
    assert (recovered.account.outcome, recovered.account.verdict) == ("interrupted", "off")
    record = read(folder)
    assert (record["outcome"], record["verdict"], record["exit_code"]) == ("interrupted", "off", 7)
    assert record["after"]["status"] == "stopped"
    assert check(folder) == []
    assert list(unfinished(outputs, SystemClock())) == []


def test_a_run_that_failed_right_after_its_call_is_settled_as_well_and_once(outputs: Path) -> None:
    """Holds off: only an interrupted run was taken up, and nobody ever looked what a failed one had done."""
    with served() as simulator:
        digest = run("force_power_off", NAME, outputs=outputs / "plan").account.fact("plan_digest")
        simulator.faults.add(Rule("refused, and done", method="PUT", status=403, execute=True))
        failed = run("force_power_off", {**NAME, "approve": digest}, outputs=outputs / "failed")
        assert (failed.account.outcome, failed.account.verdict) == ("failed", "unknown")
        assert list(unfinished(outputs / "failed", SystemClock())) == [failed.folder]
        recovered = recover(failed.folder)
        assert changing(simulator) == LADDER
    assert (recovered.account.outcome, recovered.account.verdict) == ("failed", "off")
    assert read(failed.folder)["verdict"] == "off"
    assert check(failed.folder) == []
    assert list(unfinished(outputs / "failed", SystemClock())) == []


def test_without_asking_the_call_stays_unsettled_and_the_record_says_so(
    killed: tuple[Path, Simulator],
) -> None:
    folder, simulator = killed
    with served(simulator=simulator):
        recovered = recover(folder, ask=False)
    assert (recovered.account.outcome, recovered.account.verdict) == ("interrupted", "unknown")
    assert recovered.asked == "the platform was not asked"
    assert read(folder)["changing_calls"][-1]["exchange"] is None


def test_a_changing_call_is_refused_in_recovery_even_where_a_step_would_send_one(
    killed: tuple[Path, Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, simulator = killed

    def sends(case: Case) -> Draft:
        case.platform.vm_action(case.known_vm().key, "kill")
        return Draft(StepOutcome.PASSED, "killed once more")

    steps = [Step("confirm", "Confirm", "6", "It sends, which no Confirm may.", sends, role="confirm")]
    monkeypatch.setattr(force_power_off, "RUNBOOK", replace(force_power_off.RUNBOOK, steps=steps))
    with served(simulator=simulator):
        recovered = recover(folder)
        assert changing(simulator) == LADDER
    assert recovered.asked == "sending POST /api/v4/vm_actions: recovery only reads"


def test_a_system_that_cannot_be_asked_leaves_a_whole_record_that_says_why(
    killed: tuple[Path, Simulator],
) -> None:
    folder, _ = killed
    recovered = recover(folder)
    assert "the run's own simulator is gone" in recovered.asked
    assert read(folder)["verdict"] == "unknown"
    assert check(folder) == []


def test_nothing_is_read_back_from_another_system_that_the_profile_leads_to_by_now(
    killed: tuple[Path, Simulator],
) -> None:
    """Holds off: a verdict over a VM of the same keys on the system next door."""
    folder, _ = killed
    with served() as other:
        recovered = recover(folder)
        assert {entry.path for entry in other.requests} <= {"/version.json", "/api/v4/system"}
    assert "this is not the run's system: it has another system" in recovered.asked
    assert read(folder)["verdict"] == "unknown"


def test_the_command_recovers_what_a_killed_runner_left(outputs: Path) -> None:
    with served() as simulator:
        process = start_command(outputs, "-p", "sample_gap_s=120")
        journal = journal_below(outputs)
        kernel = wait_for(journal, "run-opened")["pid"]
        wait_for(journal, "note")
        process.kill()
        process.communicate()
        assert gone(kernel)
        done = command("audit", "recover", "--outputs", str(outputs), "--json", timeout=60)
        assert changing(simulator) == []
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, answer["failed"]) == (0, [])
    assert [item["record"] for item in answer["recovered"]] == [str(journal.parent)]
    assert read(journal.parent)["stopped_in"] == "alive"
    assert read_journal(journal).lines[-1]["by"] == "the death of its process"


def test_a_run_that_is_still_going_on_is_left_alone(outputs: Path) -> None:
    with served():
        process = start_command(outputs, "-p", "sample_gap_s=120")
        try:
            wait_for(journal_below(outputs), "note")
            assert list(unfinished(outputs, SystemClock())) == []
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def test_another_process_that_has_the_number_of_a_dead_run_does_not_keep_it_from_being_finished(
    outputs: Path,
) -> None:
    """Holds off: a run that died and is never finished, because its process number is in use again."""
    folder = outputs / "2026-10-01" / "120000Z-force_power_off-web-01-00000000"
    folder.mkdir(parents=True)
    here = this_process()
    opened = {"n": 1, "at": "2026-10-01T12:00:00.000Z", "event": "run-opened", "on_host": here.host}

    def written(**process: str) -> list[Path]:
        line = {**opened, "pid": here.pid, "process": {**here._asdict(), **process}}
        (folder / "journal.jsonl").write_text(json.dumps(line) + "\n")
        return list(unfinished(outputs, SystemClock()))

    assert written() == []
    assert written(started="1") == [folder]
    # Another machine, or another container, cannot be asked: it counts as living while it is not silent.
    assert written(machine="another pid:[4026532000]", started="1") == []
    os.utime(folder / "journal.jsonl", (0, 0))
    assert list(unfinished(outputs, SystemClock())) == [folder]


@pytest.mark.parametrize("content", ["", "{", "not a journal\n\n"])
def test_a_journal_that_says_nothing_is_named_without_a_traceback(outputs: Path, content: str) -> None:
    folder = outputs / "2026-10-01" / "120000Z-force_power_off-web-01-00000000"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text(content)
    done = command("audit", "recover", "--outputs", str(outputs), "--json", timeout=60)
    assert done.returncode in (0, 10)
    assert "Traceback" not in done.stderr
    assert str(folder) in done.stdout
