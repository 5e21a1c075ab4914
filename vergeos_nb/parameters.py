"""The parameters of each runbook: one schema that the command line, the notebook and papermill all read.

Defaults live here and nowhere else; a test holds the ``parameters`` cell of the notebook against them.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from vergeos_nb.bound import Unbound
from vergeos_nb.clock import from_iso, iso
from vergeos_nb.errors import UsageError

DAY_S = 86_400.0
NAME_MAX = 128  # vms.name holds 1 to 128 characters (tsvergeos types)


# Validation context of a person's run, who chooses the VM on the way.
UNDECIDED = "undecided"


def _vm_name(name: str, info: ValidationInfo) -> str:
    if not name:
        if (info.context or {}).get(UNDECIDED):
            return ""
        raise ValueError("is empty; give the VM's exact name")
    if len(name) > NAME_MAX:
        raise ValueError(f"has {len(name)} characters; a VM's name has at most {NAME_MAX}")
    if control := sorted({c for c in name if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}):
        listed = ", ".join(f"U+{ord(c):04X}" for c in control)
        raise ValueError(f"holds control characters ({listed}); a VM's name has none")
    return name


def _digest(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(
            "is no plan digest; copy the 64 hexadecimal characters that the planning run printed"
        )
    return text


def _moment(text: str) -> str:
    if text:
        try:
            iso(from_iso(text))  # what cannot be written could not be shown either
        except ValueError:
            raise ValueError("is no ISO 8601 time such as 2026-10-01T12:00:00Z") from None
    return text


def _day(text: str) -> str:
    if text:
        try:
            iso(from_iso(text) + DAY_S)  # what cannot be written could not be shown either
        except (ValueError, OverflowError):
            raise ValueError(
                "is no day such as 2026-10-01, and no time such as 2026-10-01T12:00:00Z"
            ) from None
    return text


def _address(text: str) -> str:
    if text:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError("is no IP address of a guest, such as 10.0.0.5") from None
    return text


def _one_line(text: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise ValueError("holds control characters; write one plain line")
    return text.strip()


def _record(text: str, info: ValidationInfo) -> str:
    if not text and not (info.context or {}).get(UNDECIDED):
        raise ValueError("is empty; give the id of the record, which is its folder's name")
    return text


OneLine = Annotated[str, Field(max_length=500), AfterValidator(_one_line)]
OfTheRun = Annotated[OneLine, Unbound("says who runs it and why; every run writes down its own")]
OfTheApproval = Unbound("belongs to the approval, which names the plan by its digest")
Rung = Literal["poweroff", "kill", "override"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class RunParameters(BaseModel):
    """What every runbook takes: by whom, and why."""

    # A process runs one runbook: what reads the others' parameters is built where it is first needed.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    operator: OfTheRun = Field("", description="Who runs this; empty means the user of this machine.")
    reason: OfTheRun = Field("", description="Why this is done.")
    ticket: OfTheRun = Field("", description="The incident or change that this belongs to.")

    @classmethod
    def subject_of(cls, given: Mapping[str, Any]) -> str:
        """What a run is about, for the name of its folder; also of values that are not read yet."""
        return "all"

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        # Python would take true for the number 1.
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field is not None and field.annotation is not bool:
            raise ValueError(f"came as the truth value {str(value).lower()}, and none is wanted")
        return value


class _OnSystem(BaseModel):
    profile: Annotated[OneLine, Unbound("the plan's system says which system it is")] = Field(
        "simulator", description="The system: simulator, env or a profile of the vrg CLI."
    )


class _OverVm(BaseModel):
    vm_name: Annotated[str, AfterValidator(_vm_name), Unbound("the plan's vm holds name and keys")] = Field(
        description="The VM's exact name."
    )


# Fields come in the order of the bases from right to left, and people read what it is about first.
class SystemParameters(RunParameters, _OnSystem):
    """What every runbook that asks a system takes: which one, by whom, and why."""


class VmParameters(SystemParameters, _OverVm):
    """What every runbook over one VM takes: which VM, where, by whom, why, and how patiently."""

    approve: Annotated[str, AfterValidator(_digest), OfTheApproval] = Field(
        "", description="Digest of the plan to apply; empty plans only and changes nothing."
    )
    approver: Annotated[OneLine, OfTheApproval] = Field(
        "", description="Who approves; empty means the operator."
    )
    approve_until: Annotated[str, AfterValidator(_moment), OfTheApproval] = Field(
        "", description="The approval ends at this ISO 8601 time; empty means 15 minutes after the start."
    )
    # Not ``int | None``: papermill's reading of the parameters cell does not know such an annotation.
    expect_cores: Annotated[int, Field(ge=0, le=1024)] = Field(
        0, description="The VM's number of cores as you know it; another refuses. 0: not known."
    )
    expect_ram_mb: Annotated[int, Field(ge=0)] = Field(
        0, description="The VM's RAM in MB as you know it; another refuses. 0: not known."
    )
    sample_gap_s: Seconds = Field(
        5.0, description="Seconds between the two readings that judge whether it lives."
    )
    poll_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = Field(
        2.0, description="Seconds between two readings while waiting, at most."
    )

    @classmethod
    def subject_of(cls, given: Mapping[str, Any]) -> str:
        """The VM's name."""
        return str(given.get("vm_name", ""))


