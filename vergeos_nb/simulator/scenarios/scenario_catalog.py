"""The scenarios by name, each with a sentence of explanation; what they do is in situations.py.

All are deterministic. The VM a scenario is about is `web-01`, unless the scenario is about names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.scenarios import situations
from vergeos_nb.simulator.world.world import Row, World

SUBJECT = "web-01"


@dataclass(frozen=True)
class Scenario:
    """A preset.

    `prepare` changes the base fleet; `rules` are faults in force from the start; `triggers` name what
    happens to the subject (a handler of life.py, the rule's name) just before a matching request is
    executed; `role` is what the credentials may do; with `credentials_expire` API key and session
    tokens answer 401 (the password still works).
    """

    name: str
    explanation: str
    prepare: Callable[[World, Row], None]
    subject: str = SUBJECT
    rules: tuple[Rule, ...] = ()
    triggers: tuple[Rule, ...] = ()
    role: str = "admin"
    equal_keys: bool = False
    credentials_expire: bool = False


STATUS = "/api/v4/machine_status*"

FLAKY = (
    Rule("flaky-status-1", "GET", STATUS, nth=(1,), per_path=True, status=500, text="Internal error"),
    Rule("flaky-status-2", "GET", STATUS, nth=(2,), per_path=True, drop="before"),
    Rule("flaky-machines", "GET", "/api/v4/machines*", nth=(1,), per_path=True, drop="before"),
    Rule("flaky-other", "GET", "/api/v4/*", nth=(1,), per_path=True, status=503, text="Service unavailable"),
)
UNANSWERED = (Rule("unanswered", "PUT", STATUS, drop="after"),)
BEFORE_FIRST_PUT = (Rule("ha_restart", "PUT", STATUS, nth=(1,)),)

_ALL = (
    Scenario("healthy", "Everything works: poweroff takes 4 s, kill half a second.", situations.healthy),
    Scenario(
        "stuck",
        "The process is gone, its statistics are fresh and zero, but the status row still says that it runs. "
        "poweroff and kill are accepted and change nothing. The row can be overridden and stays.",
        situations.stuck,
    ),
    Scenario(
        "zombie",
        "The process lives and its counters move; poweroff and kill are accepted without effect. An "
        "overridden status row flips back to running after 2 s.",
        situations.zombie,
    ),
    Scenario("twins", "Two VMs of one name, with different keys; one is stuck.", situations.twins),
    Scenario("gone", "The VM is listed, but its machine row answers 404.", situations.gone),
    Scenario("slow", "Stuck, and the status row follows a PUT only after 3 s.", situations.slow),
    Scenario(
        "flaky",
        "Stuck, and the first reads of each path fail: 503, 500 or a dropped connection.",
        situations.stuck,
        rules=FLAKY,
    ),
    Scenario(
        "unanswered",
        "Stuck; the PUT on machine_status is executed but its answer never arrives.",
        situations.stuck,
        rules=UNANSWERED,
    ),
    Scenario(
        "reader", "Stuck; the user may read everything and gets 403 for every change.", situations.stuck,
        role="reader",
    ),
    Scenario("wrong_row", "The machine row points to the status row of web-02.", situations.wrong_row),
    Scenario("snapshot_only", "The name exists only as the row of a snapshot.", situations.snapshot_only),
    Scenario(
        "odd_names",
        "VM names with quotes, backslashes, braces, percent signs, markup, unicode, 128 characters, trailing "
        "blanks and case variants; the subject's is the worst and it is stuck.",
        situations.odd_names,
        subject=situations.ODD_NAMES[0],
    ),
    Scenario("deaf", "The guest ignores ACPI, so poweroff does nothing; kill works.", situations.deaf),
    Scenario(
        "kill_stuck",
        "A shutdown hangs in `stopping`. kill is accepted and ends the process, but the row stays as it is "
        "and needs the PUT.",
        situations.kill_stuck,
    ),
    Scenario(
        "node_dead",
        "The VM's node has lost its power and the process with it. Its statistics are old: nothing on the "
        "API proves the death. An overridden row stays.",
        situations.node_dead,
    ),
    Scenario(
        "node_unreachable",
        "The VM's node is cut off and the process lives on there. Looks exactly like node_dead. An "
        "overridden row stays, and a poweron then starts a second copy.",
        situations.node_unreachable,
    ),
    Scenario("maintenance", "Stuck, on a node that is in maintenance.", situations.node_maintenance),
    Scenario("migrating", "A live migration that does not end; the process lives.", situations.migrating),
    Scenario("hibernating", "A hibernation that does not end; the process lives.", situations.hibernating),
    Scenario(
        "ha_restart",
        "Stuck, but HA restarts the VM on another node between the last read and the PUT: the override hits "
        "a living VM and is rewritten after 2 s.",
        situations.stuck,
        triggers=BEFORE_FIRST_PUT,
    ),
    Scenario(
        "stale_cores",
        "Stopped; the row keeps cores and RAM of its last run, which are not the VM's.",
        situations.stale_cores,
    ),
    Scenario("edited", "Stuck, and the VM's cores and RAM were changed since it started.", situations.edited),
    Scenario(
        "equal_keys",
        "Stuck; VM, machine, status and stats keys are equal, as in the vendor's examples.",
        situations.stuck,
        equal_keys=True,
    ),
    Scenario(
        "expired_token",
        "Stuck; the API key and every session token have expired (401), the password still works.",
        situations.stuck,
        credentials_expire=True,
    ),
    Scenario("status_missing", "The machine points to a status row that is gone (404).",
             situations.status_missing),
)  # fmt: skip

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def list_scenarios() -> dict[str, str]:
    """Return every scenario's name with its explanation, in the order they are best read."""
    return {name: scenario.explanation for name, scenario in SCENARIOS.items()}
