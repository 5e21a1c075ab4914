"""The whole state as JSON and back: rows, truth, pending events. Credentials are never part of it.

Times are absolute seconds of the simulator's clock. If a state is loaded later than it was dumped, its
pending events happen at once.
"""

from __future__ import annotations

import heapq
from typing import Any

from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import World

FORMAT = "vergeos-nb-simulator-state-1"


def dump(world: World) -> dict[str, Any]:
    """Return the state of a world as JSON data, in a stable order."""
    with world.lock:
        now = world.settle()
        return {
            "format": FORMAT,
            "now": now,
            "seed": world.seed,
            "tables": {name: world.rows(name) for name, rows in world.tables.items() if rows},
            "vitals": {str(machine): vitals.to_json() for machine, vitals in sorted(world.vitals.items())},
            "events": [list(event) for event in sorted(world.events, key=lambda event: event[:2])],
            "next_keys": dict(sorted(world.next_keys.items())),
            "sequence": world.sequence,
        }


def load(world: World, data: Any) -> None:
    """Fill an empty world with a dumped state.

    Raises:
        ValueError: the data is not a dumped state. The message says why.
    """
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f"not a state of the format {FORMAT}")
    try:
        _load(world, data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a broken state: {type(error).__name__}: {error}") from error


def _load(world: World, data: dict[str, Any]) -> None:
    for table, rows in data["tables"].items():
        if table not in world.tables:
            raise ValueError(f"there is no table {table!r}")
        for row in rows:
            key = row["$key"]
            if not isinstance(key, (int, str)) or isinstance(key, bool):
                raise ValueError(f"a row of {table} has the key {key!r}")
            world.insert(table, {name: value for name, value in row.items() if name != "$key"}, key)
    for machine, vitals in data["vitals"].items():
        world.vitals[int(machine)] = Vitals.from_json(vitals)
    for at, number, name, machine, generation, details in data["events"]:
        if name not in world.handlers:
            raise ValueError(f"nothing is called {name!r} among what can happen")
        heapq.heappush(world.events, (float(at), int(number), name, int(machine), int(generation), details))
    world.next_keys.update({str(table): int(key) for table, key in data["next_keys"].items()})
    world.sequence = int(data["sequence"])
    world.now = float(data["now"])
