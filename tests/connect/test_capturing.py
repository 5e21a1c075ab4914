"""A capture of a system: bounded, without a name of it, and good enough to plan on."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.connect.capturing import capture
from vergeos_nb.connect.pseudonyms import Pseudonyms
from vergeos_nb.errors import RecordError
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator, SteppedClock, read_captured

CANARIES = ("canary-customer", "canary.example.net", "10.99.88.77", "canary note", "canary-user")


class Stepping:
    """A simulator's stepped clock as ours."""

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock

    def now(self) -> float:
        return self.clock.now()

    monotonic = now

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


def captured_of(simulator: Simulator):
    """What is captured of it, and the file's content."""
    login = Credentials("basic", simulator.username, Secret(simulator.password))
    profile = Profile("lab", "canary.example.net", login, paced=False)
    return capture(profile, clock=Stepping(simulator.clock), transport=simulator.transport())


def full_of_names(scenario: str, **options) -> Simulator:
    """A system that says a canary wherever a person can write something."""
    sim = Simulator(scenario, clock=SteppedClock(), **options)
    world = sim.world
    for key, row in list(world.tables["vms"].items()):
        text = f"canary-customer-{row['name']}"
        world.set_row(
            "vms", key, name=text, note="canary note", description="canary note", ha_group="+canary-ha"
        )
        world.set_row("machines", row["machine"], name=text, description="canary note")
    for key in list(world.tables["machine_nics"]):
        world.set_row("machine_nics", key, ipaddress="10.99.88.77", description="canary note")
    for key in list(world.tables["nodes"]):
        world.set_row("nodes", key, name=f"canary-customer-node{key}", ipmi_address="10.99.88.77")
    status = world.vm(41).status
    world.set_row("machine_status", status, agent_guest_info=[{"host": "canary-customer"}])
    world.log(44, "canary-user wrote a canary note", user="canary-user")
    world.set_row("system", 1, cloud_name="canary-customer-cloud")
    return sim


def test_a_capture_says_no_name_address_or_note_and_keeps_what_a_plan_needs():
    captured, content = captured_of(full_of_names("stuck"))
    assert [canary for canary in CANARIES if canary in content.decode()] == []
    [vm] = [row for row in captured.tables["vms"] if row["$key"] == 41]
    assert (vm["name"], vm["machine"], vm["cpu_cores"], vm["ram"], vm["ha_group"]) == (
        "name-1", 44, 4, 8192, "+ha-group-1",
    )  # fmt: skip
    [machine] = [row for row in captured.tables["machines"] if row["$key"] == 44]
    assert (machine["name"], machine["owner"]) == ("name-1", "vms/41")
    [status] = [row for row in captured.tables["machine_status"] if row["$key"] == 46]
    assert (status["status"], status["state"], status["running"]) == ("unresponsive", "warning", True)


def test_a_capture_reads_and_sends_nothing_else():
    sim = full_of_names("stuck")
    captured, content = captured_of(sim)
    assert {entry.method for entry in sim.requests} == {"GET"}
    assert captured.calls == len(sim.requests)
    assert msgspec.json.decode(content)["format"] == "vergeos-nb/capture/1"


@pytest.mark.parametrize(
    ("vms", "most"), [(1000, 30), pytest.param(10_000, 60, marks=pytest.mark.nightly)], ids=["1000", "10000"]
)
def test_a_large_system_is_captured_in_few_calls(vms: int, most: int):
    captured, content = captured_of(Simulator("stuck", vms=vms, clock=SteppedClock()))
    assert (captured.calls <= most, len(captured.tables["vms"]) > vms) == (True, True), captured.calls
    assert "vm-00001" not in content.decode()


@pytest.mark.parametrize(
    "scenario",
    ["healthy", "stuck", "stuck_stale", "zombie", "node_dead", "heartbeat_of_the_dead", "maintenance"],
)
def test_a_simulator_made_of_a_capture_gives_the_same_plan_apart_from_names(tmp_path: Path, scenario: str):
    first = Rehearsal(scenario, tmp_path / "real")
    planned = first.run()
    captured, content = captured_of(Simulator(scenario, clock=SteppedClock(), system_id="5e" * 20))
    (tmp_path / "capture.json").write_bytes(content)
    again = Rehearsal(scenario, tmp_path / "again", captured=read_captured(tmp_path / "capture.json"))
    assert again.sim.scenario.name == "captured"
    name = next(row["name"] for row in captured.tables["vms"] if row["$key"] == 41)
    masked = again.run(vm_name=name)
    plan, masked_plan = planned.fact("plan"), masked.fact("plan")
    assert (plan is None) == (masked_plan is None)
    assert (masked.verdict, masked.exit_code) == (planned.verdict, planned.exit_code)
    if plan is not None:
        text = json.dumps(plan, sort_keys=True).replace("web-01", name)
        bound = json.loads(text)
        bound["system"] = masked_plan["system"]
        assert masked_plan == bound


def test_a_text_that_is_left_refuses_the_file_and_the_error_does_not_say_it():
    names = Pseudonyms()
    names.masked("vms", {"$key": 1, "name": "canary-customer"})
    with pytest.raises(RecordError, match="1 texts of this system") as refused:
        names.check(b'{"tables": {"vms": [{"name": "canary-customer"}]}}', ())
    assert "canary" not in str(refused.value)


def test_a_vm_that_is_called_as_the_platform_calls_a_state_is_no_leak():
    names = Pseudonyms()
    rows = [names.masked("machine_status", {"status": "running"}), names.masked("vms", {"name": "running"})]
    assert rows == [{"status": "running"}, {"name": "name-1"}]
    names.check(msgspec.json.encode(rows), ())


def test_what_is_no_capture_is_refused(tmp_path: Path):
    path = tmp_path / "x.json"
    for content, said in ((b"[]", "no capture"), (b"{", "no capture"), (b'{"format": "2"}', "no capture")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=said):
            read_captured(path)
