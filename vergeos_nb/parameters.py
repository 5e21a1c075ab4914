"""What the parameters of all runbooks share: base classes, types, and reading the values.

The parameters of a runbook are in its file, ``procedure/runbooks/<name>.py``. The command line, the
notebook's ``parameters`` cell and papermill all use that schema. A field says all about its parameter:

- its default, its type and its limits;
- ``title``: its label on a card;
- ``description``: what it is for, as in the notebook and in ``docs/parameters.md``;
- `AskedOn`: the card that asks for it, if one does;
- `Unbound`, with the reason, if plans do not bind it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from vergeos_nb.words import did_you_mean

LARGEST = 2**31 - 1  # The largest key, and the largest number in a card's field.
NAME_MAX = 128  # Characters. ``vms.name`` holds 1 to 128 of them (tsvergeos types).


# Validation context of a run in which a person chooses the VM.
UNDECIDED = "undecided"
# The card of a runbook's first step, whatever its id is.
FIRST = ""


@dataclass(frozen=True, slots=True)
class AskedOn:
    """Marks a field that a card asks for.

    Attributes:
        step: the step of that card. If the runbook has no such step, its first card asks.
        words: whether a sentence is expected, not a name or number.
        if_needed: whether the card asks only if the step's fact ``needs`` names the parameter.
    """

    step: str
    words: bool = False
    if_needed: bool = False


def check_vm_name(name: str, info: ValidationInfo) -> str:
    """A VM's name, for `AfterValidator`.

    Raises:
        ValueError: no VM can have this name.
    """
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
            iso(from_iso(text))  # A time that cannot be written cannot be shown either.
        except ValueError:
            raise ValueError("is no ISO 8601 time such as 2026-10-01T12:00:00Z") from None
    return text


def _one_line(text: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise ValueError("holds control characters; write one plain line")
    return text.strip()


OneLine = Annotated[str, Field(max_length=500), AfterValidator(_one_line)]
OfTheRun = Annotated[OneLine, Unbound("says who runs it and why; every run writes down its own")]
OfTheApproval = Unbound("belongs to the approval, which names the plan by its digest")
Rung = Literal["poweroff", "kill", "override"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class RunParameters(BaseModel):
    """The parameters of every runbook: who runs it, and why."""

    # Build validators lazily: only one runbook runs per process.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    operator: Annotated[OfTheRun, AskedOn(FIRST)] = Field(
        "", title="Your name", description="Who runs this; empty means the user of this machine."
    )
    reason: Annotated[OfTheRun, AskedOn("plan", words=True)] = Field(
        "", title="Reason", description="Why this is done."
    )
    ticket: Annotated[OfTheRun, AskedOn("plan")] = Field(
        "", title="Ticket", description="The incident or change that this belongs to."
    )

    @classmethod
    def subject_of(cls, given: Mapping[str, Any]) -> str:
        """What a run is about, for the name of its folder. Works with values that are not checked yet."""
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
        "simulator",
        title="System (profile)",
        description="The system: simulator, env or a profile of the vrg CLI.",
    )


class _OverVm(BaseModel):
    vm_name: Annotated[
        str, AfterValidator(check_vm_name), Unbound("the plan's vm holds name and keys"), AskedOn("locate")
    ] = Field(title="VM name", description="The VM's exact name.")
    vm_key: Annotated[
        int, Field(ge=0, le=LARGEST), Unbound("the plan's vm holds name and keys"), AskedOn("locate")
    ] = Field(
        0,
        title="VM key, if several VMs have this name (0: not given)",
        description="The VM's key, where several VMs have the name; must be that VM's. 0: not given.",
    )


# Fields are in the order of the bases from right to left, so the subject of the run comes first.
class SystemParameters(RunParameters, _OnSystem):
    """The parameters of every runbook that reads a system: which system, who runs it, and why."""


class VmParameters(SystemParameters, _OverVm):
    """The parameters of every runbook for one VM: which VM, which system, who, why, and how long to wait."""

    approve: Annotated[str, AfterValidator(_digest), OfTheApproval] = Field(
        "",
        title="Digest of the approved plan",
        description="Digest of the plan to apply; empty plans only and changes nothing.",
    )
    approver: Annotated[OneLine, OfTheApproval, AskedOn("plan")] = Field(
        "", title="Approver", description="Who approves; empty means the operator."
    )
    approve_until: Annotated[str, AfterValidator(_moment), OfTheApproval] = Field(
        "",
        title="End of the approval",
        description="The approval ends at this ISO 8601 time; empty means 15 minutes after the start.",
    )
    # Not ``int | None``, because papermill does not understand that annotation in the parameters cell.
    expect_cores: Annotated[int, Field(ge=0, le=1024), AskedOn("verify")] = Field(
        0,
        title="Cores, as you know them (0: not known)",
        description="The VM's number of cores as you know it; another refuses. 0: not known.",
    )
    expect_ram_mb: Annotated[int, Field(ge=0), AskedOn("verify")] = Field(
        0,
        title="RAM in MB, as you know it (0: not known)",
        description="The VM's RAM in MB as you know it; another refuses. 0: not known.",
    )
    sample_gap_s: Seconds = Field(
        5.0,
        title="Seconds between the two readings",
        description="Seconds between the two readings that judge whether it lives.",
    )
    poll_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = Field(
        2.0,
        title="Seconds between two looks while waiting",
        description="Seconds between two readings while waiting, at most.",
    )

    @classmethod
    def subject_of(cls, given: Mapping[str, Any]) -> str:
        """The VM's name."""
        return str(given.get("vm_name", ""))


