"""A heartbeat that goes on over the dead, in every world of statistics: a person in the right goes on.

`Rehearsal` holds each run against the truth: never off over a living process, never a second send.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from vergeos_nb.simulator import SCENARIOS, Switches

Make = Callable[..., Rehearsal]
STATISTICS = ("zeros", "stale", "gone")
OFF, NOBODY_KNOWS = ("done", "off", 0), ("unknown", "unknown", 7)


def play(rehearse: Make, scenario: str, statistics: str) -> tuple[Rehearsal, tuple[str, str, int]]:
    """The whole ladder, planned and approved with the words of a person who was at the node."""
    answers = Switches(heartbeat_of_the_dead="goes_on", statistics_of_the_dead=statistics)
    run = rehearse(scenario, switches=answers)
    planned = run.run(**LADDER, assertion=SENTENCE)
    if not planned.fact("plan_digest"):
        return run, ending(planned)
    return run, ending(run.run(**LADDER, assertion=SENTENCE, approve=planned.fact("plan_digest")))


def sent(run: Rehearsal) -> list[str]:
    return [body.get("action") or method for method, _, body in run.changes()]


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("scenario", ["stuck", "relay_refused", "node_dead"])
def test_over_a_dead_process_the_override_is_reached_and_ends_off_or_unknown(
    rehearse: Make, scenario: str, statistics: str
) -> None:
    run, end = play(rehearse, scenario, statistics)
    assert (sent(run)[-1], end in (OFF, NOBODY_KNOWS)) == ("PUT", True), end
    assert not run.sim.process_alive("web-01")


@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("scenario", ["zombie", "healthy", "deaf"])
def test_over_a_living_process_the_same_words_open_nothing(
    rehearse: Make, scenario: str, statistics: str
) -> None:
    run, end = play(rehearse, scenario, statistics)
    assert "PUT" not in sent(run)
    assert end[1] != "off" or not run.sim.process_alive("web-01")


@pytest.mark.nightly
@pytest.mark.parametrize("statistics", STATISTICS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_every_scenario_such_a_run_ends_in_the_truth(
    rehearse: Make, scenario: str, statistics: str
) -> None:
    play(rehearse, scenario, statistics)
