"""The two follow-up runbooks from the command line, with real kernels."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command as forked
from tests.procedure.runbooks.rehearsed import SIX
from tests.rehearsal import ATTESTED
from tests.served import QUICK, changing, files_with, served
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.record.record_folder import check, new_folder, read
from vergeos_nb.session.run import Run

PASSWORD = "Canary-4711-word"
PUT = ("PUT", "/api/v4/machine_status/46")
WAITS = {name: QUICK[name] for name in ("sample_gap_s", "poll_s", "settle_s", "confirm_timeout_s")}


def command(outputs: Path, runbook: str, **given: Any) -> tuple[int, dict[str, Any], Path]:
    """Exit code, the last JSON line and the record's folder of `vergeos-nb run`."""
    pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    done = forked("run", runbook, "-p", "vm_name=web-01", *pairs, "--outputs", str(outputs), "--json")
    assert done.stdout, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, answer, Path(answer["record"])


def in_process(outputs: Path, runbook: str, **given: Any) -> tuple[RunState, Path]:
    """A run without a kernel, to get somewhere."""
    folder = new_folder(outputs, runbook, "web-01", time.time())
    options = read_parameters(runbook, {"vm_name": "web-01", **given})
    book = Run(runbook, options, folder, finish_here=bool(options.approve))
    for step in book.engine.steps:
        book.step(step.id)
    return book.end(), folder


@pytest.mark.usefixtures("skipped_waits")
def test_a_vm_that_was_forced_off_is_restored_and_one_that_is_off_is_watched_and_started(
    outputs: Path,
) -> None:
    with served(password=PASSWORD) as simulator:
        former = {name: simulator.world.status_of("web-01")[name] for name in SIX}
        override = {**WAITS, **ATTESTED}
        digest = in_process(outputs, "force_power_off", **override)[0].fact("plan_digest")
        account, forced = in_process(outputs, "force_power_off", **override, approve=digest)
        assert account.exit_code == 0

        undo = {"record": forced.name, **WAITS}
        digest = in_process(outputs, "restore_status", **undo)[0].fact("plan_digest")
        assert changing(simulator) == [PUT]
        code, answer, folder = command(outputs, "restore_status", **undo, approve=digest)
        assert (code, answer["outcome"], answer["verdict"]) == (0, "done", "off")
        assert {name: simulator.world.status_of("web-01")[name] for name in SIX} == former
        assert changing(simulator) == [PUT, PUT]
        assert (read(folder)["undo"], check(folder)) == (None, [])

        simulator.world.set_status_of(
            "web-01", running=False, status="stopped", state="offline", powerstate=False, node=None
        )
        watch = {"minutes": 0.05, "every_s": 1, "power_on": "true", "start_timeout_s": 20, **WAITS}
        planned, _ = in_process(outputs, "watch_after_power_off", **watch)
        assert (planned.outcome, planned.verdict, planned.exit_code) == ("planned", "off", 0)
        approve = planned.fact("plan_digest")
        code, answer, folder = command(outputs, "watch_after_power_off", **watch, approve=approve)
        assert (code, answer["outcome"], answer["verdict"]) == (0, "done", "alive")
        assert changing(simulator) == [PUT, PUT, ("POST", "/api/v4/vm_actions")]
        assert simulator.process_copies("web-01") == 1
        assert check(folder) == []
    assert files_with(outputs, PASSWORD) == []
