"""Every call of the procedure with every fault: nothing is sent twice, nothing is called off that lives.

A cell is one request of a run up the whole ladder, by its place in the run, and one fault. Each cell is a run
of its own against a system of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.matrix.faulty import FAULTS, PASSING, Fault, FaultyDoor
from tests.matrix.held import BRIEF, broken_promises, rows_of_others
from tests.rehearsal import Rehearsal, ending
from vergeos_nb.journal.run_state import RunState

SCENARIOS = ("stuck", "zombie")
MORE_SCENARIOS = ("deaf", "kill_stuck", "node_dead", "node_unreachable", "healthy", "ha_restart", "slow")
BY_NAME = {fault.name: fault for fault in FAULTS}
SPELT = ("text for numbers", "floats for numbers", "text with a fraction", "a date in the year 9999")
# Asked beside the procedure, and done without where the user may not see it or the system has none.
OPTIONAL = "/api/v4/tenant_nodes"

Call = tuple[str, str]
Story = tuple[tuple[str, str, int], list[tuple[str, str]]]


def climbed(run: Rehearsal, digest: str) -> RunState:
    """A run up the ladder, without the pictures of it."""
    book = run.open(**BRIEF, approve=digest)
    for step in book.engine.steps:
        book.engine.run(step.id)
    return book.end()


@cache
def clean(scenario: str, folder: Path) -> tuple[str, tuple[Call, ...], tuple[str, str, int]]:
    """The digest of the scenario's plan, the calls of its run without a fault, and how that ends."""
    digest = Rehearsal(scenario, folder / "plan").run(**BRIEF).fact("plan_digest")
    run = Rehearsal(scenario, folder / "clean")
    account = climbed(run, digest)
    return digest, tuple((entry.method, entry.path) for entry in run.requests), ending(account)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder for what is found out once for each scenario."""
    folder = tmp_path_factory.mktemp("clean")
    return lambda scenario: folder / scenario


def places(scenario: str, fault: Fault, kept: Callable[[str], Path]) -> Iterator[int]:
    """The requests of a scenario that the matrix of the day spoils with this fault.

    In ``stuck`` each changing call, in ``zombie`` half of them. Of the reads, each fault has every third
    kind, in one of the two scenarios, where the run makes it first. Faults that stand beside each other in
    `FAULTS` are alike, so that each kind of read meets each sort of fault. In ``stuck``, where a Confirm
    decides by it, a share also the last time. A share of those between. All others at night.
    """
    number, turn = FAULTS.index(fault), SCENARIOS.index(scenario)
    calls, others = (clean(name, kept(name))[1] for name in (scenario, SCENARIOS[1 - turn]))
    for place, call in enumerate(calls):
        if call[0] != "GET":
            if turn == 0 or (place + number) % 2:
                yield place
            continue
        kind = sum(map(ord, call[1])) + number
        first = call not in calls[:place] and kind % 3 == 0 and (call not in others or kind % 2 == turn)
        last = turn == 0 and call not in calls[place + 1 :] and (place + number) % 5 == 0
        if first or last or (place + number) % 72 == 0:
            yield place


def lasting_places(scenario: str, fault: Fault, kept: Callable[[str], Path]) -> list[int]:
    """The requests from which on the matrix of the day spoils all of their kind with this fault.

    A share for each fault: together every kind, with several faults each.
    """
    calls, number = clean(scenario, kept(scenario))[1], FAULTS.index(fault)
    first = [place for place, call in enumerate(calls) if call not in calls[:place]]
    return [place for n, place in enumerate(first) if (n + number) % 7 == 0]


def wrong_in_cell(
    scenario: str, fault: Fault, place: int, folder: Path, kept: Path, *, lasting: bool
) -> list[str]:
    digest, calls, expected = clean(scenario, kept)
    run = Rehearsal(scenario, folder / f"{place}-{lasting}")
    vm = run.sim.world.vm("web-01").key
    before, lived = rows_of_others(run, vm), run.sim.process_alive(vm)
    FaultyDoor(run, fault, place, lasting=lasting)
    account = climbed(run, digest)
    wrong = broken_promises(run, account, vm, before, lived=lived)
    method, path = calls[place]
    # A change that was not carried out leaves alive what it should have ended.
    change_failed = {6} if method != "GET" else set()
    # Where a process ends in the middle of a brief wait, a fault's delay can let the run see that; that 0 is
    # true where it is said is one of the promises.
    steady = scenario in SCENARIOS
    seen_in_time = set() if steady else {0}
    if account.exit_code not in {expected[2], 7, *fault.codes, *change_failed, *seen_in_time}:
        wrong.append(f"exit code {account.exit_code}")
    if steady and path == OPTIONAL and fault.name in ("403", "404") and ending(account) != expected:
        wrong.append(f"{ending(account)}, where this can be done without")
    passing = steady and method == "GET" and fault.name in PASSING and not lasting
    if passing and ending(account) != expected:
        wrong.append(f"{ending(account)} after a read that was repeated, not {expected}")
    if steady and fault.name in SPELT and ending(account) != expected:
        wrong.append(f"{ending(account)} where the platform only spelt differently")
    kind = "from" if lasting else "at"
    return [f"{scenario}, {fault.name} {kind} request {place} ({method} {path}): {one}" for one in wrong]


@pytest.mark.parametrize("fault", BY_NAME)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_goes_wrong_once_at_any_call_nothing_is_sent_twice_and_nothing_alive_is_called_off(
    scenario: str,
    fault: str,
    tmp_path: Path,
    kept: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    chosen = list(places(scenario, BY_NAME[fault], kept))
    wrong = [
        one
        for place in chosen
        for one in wrong_in_cell(scenario, BY_NAME[fault], place, tmp_path, kept(scenario), lasting=False)
    ]
    record_property("cells: fault matrix, once", len(chosen))
    assert wrong == []


@pytest.mark.parametrize("fault", BY_NAME)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_whatever_goes_wrong_for_good_from_a_first_call_on_holds_the_same(
    scenario: str,
    fault: str,
    tmp_path: Path,
    kept: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    chosen = lasting_places(scenario, BY_NAME[fault], kept)
    wrong = [
        one
        for place in chosen
        for one in wrong_in_cell(scenario, BY_NAME[fault], place, tmp_path, kept(scenario), lasting=True)
    ]
    record_property("cells: fault matrix, lasting", len(chosen))
    assert wrong == []


@pytest.mark.nightly
@pytest.mark.parametrize("fault", BY_NAME)
@pytest.mark.parametrize("scenario", [*SCENARIOS, *MORE_SCENARIOS])
def test_every_call_of_every_scenario_with_every_fault_once_and_for_good(
    scenario: str,
    fault: str,
    tmp_path: Path,
    kept: Callable[[str], Path],
    record_property: Callable[[str, object], None],
) -> None:
    every = range(len(clean(scenario, kept(scenario))[1]))
    wrong = [
        one
        for place in every
        for lasting in (False, True)
        for one in wrong_in_cell(scenario, BY_NAME[fault], place, tmp_path, kept(scenario), lasting=lasting)
    ]
    record_property("cells: fault matrix, all", 2 * len(every))
    assert wrong == []


def test_the_matrix_of_the_day_has_more_than_500_cells_and_each_fault_at_each_changing_call(
    kept: Callable[[str], Path],
) -> None:
    calls = {scenario: clean(scenario, kept(scenario))[1] for scenario in SCENARIOS}
    cells = {
        (fault.name, scenario, place, lasting)
        for scenario in SCENARIOS
        for fault in FAULTS
        for lasting, chosen in ((False, places), (True, lasting_places))
        for place in chosen(scenario, fault, kept)
    }
    assert len(cells) > 500
    spoilt = {
        (fault, place) for fault, scenario, place, lasting in cells if (scenario, lasting) == ("stuck", False)
    }
    changing = [place for place, call in enumerate(calls["stuck"]) if call[0] != "GET"]
    assert {(fault, place) for fault in BY_NAME for place in changing} - spoilt == set()


def test_by_day_each_kind_of_read_meets_a_third_of_each_sort_of_fault(kept: Callable[[str], Path]) -> None:
    """Three that stand beside each other are a sort."""
    calls = {scenario: clean(scenario, kept(scenario))[1] for scenario in SCENARIOS}
    kinds = {call for scenario in SCENARIOS for call in calls[scenario]}
    met = {
        (calls[scenario][place], number // 3)
        for scenario in SCENARIOS
        for number, fault in enumerate(FAULTS)
        for place in places(scenario, fault, kept)
    }
    assert met == {(kind, sort) for kind in kinds for sort in range(len(FAULTS) // 3)}
