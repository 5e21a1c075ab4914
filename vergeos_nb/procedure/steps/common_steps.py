"""Steps that several runbooks have. A runbook with other words takes one with ``dataclasses.replace``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from vergeos_nb.procedure.approval.consent import IDENTITY_TICKS
from vergeos_nb.procedure.engine.case import Case, SystemCase
from vergeos_nb.procedure.engine.engine import Draft, Step
from vergeos_nb.procedure.steps import previews
from vergeos_nb.procedure.steps.identify import connect, get_status_key, verify
from vergeos_nb.procedure.steps.judge_and_plan import is_alive
from vergeos_nb.procedure.steps.locate import locate
from vergeos_nb.procedure.steps.override import confirm

C = TypeVar("C", bound=Case)

CONNECT: Step[SystemCase] = Step(
    "connect",
    "Connect",
    "1",
    "Know which system answers before anything is asked of it.",
    connect,
    role="connect",
    verb="Connect",
    requests=previews.connecting,
    card="connection",
)
LOCATE: Step[Case] = Step(
    "locate",
    "Locate the VM",
    "2",
    "One name must lead to exactly one VM.",
    locate,
    role="identify",
    verb="Find the VM",
    requests=previews.locating,
    card="vm",
)
STATUS_KEY: Step[Case] = Step(
    "status_key",
    "Get the status key",
    "3",
    "The last step needs a third number: the key of the machine's status row.",
    get_status_key,
    role="identify",
    verb="Read the status key",
    requests=previews.reading_status_key,
)
VERIFY: Step[Case] = Step(
    "verify",
    "Verify the machine status",
    "4",
    "Look before you act: is this row your VM's?",
    verify,
    role="identify",
    verb="Read the status row",
    requests=previews.verifying,
    card="comparison",
    ticks=IDENTITY_TICKS,
)
ALIVE: Step[Case] = Step(
    "alive",
    "Is it alive?",
    "",
    "A process that lives under a record that says stopped destroys disks when the VM is started again.",
    is_alive,
    role="judge",
    verb="Take two readings",
    requests=previews.watching,
)
CONFIRM: Step[Case] = Step(
    "confirm",
    "Confirm",
    "6",
    "An answer of 200 says that a row was written. Evidence says whether the VM is off.",
    confirm,
    role="confirm",
    verb="Confirm by evidence",
    requests=previews.watching,
)


def plan_step(why: str, act: Callable[[C], Draft], ticks: Mapping[str, str] | None = None) -> Step[C]:
    """The step that makes a plan and takes the approval. Each runbook has its own plan and reason."""
    return Step(
        "plan",
        "Plan and approve",
        "",
        why,
        act,
        role="plan",
        verb="Make the plan",
        requests=previews.planning,
        card="approval",
        ticks=ticks or {},
    )


IDENTIFY: Sequence[Step[Case]] = (CONNECT, LOCATE, STATUS_KEY, VERIFY)