class FindStuckVmsParameters(SystemParameters):
    """Parameters of ``find_stuck_vms``."""

    sample_gap_s: Seconds = Field(5.0, description="Seconds between the two readings that judge what lives.")


class IncidentReportParameters(RunParameters):
    """Parameters of ``incident_report``."""

    since: Annotated[str, AfterValidator(_day)] = Field(
        "", description="The period begins: a day, or an ISO 8601 time; empty means by days."
    )
    until: Annotated[str, AfterValidator(_day)] = Field(
        "", description="The period ends: of a day, its end; empty means now."
    )
    days: Annotated[float, Field(gt=0, le=36_600, allow_inf_nan=False)] = Field(
        30.0, description="Days that the period has, where since is empty."
    )
    only_ticket: OneLine = Field("", description="Only runs of this ticket; empty means all.")
    rehearsals: bool = Field(True, description="Count runs against a simulator, too.")
    repeated: Annotated[int, Field(ge=2, le=1000)] = Field(
        2, description="From this many runs on a VM or node is a repeat offender."
    )
    verify: bool = Field(True, description="Verify the archive first; a large one takes its time.")

    @model_validator(mode="after")
    def _period_fits(self) -> Self:
        if self.since and self.until and self.since_epoch(0.0) >= self.until_epoch(0.0):
            raise ValueError(f"since {self.since} is not before until {self.until}")
        return self

    def until_epoch(self, now: float) -> float:
        """When the period ends, in seconds since 1970."""
        if not self.until:
            return now
        return from_iso(self.until) + (DAY_S if len(self.until) == len("2026-10-01") else 0.0)

    def since_epoch(self, until: float) -> float:
        """When the period begins, in seconds since 1970."""
        return from_iso(self.since) if self.since else until - self.days * DAY_S


class ConfirmingParameters(VmParameters):
    """What runbooks take that change something and confirm it by evidence."""

    settle_s: Seconds = Field(30.0, description="Seconds that the row must stay as wanted to be believed.")
    confirm_timeout_s: Seconds = Field(180.0, description="Seconds after which confirming gives up.")

    @model_validator(mode="after")
    def _waits_fit(self) -> Self:
        if self.confirm_timeout_s < self.settle_s:
            raise ValueError("confirm_timeout_s is shorter than settle_s, so nothing could ever be confirmed")
        return self


class ForcePowerOffParameters(ConfirmingParameters):
    """Parameters of ``force_power_off``."""

    start_at: Rung = Field(
        "poweroff", description="First rung to try: poweroff, kill or override; lower ones need attest."
    )
    up_to: Rung = Field("override", description="Last rung that may be tried: poweroff, kill or override.")
    attest: OneLine = Field(
        "", description="Where rungs are left out: who tried them, and when, in your own words."
    )
    assertion: OneLine = Field(
        "", description="Where the evidence is unknown: how you know that the VM is dead, in your own words."
    )
    poweroff_wait_s: Seconds = Field(60.0, description="Seconds that Power Off is given; vendor: 60 to 120.")
    kill_wait_s: Seconds = Field(20.0, description="Seconds that Kill Power is given; vendor: 10 to 30.")
    snapshot: bool = Field(False, description="Take a snapshot before the first forceful rung.")
    snapshot_required: bool = Field(False, description="Go no further where the snapshot failed.")
    snapshot_days: Annotated[int, Field(ge=1, le=365)] = Field(
        7, description="Days that the snapshot is kept."
    )
    probe_node: bool = Field(False, description="Also ask the VM's node for its process list (a POST).")
    ping_ip: Annotated[str, AfterValidator(_address)] = Field(
        "", description="Also have the VM's node ping this IP address of the guest (a POST)."
    )

    @model_validator(mode="after")
    def _rungs_fit(self) -> Self:
        if RUNGS.index(self.start_at) > RUNGS.index(self.up_to):
            raise ValueError(f"start_at {self.start_at} lies above up_to {self.up_to}")
        if self.start_at != RUNGS[0] and len(self.attest.split()) < 4:
            raise ValueError(
                f"attest: start_at {self.start_at} leaves rungs out; say in a sentence who tried them, when"
            )
        if self.snapshot_required and not self.snapshot:
            raise ValueError("snapshot_required: no snapshot is asked for; set snapshot to true as well")
        if self.assertion and len(self.assertion.split()) < 4:
            raise ValueError("assertion: say in a sentence who made sure of it, and how")
        return self


