"""How the platform itself is looked at: columns, filters, and when rows are written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from vergeos_nb.client.learning_reads import ASKED, columns_of, read_as
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator, SteppedClock
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.vergeos.learned import ColumnSeen, Grammar, TableSeen, Written
from vergeos_nb.vergeos.rows import MachineKey

Look = Callable[..., tuple[Simulator, VergeApi]]


@pytest.fixture
def look(clock: SteppedClock) -> Look:
    def make(scenario: str = "stuck", **switches: object) -> tuple[Simulator, VergeApi]:
        sim = Simulator(scenario, clock=SteppedClock(), switches=Switches(**switches))  # type: ignore[arg-type]
        credentials = Credentials("basic", sim.username, Secret(sim.password))
        profile = Profile("sim", "simulator.example", credentials)
        return sim, VergeApi(Wire(profile, clock=clock, transport=sim.transport()))

    return make


@pytest.mark.parametrize("table", ASKED)
def test_the_code_can_read_every_column_of_the_simulator(look: Look, table: str) -> None:
    _, api = look()
    seen = api.table_seen(table)
    assert (seen.missing, seen.unfit, seen.refused) == ((), (), "")
    assert [one.name for one in seen.columns] == columns_of(ASKED[table])


def test_a_column_is_told_with_what_came(look: Look) -> None:
    _, api = look()
    seen = {one.name: one for one in api.table_seen("machine_status").columns}
    assert seen["running"] == ColumnSeen("running", "truth", ("truth value",), True)
    assert seen["node"] == ColumnSeen("node", "whole", ("null", "number"), True)
    assert (read_as("machines", "status"), read_as("machine_status", "status")) == ("key", "text")


def test_a_refused_table_is_a_result(look: Look) -> None:
    sim, api = look()
    sim.faults.add(Rule("no", "GET", "/api/v4/tenant_nodes", status=403))
    refused = api.table_seen("tenant_nodes")
    assert refused == TableSeen("tenant_nodes", refused=refused.refused)
    assert refused.refused


@pytest.mark.parametrize(
    ("switches", "grammar"),
    [
        ({}, Grammar("[]", 0, 2, True)),
        ({"no_match": "count"}, Grammar('{"$count": 0}', 0, 2, True)),
        ({"unknown_column_with_braces_matches_all": False}, Grammar("[]", 0, 0, True)),
    ],
)
def test_the_answers_to_odd_filters_are_told(
    look: Look, switches: dict[str, object], grammar: Grammar
) -> None:
    _, api = look(**switches)
    assert api.grammar() == grammar


def test_machines_are_chosen_by_what_their_rows_say(look: Look) -> None:
    sim, api = look("stuck")
    chosen = api.machines_to_watch(2)
    assert {kind: len(some) for kind, some in chosen.items()} == {"running": 2, "stopped": 2, "node": 2}
    assert sim.world.vm("web-01").machine not in chosen["running"]
    assert sim.world.vm("test-01").machine in chosen["stopped"]


def test_when_rows_were_written_is_read_for_several_machines_in_two_calls(look: Look) -> None:
    sim, api = look("stuck")
    dead, stopped = sim.world.vm("web-01").machine, sim.world.vm("test-01").machine
    before = len(sim.requests)
    found = api.written([MachineKey(dead), MachineKey(stopped), MachineKey(999)])
    assert len(sim.requests) - before == 2
    assert [(one.machine, one.running, one.has_stats, one.ram) for one in found] == [
        (dead, True, True, 0),
        (stopped, False, True, 0),
        (999, None, False, None),
    ]
    assert found[2] == Written(999, found[2].looked_at)
