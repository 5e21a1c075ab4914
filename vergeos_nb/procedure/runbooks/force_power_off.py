"""The vendor's procedure "Force Power Off a VM Using the API", as steps.

Planning comes before the standard methods, which the vendor's text asks for first: they change something,
too, and an approval binds every changing call of the run.
"""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.steps.identify import connect, get_status_key, locate, verify
from vergeos_nb.procedure.steps.judge_and_plan import is_alive, make_plan
from vergeos_nb.procedure.steps.override import confirm, force_power_off
from vergeos_nb.procedure.steps.snapshot import take_snapshot
from vergeos_nb.procedure.steps.standard_methods import kill_power, power_off

IDENTIFY: Sequence[Step[Case]] = (
    Step(
        "connect",
        "Connect",
        "1",
        "Know which system answers before anything is asked of it.",
        connect,
        role="connect",
    ),
    Step("locate", "Locate the VM", "2", "One name must lead to exactly one VM.", locate, role="identify"),
    Step(
        "status_key",
        "Get the status key",
        "3",
        "The number that the last step needs is neither the VM's nor its machine's.",
        get_status_key,
        role="identify",
    ),
    Step(
        "verify",
        "Verify the machine status",
        "4",
        "Look before you act: is this row your VM's?",
        verify,
        role="identify",
    ),
)

CONFIRM: Step[Case] = Step(
    "confirm",
    "Confirm",
    "6",
    "An answer of 200 says that a row was written. Evidence says whether the VM is off.",
    confirm,
    role="confirm",
)

STEPS: Sequence[Step[Case]] = (
    *IDENTIFY,
    Step(
        "alive",
        "Is it alive?",
        "",
        "A record that says stopped over a living process loses disks.",
        is_alive,
        role="judge",
    ),
    Step(
        "plan",
        "Plan and approve",
        "",
        "What will be changed, from which state, and who agreed.",
        make_plan,
        role="plan",
    ),
    Step(
        "poweroff",
        "Power off",
        "prerequisite",
        "The gentle way first: the guest may only be slow.",
        power_off,
        changing=True,
        role="act",
    ),
    Step(
        "snapshot",
        "Snapshot",
        "notes",
        "The disks as they are, before anything forceful is done to them.",
        take_snapshot,
        changing=True,
        role="act",
    ),
    Step(
        "kill",
        "Kill power",
        "prerequisite",
        "The only standard method that ends the process.",
        kill_power,
        changing=True,
        role="act",
    ),
    Step(
        "force",
        "Force power off",
        "5",
        "The vendor's last step rewrites the record of a machine that is off already.",
        force_power_off,
        changing=True,
        role="act",
    ),
    CONFIRM,
)