class RestoreStatusParameters(ConfirmingParameters):
    """Parameters of ``restore_status``."""

    record: Annotated[OneLine, AfterValidator(_record), Unbound("the plan's record holds its id")] = Field(
        description="The record whose override is undone: its folder's name, or a path to it."
    )


# A reading is half a dozen calls, each of which the record holds.
MOST_READINGS = 5000


class WatchAfterPowerOffParameters(ConfirmingParameters):
    """Parameters of ``watch_after_power_off``."""

    minutes: Annotated[float, Field(ge=0, le=10_080, allow_inf_nan=False)] = Field(
        30.0, description="Minutes that it is watched: 0 to 10080, which is a week."
    )
    every_s: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = Field(
        30.0, description="Seconds between two readings of the watch."
    )
    power_on: bool = Field(False, description="Power it on when it has stayed off; this needs an approval.")
    start_timeout_s: Seconds = Field(
        300.0, description="Seconds within which it must run properly once it was powered on."
    )

    @model_validator(mode="after")
    def _watch_fits(self) -> Self:
        if self.approve and not self.power_on:
            raise ValueError("approve: a watch changes nothing; set power_on to true, or leave approve out")
        readings = self.minutes * 60 / self.every_s
        if readings > MOST_READINGS:
            enough = math.ceil(self.minutes * 60 / MOST_READINGS)
            raise ValueError(
                f"every_s: that makes {readings:.0f} readings, at most {MOST_READINGS} fit into a record; "
                f"set it to {enough} or more"
            )
        return self


RUNBOOKS: Mapping[str, type[RunParameters]] = {
    "find_stuck_vms": FindStuckVmsParameters,
    "force_power_off": ForcePowerOffParameters,
    "incident_report": IncidentReportParameters,
    "restore_status": RestoreStatusParameters,
    "watch_after_power_off": WatchAfterPowerOffParameters,
}


class FleetApplyParameters(SystemParameters):
    """What is recorded of a fleet run, which is no notebook that somebody runs."""

    plan: Annotated[str, AfterValidator(_digest)] = Field(description="Digest of the fleet plan.")
    scheduler: OneLine = Field("", description="The Dask scheduler whose workers did the runs.")


# Whose parameters a journal may hold by value.
RECORDED: Mapping[str, type[RunParameters]] = {**RUNBOOKS, "fleet_apply": FleetApplyParameters}


def schema_of(runbook: str) -> type[RunParameters]:
    """The parameter schema of a runbook.

    Raises:
        UsageError: there is no runbook of this name.
    """
    if runbook not in RUNBOOKS:
        raise UsageError(f"runbook {runbook!r}", "there is no such runbook", _nearest(runbook, RUNBOOKS))
    return RUNBOOKS[runbook]


def read_parameters(runbook: str, given: Mapping[str, Any], *, undecided: bool = False) -> RunParameters:
    """The parameters of a run, from text as the command line gives it or from values of a notebook.

    Text is read by the parameter's type: ``false`` is false, and ``007`` stays text where text is wanted.

    Args:
        undecided: a person runs this and chooses the VM on the way, so its name may be empty.

    Raises:
        UsageError: a parameter is unknown, missing, of another type or out of range. All of them are named.
    """
    schema = schema_of(runbook)
    try:
        if undecided:
            # What is chosen on the way is empty until then.
            given = {name: "" for name, field in schema.model_fields.items() if field.is_required()} | {
                **given
            }
        return schema.model_validate(dict(given), context={UNDECIDED: undecided})
    except ValidationError as error:
        problems, hints = [], []
        for item in error.errors(include_url=False):
            name = ".".join(str(part) for part in item["loc"])
            value = given.get(name)
            if item["type"] == "extra_forbidden":
                problems.append(f"{name} is no parameter of {runbook}")
                hints.append(_nearest(name, schema.model_fields))
            elif item["type"] == "missing":
                problems.append(f"{name} is missing")
                hints.append(f"give it with -p {name}=VALUE")
            elif item["type"] == "string_type" and isinstance(value, int | float):
                problems.append(f"{name} came as the number {value}, and text is wanted")
                hints.append(f"papermill's -p turned it into a number; use -r {name} VALUE (raw)")
            else:
                problems.append(f"{name} {item['msg'].removeprefix('Value error, ')}".lstrip())
        raise UsageError(
            f"parameters of {runbook}", "; ".join(problems), "; ".join(dict.fromkeys(hints))
        ) from None


def _nearest(word: str, words: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, words, n=1)
    listed = ", ".join(words)
    return f"did you mean {near[0]}? There are: {listed}" if near else f"there are: {listed}"
