"""All scenarios, by name. A scenario is declared in one of the modules that are imported here."""

from __future__ import annotations

from vergeos_nb.simulator.scenarios import (
    answer_scenarios,
    node_scenarios,
    process_scenarios,
    row_scenarios,
)
from vergeos_nb.simulator.scenarios.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    **process_scenarios.DECLARED,
    **node_scenarios.DECLARED,
    **row_scenarios.DECLARED,
    **answer_scenarios.DECLARED,
}


def list_scenarios() -> dict[str, str]:
    """Return every scenario's name with its explanation, in the order they are best read."""
    return {name: scenario.explanation for name, scenario in SCENARIOS.items()}


def find_scenario(name: str) -> Scenario:
    """Return a scenario by name.

    Raises:
        ValueError: If there is none, with the names there are.
    """
    if name not in SCENARIOS:
        raise ValueError(f"no scenario is called {name!r}; there are: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
