"""Which rung is suggested for what, as a table; and the whole fleet judged as a run over one VM would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rehearsal import VENDORS_BODY, Rehearsal, RunClock
from tests.respelt import Change, as_it_is, changed, floats, only, texts
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.client.whole_tables import fleet_tables as fleet_reads
from vergeos_nb.errors import WrongShape
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.procedure.evidence.triage import Facts, suggest, triage, wanting
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator, SteppedClock
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.vergeos.rows import Columns, MachineKey, NodeState

OFF, ALIVE, UNKNOWN = VerdictValue.OFF, VerdictValue.ALIVE, VerdictValue.UNKNOWN


def node(running: bool = True) -> NodeState:
    return NodeState(2, "node2", MachineKey(9), running, "running" if running else "offline", False, True, "")


def facts(status: str, verdict: VerdictValue, **more: Any) -> Facts:
    known: dict[str, Any] = {
        "state": "warning",
        "running": status not in ("stopped", ""),
        "moving": False,
        "own_row": True,
        "because": "machine_nics moved" if verdict is ALIVE else "",
        "node": node(),
    }
    return Facts(status=status, verdict=verdict, **{**known, **more})


@pytest.mark.parametrize(
    ("vm", "rung", "words"),
    [
        (facts("running", ALIVE), "none", "it runs"),
        (facts("stopped", OFF), "none", "record says stopped"),
        (facts("stopped", UNKNOWN), "none", "nothing shows whether its process is gone"),
        (facts("stopped", UNKNOWN, ram_used=900), "look", "nothing shows that its process is gone"),
        (facts("stopped", ALIVE), "look", "its process lives: machine_nics moved"),
        (facts("unresponsive", OFF), "override", "gone by fresh evidence"),
        (facts("running", OFF), "override", "the record does not follow"),
        (facts("stopping", OFF), "override", "gone by fresh evidence"),
        (facts("unresponsive", ALIVE), "poweroff", "its process lives"),
        (facts("stopping", ALIVE), "kill", "its shutdown hangs"),
        (facts("unresponsive", UNKNOWN), "look", "unknown: nothing fresh came from it"),
        (facts("running", UNKNOWN, node=node(running=False)), "look", "unknown: node node2 does not answer"),
        (facts("running", UNKNOWN, node=None), "look", "unknown: it says that it runs, on no node"),
        (facts("migrating", OFF), "wait", "moving or starting it (migrating)"),
        (facts("running", OFF, moving=True), "wait", "moving or starting"),
        (facts("unresponsive", OFF, own_row=False), "look", "its status row names another machine"),
        (facts("unresponsive", OFF, of_node=True), "none", "a node's"),
        (facts("maintenance", OFF), "none", "a node's"),
        (facts("", UNKNOWN), "look", "it leads to no status row"),
    ],
)
def test_the_next_rung_and_its_reason(vm: Facts, rung: str, words: str) -> None:
    said = suggest(vm)
    assert (said.rung, words in said.reason) == (rung, True), said


@pytest.mark.parametrize(
    "status", ["running", "stopped", "unresponsive", "stopping", "suspended", "error", ""]
)
@pytest.mark.parametrize("verdict", [ALIVE, UNKNOWN])
@pytest.mark.parametrize("own_row", [True, False])
def test_the_override_is_never_suggested_where_the_process_lives_or_nobody_knows(
    status: str, verdict: VerdictValue, own_row: bool
) -> None:
    assert suggest(facts(status, verdict, own_row=own_row)).rung != "override"


def looked_at(
    scenario: str,
    *,
    vms: int = 0,
    change: Change = as_it_is,
    by_hand: bool = False,
    gap_s: float = 5.0,
) -> tuple[Columns, Simulator]:
    """A fleet read twice, this far apart.

    Args:
        by_hand: somebody has sent the vendor's PUT for the VM that the scenario is about.
    """
    clock = SteppedClock(1_790_100_000.0)
    sim = Simulator(scenario, vms=vms, clock=clock)
    if by_hand:
        path = f"/api/v4/machine_status/{sim.world.vm(sim.vm_name).status}"
        with httpx.Client(transport=sim.transport(), auth=(sim.username, sim.password)) as client:
            assert client.put(f"https://vergeos.example{path}", json=VENDORS_BODY).is_success
    profile = Profile("lab", "vergeos.example", Credentials("basic", sim.username, Secret(sim.password)))
    way = sim.transport() if change is as_it_is else changed(sim.transport(), change)
    with VergeApi(Wire(profile, clock=RunClock(clock), transport=way)) as api:
        nodes, counted, first, at = api.all_nodes(), api.fleet_counters(), api.fleet_vms(), clock.now()
        clock.sleep(gap_s)
        again = api.fleet_counters()
        return triage(first, api.fleet_signs(), (counted, again), nodes, (at, clock.now())), sim


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("healthy", []),
        ("stuck", [("web-01", "override", "off")]),
        ("zombie", [("web-01", "poweroff", "alive")]),
        ("migrating", [("web-01", "wait", "alive")]),
        ("wrong_row", [("web-01", "look", "unknown")]),
        ("status_missing", [("web-01", "look", "unknown")]),
        ("gone", [("web-01", "look", "unknown")]),
        # Every VM of the node that cannot be seen.
        ("node_dead", [(name, "look", "unknown") for name in ("web-01", "db-02", "mail-01", "backup-01")]),
        ("node_unreachable", [(n, "look", "unknown") for n in ("web-01", "db-02", "mail-01", "backup-01")]),
    ],
)
def test_each_scenario_s_fleet_is_judged_as_its_vm_is(scenario: str, expected: list[Any]) -> None:
    found, _ = looked_at(scenario)
    said = [(found["name"][at], found["suggestion"][at], found["verdict"][at]) for at in wanting(found)]
    assert sorted(said) == sorted(expected)


def test_a_row_that_was_written_by_hand_over_a_vm_nobody_sees_is_still_worth_a_look() -> None:
    """Its record said stopped, so it was left out of the list, though it may live on a node cut off."""
    found, _ = looked_at("node_unreachable", by_hand=True)
    at = list(found["name"]).index("web-01")
    assert (found["status"][at], found["suggestion"][at], found["verdict"][at]) == (
        "stopped",
        "look",
        "unknown",
    )
    assert "nothing shows that its process is gone" in found["reason"][at]
    assert at in wanting(found)


@pytest.mark.parametrize("spelt", [floats, texts])
@pytest.mark.parametrize("scenario", ["healthy", "stuck", "zombie", "migrating", "wrong_row", "node_dead"])
def test_the_fleet_is_judged_the_same_however_numbers_are_spelt(scenario: str, spelt: Change) -> None:
    plain, _ = looked_at(scenario)
    found, _ = looked_at(scenario, change=spelt)
    for name in ("name", "vm_key", "suggestion", "verdict", "reason", "counters", "cpu_pct", "running"):
        assert found[name] == plain[name], name


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (as_it_is, "off"),
        (only(("total_cpu",), "busy"), "unknown"),
        (only(("ram_used",), {"of": "another shape"}), "unknown"),
        (only(("modified", "stats_written"), "today"), "unknown"),
        (only(("last_update",), 10**15), "off"),
        (only(("cpu_cores", "ram", "ram_mb"), "many"), "off"),
        (only(("total_cpu",), 0.4), "alive"),
        (only(("total_cpu",), "0.4"), "alive"),
        (only(("total_cpu", "ram_used"), 0.0), "off"),
        (only(("status",), "frobnicating"), "off"),
    ],
)
def test_a_run_over_one_vm_and_the_triage_read_odd_values_alike(
    tmp_path: Path, change: Change, verdict: str
) -> None:
    """Holds off: one odd value ended the run with an error, and the triage of all other VMs with it."""
    run = Rehearsal("stuck", tmp_path)

    def of_the_vm(name: str, value: Any) -> Any:
        # The key of a status row is asked for as `status` of the machine.
        return value if name == "status" and isinstance(value, int) else change(name, value)

    run.transport = changed(run.transport, of_the_vm)
    book = run.open()
    for step in ("connect", "locate", "status_key", "verify", "alive"):
        result = book.engine.run(step)
        assert result.outcome == "passed", result.summary
    assert result.facts["verdict"] == verdict
    run.end(book)
    found, _ = looked_at("stuck", change=of_the_vm)
    assert found["verdict"][found["name"].index("web-01")] == verdict


def test_what_of_the_evidence_cannot_be_read_is_noted_in_the_journal_once(tmp_path: Path) -> None:
    run = Rehearsal("stuck", tmp_path)
    run.transport = changed(run.transport, only(("ram_used",), "much"))
    account = run.run()
    assert account.verdict == "unknown"
    lines = read_journal(run.folder / "journal.jsonl").lines
    notes = [line["text"] for line in lines if line["event"] == "note" and "read:" in line["text"]]
    assert notes == ["cannot be read: ram_used is text"]
    votes = next(result for result in account.results if result.step == "alive").tables[0]
    assert ("machine_stats", "silent") in [row[:2] for row in votes.rows]
    assert any("cannot be read: ram_used is text" in str(row[2]) for row in votes.rows)


@pytest.mark.parametrize("change", [only(("running",), "perhaps"), only(("node",), "the third")])
def test_a_vm_whose_place_or_state_cannot_be_read_wants_a_look(change: Change) -> None:
    found, _ = looked_at("healthy", change=change)
    at = found["name"].index("web-01")
    assert (found["suggestion"][at], found["verdict"][at]) == ("look", "unknown")
    assert found["reason"][at].startswith("its row cannot be read: ")


def test_snapshots_are_left_out_and_every_vm_is_listed_once_over_all_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fleet_reads, "PAGE", 5)
    found, sim = looked_at("stuck", vms=20)
    rows = sim.world.tables["vms"]
    assert list(found["vm_key"]) == sorted(key for key, row in rows.items() if not row.get("is_snapshot"))
    # 32 VMs, 5 a page: seven calls, twice.
    assert [request.path for request in sim.requests].count("/api/v4/vms") == 14


def test_ten_times_the_fleet_takes_no_more_calls() -> None:
    calls = [len(looked_at("stuck", vms=vms)[1].requests) for vms in (0, 120)]
    assert calls == [9, 9]


def test_a_platform_that_does_not_sort_is_not_believed_to_have_told_of_every_vm() -> None:
    sim = Simulator("healthy")
    rows = [{"$key": key, "name": f"vm-{key}", "machine_key": key} for key in (7, 5)]
    sim.faults.add(Rule("odd", "GET", "/api/v4/vms", body=json.dumps(rows)))
    profile = Profile("lab", "vergeos.example", Credentials("basic", sim.username, Secret(sim.password)))
    with (
        VergeApi(Wire(profile, transport=sim.transport())) as api,
        pytest.raises(WrongShape, match="after row 7"),
    ):
        api.fleet_vms()


@pytest.mark.parametrize(("gap_s", "rung", "verdict"), [(2.0, "look", "unknown"), (5.0, "override", "off")])
def test_a_fleet_that_is_read_twice_too_soon_shows_no_vm_as_dead(
    gap_s: float, rung: str, verdict: str
) -> None:
    found, sim = looked_at("stuck", gap_s=gap_s)
    at = found["name"].index(sim.vm_name)
    assert (found["suggestion"][at], found["verdict"][at]) == (rung, verdict)
