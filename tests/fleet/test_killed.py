"""The commands as somebody types them; and a fleet run that is killed and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command as forked
from tests.fleet import mortal
from tests.fleet.stuck_fleet import ATTESTED, make_stuck
from tests.served import QUICK, served, when_carried_out
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.fleet.plan import approve
from vergeos_nb.fleet.progress import Where, progress
from vergeos_nb.simulator import Simulator

VMS = ("vm-00001", "vm-00002", "vm-00003")


def command(outputs: Path, *words: str) -> subprocess.Popen[str]:
    """A command in a process group of its own, as a shell starts one."""
    environ = {**os.environ, "VERGEOS_NB_OUTPUTS": str(outputs)}
    return subprocess.Popen(
        [sys.executable, "-m", "vergeos_nb", *words, "--json"],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    )  # fmt: skip


def answer(outputs: Path, *words: str, code: int = 0) -> dict[str, Any]:
    done = forked(*words, "--json", env={**os.environ, "VERGEOS_NB_OUTPUTS": str(outputs)})
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def puts(sim: Simulator) -> list[str]:
    return [entry.path.rpartition("/")[2] for entry in sim.changing_requests()]


@pytest.mark.parametrize(
    ("damage", "verdict"),
    [
        (lambda journal: None, "off"),
        pytest.param(mortal.cut_before_its_intent, "off", marks=pytest.mark.nightly),
        pytest.param(partial(mortal.cut, share=0.3), "off", marks=pytest.mark.nightly),
        (mortal.empty, "unknown"),
    ],
    ids=["whole", "without its tail", "its beginning", "empty"],
)
def test_a_fleet_run_that_is_killed_in_the_middle_is_resumed_and_no_vm_is_sent_anything_twice(
    outputs: Path, tmp_path: Path, damage: Callable[[Path], None], verdict: str
) -> None:
    """What is left of the VM's own journal decides what can be said of it, and never what is sent to it.

    `test_damaged.py` shows each kind of damage by day, on a fleet that ends in the process of the test.
    """
    with served("stuck", vms=4) as sim:
        make_stuck(sim, *VMS)
        found = answer(outputs, "stuck", "--gap", "1.2", "--name", "vm-*")
        assert [(vm["name"], vm["suggestion"]) for vm in found["vms"]] == [(name, "override") for name in VMS]
        (tmp_path / "stuck.json").write_text(json.dumps(found))
        given = {**QUICK, **ATTESTED}
        pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
        plan = answer(outputs, "fleet", "plan", str(tmp_path / "stuck.json"), *pairs, "--at-once", "1")
        digest = plan["plan_digest"]
        approve(outputs, digest, "grace", SystemClock(), time.time() + 900)

        # Its second changing call was carried out by then, and never answered.
        when_carried_out(sim, "PUT", "machine_status/*", lambda: killed.kill(), nth=2)
        killed = command(outputs, "fleet", "apply", digest)
        killed.communicate(timeout=150)
        assert len(puts(sim)) == 2

        stopped = progress(outputs, digest)
        assert [state.where for state in stopped.values()] == [Where.ENDED, Where.OPEN]
        (cut_short,) = [state for state in stopped.values() if state.where is Where.OPEN]
        damage(outputs / cut_short.folder / "journal.jsonl")
        code = 0 if verdict == "off" else 7
        resumed = answer(outputs, "fleet", "resume", digest, "--go-on", code=code)
        assert sorted(puts(sim)) == ["1006", "1007", "1008"]
        # The one that was read back is off by evidence, and its run was cut short all the same.
        assert [(vm["outcome"], vm["verdict"]) for vm in resumed["vms"]] == [
            ("done", "off"), ("interrupted", verdict), ("done", "off"),
        ]  # fmt: skip
        assert verify(outputs).findings == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_reach_all_processes_of_a_fleet_and_cost_no_record(
    outputs: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """The process that makes the records was ended by them, and those of what had run were not made."""
    (tmp_path / "vms.csv").write_text("\n".join(["name", *VMS]))
    given = {**QUICK, **ATTESTED}
    pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    with served("stuck", vms=4) as sim:
        make_stuck(sim, *VMS)
        digest = answer(outputs, "fleet", "plan", str(tmp_path / "vms.csv"), *pairs, "--at-once", "1")[
            "plan_digest"
        ]
        approve(outputs, digest, "grace", SystemClock(), time.time() + 900)
        # While its first changing call is out, and so before anything else can begin.
        when_carried_out(sim, "PUT", "machine_status/*", lambda: os.killpg(stopped.pid, number))
        stopped = command(outputs, "fleet", "apply", digest)
        out, err = stopped.communicate(timeout=150)
    told = json.loads(out.splitlines()[-1])
    assert (stopped.returncode, told["outcome"]) == (3, "refused"), err
    assert f"Nothing else starts: {number.name} says stop." in err
    begun = [vm for vm in told["vms"] if vm["where"] == Where.ENDED]
    assert len(begun) == 1
    report = verify(outputs)
    assert (report.findings, report.records) == ((), len(begun) + 1)
