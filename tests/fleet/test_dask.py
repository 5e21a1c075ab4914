"""Runs on a real Dask scheduler and worker processes on loopback, one of which is killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event

import pytest

from tests.fleet.stuck_fleet import ATTESTED, make_stuck
from tests.fleet.test_killed import answer, command
from tests.forwarding.receivers import Received, stream_receiver
from tests.served import QUICK, served, when_carried_out
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock
from vergeos_nb.fleet import plan as plans
from vergeos_nb.fleet.fleet_session import Ended, FleetSession
from vergeos_nb.fleet.plan import find_plan
from vergeos_nb.fleet.schedule import Limits
from vergeos_nb.fleet.system import open_system
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.record.record_folder import read
from vergeos_nb.settings import load_profile

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")

VMS = ("vm-00001", "vm-00002", "vm-00003")
LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")


@contextmanager
def process(folder: Path, module: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    file = str(folder / "scheduler.json")
    command = [sys.executable, "-m", f"distributed.cli.{module}", "--scheduler-file", file, *LOOPBACK, *words]
    with (folder / f"{module}-{time.monotonic_ns()}.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def worker(folder: Path, *words: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return process(folder, "dask_worker", "--no-nanny", "--nthreads", "1", *words)


def address(folder: Path) -> str:
    until = time.monotonic() + 60
    while not (folder / "scheduler.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    return str(json.loads((folder / "scheduler.json").read_text())["address"])


def test_a_lost_worker_s_run_is_read_back_and_not_begun_again_and_the_others_go_on_elsewhere(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vergeos_nb.fleet.dask_crew import DaskCrew

    told = Received()
    clock, ended = SystemClock(), list[Ended]()
    options = {**QUICK, **ATTESTED, "settle_s": 4.0, "confirm_timeout_s": 12.0, "profile": "simulator"}
    with ExitStack() as stack:
        sim = stack.enter_context(served("stuck", vms=4))
        make_stuck(sim, *VMS)
        # The workers have the variable, too, and must not tell what the coordinator tells.
        target = f"syslog+tcp://127.0.0.1:{stack.enter_context(stream_receiver(told))}"
        monkeypatch.setenv("VERGEOS_NB_FORWARD", target)
        stack.enter_context(process(tmp_path, "dask_scheduler", "--port", "0"))
        scheduler = address(tmp_path)
        first = stack.enter_context(worker(tmp_path))
        system = stack.enter_context(open_system(load_profile("simulator"), clock))
        vms = plans_for(system)
        policy, connect = plans.Policy(), system.connect(vms)
        shelf = plans.PlanShelf(outputs)

        def plan_it(vm: plans.FleetVm) -> plans.Planned:
            return plans.plan_one(vm, options, connect, system.target, shelf, policy, clock, "ada")

        planned = plans.plan_fleet(vms, plan_it, system.reader.upcoming)
        whole = plans.fleet_plan(planned, options, Limits(1, 4, 4, 2), system.told)
        shelf.keep(whole)
        plans.approve(outputs, whole.digest, "grace", clock, clock.now() + 900)
        session = FleetSession(
            outputs=outputs,
            plan=find_plan(outputs, whole.digest),
            operator="ada",
            profile="simulator",
            clock=clock,
            scrubber=Scrubber((sim.password,)),
            workers=lambda journal: DaskCrew(
                scheduler, 1, system.leases_of, "ada", outputs, clock, lambda: (sim.password,), str
            ),
            scheduler=scheduler,
        )
        fleet, killed = threading.Thread(target=lambda: ended.append(session.run(resume=False))), Event()

        def kill() -> None:
            first.kill()
            killed.set()

        when_carried_out(sim, "PUT", "machine_status/*", kill)
        fleet.start()
        assert killed.wait(120)
        stack.enter_context(worker(tmp_path))
        fleet.join(150)
        sent = sorted(entry.path.rpartition("/")[2] for entry in sim.changing_requests())
        told.wait_for("sealed", 4)
    assert (len(set(told.ids)), told.events.count("intent")) == (len(told.ids), 3)
    assert sent == ["1006", "1007", "1008"]
    (run,) = ended
    said = [(state.outcome, state.verdict) for state in run.states.values()]
    assert said == [("interrupted", "off"), ("done", "off"), ("done", "off")]
    # One way for runs here and elsewhere: the fleet's journal holds each intent.
    events = [line["event"] for line in read_journal(run.folder / "journal.jsonl").lines]
    assert events.count("vm-intent") == 3
    lost = read(outputs / run.states[1001].folder)
    assert [call["path"] for call in lost["changing_calls"]] == ["/api/v4/machine_status/1006"]
    assert (verify(outputs).findings, run.trouble) == ((), ())


# Loaded by a worker when it starts, and not only once: it is impatient, and says when a run has ended.
IMPATIENT = """
from pathlib import Path
from vergeos_nb.fleet import remote

def run_there(*given):
    try:
        return begin(*given)
    finally:
        Path("ended").touch()

if remote.KEEP_S > 1:
    remote.KEEP_S = 1.0
    begin, remote.run_there = remote.run_there, run_there
"""


def test_when_the_coordinator_is_killed_its_workers_send_nothing_that_its_journal_does_not_hold(
    outputs: Path, tmp_path: Path
) -> None:
    """A worker went on and forced its VM off, and the record of that run said that nothing was sent."""
    (tmp_path / "vms.csv").write_text("\n".join(["name", *VMS]))
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    given = {**QUICK, **ATTESTED, "sample_gap_s": 2.0}
    pairs = [word for name, value in given.items() for word in ("-p", f"{name}={value}")]
    with ExitStack() as stack:
        sim = stack.enter_context(served("stuck", vms=4))
        make_stuck(sim, *VMS)
        stack.enter_context(process(tmp_path, "dask_scheduler", "--port", "0"))
        scheduler = address(tmp_path)
        stack.enter_context(worker(tmp_path, "--preload", str(tmp_path / "impatient.py")))
        digest = answer(outputs, "fleet", "plan", str(tmp_path / "vms.csv"), *pairs)["plan_digest"]
        plans.approve(outputs, digest, "grace", SystemClock(), time.time() + 900)
        # In the worker's first sample; the second, and then the PUT, come two seconds later.
        when_carried_out(sim, "GET", "vms/*", lambda: killed.kill())
        killed = command(outputs, "fleet", "apply", digest, "--scheduler", scheduler)
        killed.communicate(timeout=150)
        while not (tmp_path / "ended").exists():  # the time limit of tests ends this
            time.sleep(0.05)
        assert sim.changing_requests() == []
        resumed = answer(outputs, "fleet", "resume", digest)
        sent = sorted(entry.path.rpartition("/")[2] for entry in sim.changing_requests())
    assert sent == ["1006", "1007", "1008"]
    assert [(vm["outcome"], vm["verdict"]) for vm in resumed["vms"]] == [("done", "off")] * 3
    assert verify(outputs).findings == ()


def plans_for(system: object) -> tuple[plans.FleetVm, ...]:
    from vergeos_nb.fleet.selection import Named, resolve

    return resolve(system.inventory(), [Named(name) for name in VMS])  # type: ignore[attr-defined]
