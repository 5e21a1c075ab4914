"""Scenarios about the API: answers that fail or never arrive, and credentials that do not suffice."""

from __future__ import annotations

from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.scenarios.process_scenarios import stuck
from vergeos_nb.simulator.scenarios.scenario import Scenarios
from vergeos_nb.simulator.world.world import Row, World

DECLARED = Scenarios()

STATUS = "/api/v4/machine_status*"

FLAKY = (
    Rule("flaky-status-1", "GET", STATUS, nth=(1,), per_path=True, status=500, text="Internal error"),
    Rule("flaky-status-2", "GET", STATUS, nth=(2,), per_path=True, drop="before"),
    Rule("flaky-machines", "GET", "/api/v4/machines*", nth=(1,), per_path=True, drop="before"),
    Rule("flaky-other", "GET", "/api/v4/*", nth=(1,), per_path=True, status=503, text="Service unavailable"),
)


@DECLARED.declare(
    rules=FLAKY,
    story="03:50. web-01 hangs, and so does the management network, now and then.",
    seen="Reads were repeated, changing calls were not. The calls table of each step shows the failed "
    "attempts.",
)
def flaky(world: World, vm: Row) -> None:
    """Stuck, and the first reads of each path fail: 503, 500 or a dropped connection."""
    stuck(world, vm)


@DECLARED.declare(
    rules=(Rule("unanswered", "PUT", STATUS, drop="after"),),
    story="03:58. web-01 hangs. Somebody says that the API sometimes does not answer.",
    seen="The PUT left and no answer came. It was not sent again: reading back showed that it had been "
    "executed.",
)
def unanswered(world: World, vm: Row) -> None:
    """Stuck; the PUT on machine_status is executed but its answer never arrives."""
    stuck(world, vm)


@DECLARED.declare(
    role="reader",
    story="04:02. web-01 hangs. You got a new account this week.",
    seen="Reading worked and writing answered 403: the account lacks the modify permission. That looks "
    "like a bug only before you have run the doctor.",
)
def reader(world: World, vm: Row) -> None:
    """Stuck; the user may read everything and gets 403 for every change."""
    stuck(world, vm)


@DECLARED.declare(
    credentials_expire=True,
    story="05:14. web-01 hangs. Your API key is from last year.",
    seen="The key had expired, which is a 401. It was not tried again: that counts towards a lockout.",
)
def expired_token(world: World, vm: Row) -> None:
    """Stuck; the API key and every session token have expired (401), the password still works."""
    stuck(world, vm)
