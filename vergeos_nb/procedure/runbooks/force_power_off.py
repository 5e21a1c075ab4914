"""The vendor's procedure "Force Power Off a VM Using the API", as steps.

The vendor's text begins with the standard methods. Here the plan comes before them, because they change
something, too, and an approval must cover every changing call of the run.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from vergeos_nb.parameters import RUNGS, AskedOn, ConfirmingParameters, OneLine, Rung, Seconds
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.engine.runbook import Runbook, RunEnd
from vergeos_nb.procedure.steps import previews
from vergeos_nb.procedure.steps.common_steps import ALIVE, CONFIRM, IDENTIFY, plan_step
from vergeos_nb.procedure.steps.judge_and_plan import make_plan
from vergeos_nb.procedure.steps.override import force_power_off
from vergeos_nb.procedure.steps.snapshot import take_snapshot
from vergeos_nb.procedure.steps.standard_methods import kill_power, power_off
from vergeos_nb.procedure.values.outcomes import RunOutcome
from vergeos_nb.procedure.values.votes import VerdictValue


def _address(text: str) -> str:
    if text:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError("is no IP address of a guest, such as 10.0.0.5") from None
    return text


class ForcePowerOffParameters(ConfirmingParameters):
    """Its parameters, in addition to those of every confirming runbook."""

    start_at: Annotated[Rung, AskedOn("plan")] = Field(
        "poweroff",
        title="First method to try (start_at)",
        description="First method to try: poweroff, kill or override; the later two need attest.",
    )
    up_to: Annotated[Rung, AskedOn("plan")] = Field(
        "override",
        title="Last method that may be tried (up_to)",
        description="Last method that may be tried: poweroff, kill or override.",
    )
    attest: Annotated[OneLine, AskedOn("plan", words=True)] = Field(
        "",
        title="Where methods are left out: who tried them, and when (attest)",
        description="If methods are left out: who tried them, and when, in your own words.",
    )
    assertion: Annotated[OneLine, AskedOn("plan", words=True, if_needed=True)] = Field(
        "",
        title="Who checked that its process is gone, and how (assertion)",
        description="For a verdict unknown, or life only assumed: who checked that it is dead, and how.",
    )
    poweroff_wait_s: Seconds = Field(
        60.0, title="Seconds for Power Off", description="Seconds that Power Off is given; vendor: 60 to 120."
    )
    kill_wait_s: Seconds = Field(
        20.0,
        title="Seconds for Kill Power",
        description="Seconds that Kill Power is given; vendor: 10 to 30.",
    )
    snapshot: Annotated[bool, AskedOn("plan")] = Field(
        False,
        title="Take a snapshot before the first forceful method",
        description="Take a snapshot before the first forceful method.",
    )
    snapshot_required: Annotated[bool, AskedOn("plan")] = Field(
        False,
        title="Go no further if the snapshot fails",
        description="Go no further if the snapshot fails.",
    )
    snapshot_days: Annotated[int, Field(ge=1, le=365)] = Field(
        7, title="Days that the snapshot is kept", description="Days that the snapshot is kept."
    )
    probe_node: Annotated[bool, AskedOn("alive")] = Field(
        False,
        title="Also ask the node for its process list (a POST)",
        description="Also ask the VM's node for its process list (a POST).",
    )
    ping_ip: Annotated[str, AfterValidator(_address), AskedOn("alive")] = Field(
        "",
        title="Also look for this address on the guest's own network (two POSTs)",
        description="Also look for this IP address of the guest on its own network, by ping and ARP (POSTs).",
    )

    @model_validator(mode="after")
    def _rungs_fit(self) -> Self:
        if RUNGS.index(self.start_at) > RUNGS.index(self.up_to):
            raise ValueError(f"start_at {self.start_at} lies above up_to {self.up_to}")
        if self.start_at != RUNGS[0] and len(self.attest.split()) < 4:
            raise ValueError(
                f"attest: start_at {self.start_at} leaves methods out; say in a sentence who tried them, when"
            )
        if self.snapshot_required and not self.snapshot:
            raise ValueError("snapshot_required: no snapshot is asked for; set snapshot to true as well")
        if self.assertion and len(self.assertion.split()) < 4:
            raise ValueError("assertion: say in a sentence who made sure of it, and how")
        return self


RISK_TICKS: Mapping[str, str] = {
    "data": "I know that what the guest has not written can be lost, and its disks corrupted",
    "record": "I know that the last step rewrites a record and ends no process",
    "evidence": "I have read the evidence above and what it says of this VM's process",
}

STEPS: Sequence[Step[Case]] = (
    *IDENTIFY,
    ALIVE,
    plan_step("What will be changed, from which state, and who agreed.", make_plan, RISK_TICKS),
    Step(
        "poweroff",
        "Power off",
        "prerequisite",
        "The gentle way first: the guest may only be slow.",
        power_off,
        changing=True,
        role="act",
        verb="Send Power Off to {vm}",
        requests=previews.standard_method("poweroff"),
        latches=("poweroff",),
    ),
    Step(
        "snapshot",
        "Snapshot",
        "notes",
        "The disks as they are, before anything forceful is done to them.",
        take_snapshot,
        changing=True,
        role="act",
        verb="Do the snapshot step",
        latches=("snapshot",),
    ),
    Step(
        "kill",
        "Kill power",
        "prerequisite",
        "The only standard method that ends the process.",
        kill_power,
        changing=True,
        role="act",
        verb="Send Kill Power to {vm}",
        requests=previews.standard_method("kill"),
        latches=("kill",),
    ),
    Step(
        "force",
        "Force power off",
        "5",
        "The vendor's last step rewrites the record of a machine that is off already.",
        force_power_off,
        changing=True,
        role="act",
        verb="Force {vm} off",
        requests=previews.overriding,
        latches=("override",),
    ),
    CONFIRM,
)


def headline(end: RunEnd) -> str:
    """One sentence for a run that is done, or that had nothing to do."""
    if end.outcome is RunOutcome.DONE:
        if "override" in end.acts:
            return "Forced off, and there is evidence that it is off."
        by = "Off by a standard method" if end.acts else "It went off by itself"
        return f"{by}, and there is evidence that it is off."
    if end.outcome is not RunOutcome.NOTHING_TO_DO:
        return ""
    if end.verdict is VerdictValue.OFF:
        return "Nothing to do: the record says stopped already, and the process is gone."
    # In older versions an unknown state ended like this. The step itself says what to do.
    lives = end.verdict is VerdictValue.ALIVE
    known = "the process LIVES" if lives else "nothing shows that the process is gone"
    return f"The record says stopped already, but {known}."


RUNBOOK = Runbook(
    name="force_power_off",
    parameters=ForcePowerOffParameters,
    case=Case,
    steps=STEPS,
    headline=headline,
)