class ConfirmingParameters(VmParameters):
    """The parameters of runbooks that change something and confirm it by evidence."""

    settle_s: Seconds = Field(
        30.0,
        title="Seconds that the row must stay",
        description="Seconds that the row must stay as wanted to be believed.",
    )
    confirm_timeout_s: Seconds = Field(
        180.0,
        title="Seconds for confirming at most",
        description="Seconds after which confirming gives up.",
    )

    @model_validator(mode="after")
    def _waits_fit(self) -> Self:
        if self.confirm_timeout_s < self.settle_s:
            raise ValueError("confirm_timeout_s is shorter than settle_s, so nothing could ever be confirmed")
        return self


class FleetApplyParameters(SystemParameters):
    """The parameters in the record of a fleet run, which is not a notebook that somebody runs."""

    plan: Annotated[str, AfterValidator(_digest)] = Field(
        title="Fleet plan", description="Digest of the fleet plan."
    )
    scheduler: OneLine = Field(
        "", title="Dask scheduler", description="The Dask scheduler whose workers did the runs."
    )


def asked_on(schema: type[RunParameters], steps: Sequence[str]) -> dict[str, list[str]]:
    """The parameters that each step's card asks for, in the order of the schema.

    Args:
        steps: ids of the runbook's steps, in order.
    """
    asked: dict[str, list[str]] = {step: [] for step in steps}
    for name, field in schema.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, AskedOn):
                asked[mark.step if mark.step in asked else steps[0]].append(name)
    return asked


def asked_if_needed(schema: type[RunParameters]) -> frozenset[str]:
    """The parameters that a card asks for only if they are needed."""
    return frozenset(
        name
        for name, field in schema.model_fields.items()
        if any(isinstance(mark, AskedOn) and mark.if_needed for mark in field.metadata)
    )


def cell_lines(schema: type[RunParameters]) -> list[str]:
    """The lines of a notebook's ``parameters`` cell."""
    lines = []
    for name, default, description in _told(schema):
        shown = json.dumps(default) if isinstance(default, str) else repr(default)
        lines.append(f"{name}: {type(default).__name__} = {shown}  # {description}")
    return lines


def table_lines(schema: type[RunParameters]) -> list[str]:
    """The rows of a Markdown table: parameter, default, what for."""
    return [
        f"| `{name}` | {'' if default == '' else f'`{json.dumps(default)}`'} | {description} |"
        for name, default, description in _told(schema)
    ]


def _told(schema: type[RunParameters]) -> list[tuple[str, Any, str]]:
    return [
        (name, "" if field.is_required() else field.default, field.description or "")
        for name, field in schema.model_fields.items()
    ]


def read_as(
    schema: type[RunParameters], runbook: str, given: Mapping[str, Any], *, undecided: bool = False
) -> RunParameters:
    """Read the parameters of a run by the runbook's schema. See ``read_parameters`` in the catalog.

    Raises:
        UsageError: parameters are unknown, missing, of another type or out of range. All are named.
    """
    try:
        if undecided:
            # A parameter that a person chooses during the run is empty until then.
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
                hints.append(did_you_mean(name, schema.model_fields))
            elif item["type"] == "missing":
                problems.append(f"{name} is missing")
                hints.append(f"give it with -p {name}=VALUE")
            elif item["type"] == "string_type" and isinstance(value, int | float):
                problems.append(f"{name} came as the number {value}, and text is wanted")
                hints.append(f"papermill's -p turned it into a number; use -r {name} VALUE (raw)")
            else:
                problems.append(f"{name} {item['msg'].removeprefix('Value error, ')}".lstrip())
        raise UsageError(
            f"reading the parameters of {runbook}", "; ".join(problems), "; ".join(dict.fromkeys(hints))
        ) from None
