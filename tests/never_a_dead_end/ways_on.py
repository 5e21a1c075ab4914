"""For each scenario of the simulator: what a person in the right does if a run stops, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.rehearsal import PASSWORD, SENTENCE, Rehearsal
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator

Ending = tuple[str, str, int]
OFF: Ending = ("done", "off", 0)
NOBODY_KNOWS: Ending = ("unknown", "unknown", 7)


def nothing(run: Rehearsal) -> None:
    """Leave the world as it is."""


@dataclass(frozen=True)
class WayOn:
    """What is done about a run that stopped, and how it ends once that is done.

    Attributes:
        stops: the step at which it stops, or "" where it goes through.
        does: what the person, or somebody whom the refusal names, does in the world.
        gives: the parameters that the person gives then.
        live: the ending of the same run in a notebook.
        headless: the ending of the next run; None where it is the same.
    """

    stops: str
    live: Ending
    does: Callable[[Rehearsal], None] = nothing
    gives: Mapping[str, Any] = field(default_factory=dict)
    headless: Ending | None = None


def end_the_process(run: Rehearsal) -> None:
    """Somebody ends the process at its node; an hour later nothing of it is recent."""
    run.sim.world.truth("web-01").stop(run.clock.now())
    run.clock.sleep(120)


def end_it_and_its_row(run: Rehearsal) -> None:
    """The same, and the platform notices."""
    end_the_process(run)
    off = {"running": False, "powerstate": False, "status": "stopped", "state": "offline", "node": None}
    run.sim.world.set_status_of("web-01", **off)


def point_to_its_own_row(run: Rehearsal) -> None:
    """The vendor mends the machine's row."""
    run.sim.world.update("machines", 44, status=46)


def bring_the_status_row_back(run: Rehearsal) -> None:
    """The vendor mends the status rows."""
    row = Simulator("stuck", clock=run.sim.clock).world.status_row(44)
    assert row is not None
    run.sim.world.insert("machine_status", {k: v for k, v in row.items() if k != "$key"}, 46)


def bring_the_machine_back(run: Rehearsal) -> None:
    """Somebody restores the machine that was being deleted."""
    row = Simulator("stuck", clock=run.sim.clock).world.get("machines", 44)
    assert row is not None
    run.sim.world.insert("machines", {k: v for k, v in row.items() if k != "$key"}, 44)


def let_the_move_end(run: Rehearsal) -> None:
    """The platform gives the move up, and the VM is where it was."""
    run.sim.world.set_status_of(
        "web-01", status="running", state="online", running=True, migration_destination=None
    )


def log_in_with_the_password(run: Rehearsal) -> None:
    """The person has no key that lasts, and takes the password."""
    run.profile = Profile("lab", "vergeos.example", Credentials("basic", run.sim.username, Secret(PASSWORD)))


WAYS_ON: Mapping[str, WayOn] = {
    **dict.fromkeys(
        ("healthy", "deaf", "stuck", "equal_keys", "slow", "flaky", "unanswered", "maintenance", "edited",
         "odd_names", "kill_stuck", "shared_disk", "nas_service", "relay_refused", "relay_hangs"),
        WayOn("", OFF),
    ),
    "zombie": WayOn("force", OFF, end_the_process),
    "ha_restart": WayOn("confirm", OFF, end_it_and_its_row, headless=("nothing-to-do", "off", 0)),
    "node_dead": WayOn("force", NOBODY_KNOWS, gives={"assertion": SENTENCE}),
    "node_unreachable": WayOn("force", NOBODY_KNOWS, gives={"assertion": SENTENCE}),
    "stuck_stale": WayOn("force", NOBODY_KNOWS, gives={"assertion": SENTENCE}),
    "heartbeat_of_the_dead": WayOn("force", OFF, gives={"assertion": SENTENCE}),
    "reader": WayOn("poweroff", OFF, lambda run: run.sim.set_role("admin")),
    "stale_cores": WayOn("plan", ("nothing-to-do", "off", 0)),
    "twins": WayOn("locate", OFF, gives={"vm_key": 41}),
    "gone": WayOn("status_key", OFF, bring_the_machine_back),
    "wrong_row": WayOn("status_key", OFF, point_to_its_own_row),
    "snapshot_only": WayOn("locate", OFF, gives={"vm_name": "db-01"}),
    "status_missing": WayOn("status_key", OFF, bring_the_status_row_back),
    "migrating": WayOn("verify", ("refused", "alive", 6), let_the_move_end),
    "migration_stalled": WayOn("verify", ("refused", "alive", 6), let_the_move_end),
    "hibernating": WayOn("verify", ("refused", "alive", 6), let_the_move_end),
    "expired_token": WayOn("connect", OFF, log_in_with_the_password),
}  # fmt: skip
