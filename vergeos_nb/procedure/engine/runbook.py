"""The declaration of a runbook. Cards, previews, latches, counts and headlines derive from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vergeos_nb.bound import unbound
from vergeos_nb.parameters import RunParameters
from vergeos_nb.procedure.engine.case import RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import RunOutcome
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos.exchange import api_path

# Tables in which a change does not act on the VM: it starts or ends no process.
BESIDE_THE_VM = frozenset({"node_queries", "vnet_queries", "machine_snapshots"})


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended.

    Attributes:
        exit_code: the exit code of the command line.
        acts: the sent changes that act on the VM, in order, in the words of `Runbook.act_of`.
    """

    outcome: RunOutcome
    verdict: VerdictValue
    exit_code: int
    acts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, for records, fleets' journals and the command line."""
        return {
            "outcome": self.outcome.value,
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
        }


def no_headline(end: RunEnd) -> str:
    """The default: no headline of its own. The step that decided the run has one."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One runbook.

    Attributes:
        name: its name on the command line. Its notebook has the same name.
        parameters: the schema of its parameters.
        case: the class of the case that its steps take. `session.cases` fills it.
        headline: the first sentence of a run that is done or had nothing to do; "" uses the sentence of the
            step that decided.
        beside_the_vm: tables in which a change starts and ends no process. Every other change acts on the VM.
        acts: this runbook's own words for acts, by the word of `act_of`. Without one, a written status row is
            an ``override``.
        over_vm: whether a run with a VM has a verdict on it.
    """

    name: str
    parameters: type[RunParameters]
    case: type[RunCase]
    steps: Sequence[Step[Any]]
    headline: Callable[[RunEnd], str] = no_headline
    beside_the_vm: frozenset[str] = BESIDE_THE_VM
    acts: Mapping[str, str] = field(default_factory=dict)
    over_vm: bool = True

    def __post_init__(self) -> None:
        lacks = [*_steps_lack(self.steps), *_parameters_lack(self.parameters)]
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            lacks.append("its name is not made of small letters, digits and underscores")
        if lacks:
            raise ValueError(f"runbook {self.name}: {'; '.join(lacks)}")

    def latches_of(self, step_id: str) -> tuple[str, ...]:
        """The changes that this step sends at most once in a run."""
        return next((step.latches for step in self.steps if step.id == step_id), ())

    def act_of(self, path: str, body: Mapping[str, Any] | None) -> str:
        """What a changing call does to the VM, in a word; "" if it does not act on the VM."""
        act = act_of(path, body, self.beside_the_vm)
        return self.acts.get(act, act)


def _steps_lack(steps: Sequence[Step[Any]]) -> Iterator[str]:
    """The faults of a runbook's steps, in words."""
    ids = [step.id for step in steps]
    if not ids or len(set(ids)) < len(ids):
        yield f"it has no step, or two steps of one id: {', '.join(ids)}"
    planned = False
    for step in steps:
        planned = planned or step.role == "plan"
        if step.changing and not planned:
            yield f"step {step.id} can change something before a plan is made"
        if step.changing and not step.latches:
            yield f"step {step.id} does not say what it sends at most once"


def _parameters_lack(schema: type[RunParameters]) -> Iterator[str]:
    """The faults of a runbook's parameters, in words. Every plan binds a parameter without `Unbound`."""
    for name, declared in schema.model_fields.items():
        if not declared.title:
            yield f"parameter {name} has no title, which is its label"
        if not declared.description:
            yield f"parameter {name} has no description"
    for name, because in unbound(schema).items():
        if not because:
            yield f"parameter {name} is bound by no plan, and does not say why"


def act_of(path: str, body: Mapping[str, Any] | None, beside_the_vm: frozenset[str] = BESIDE_THE_VM) -> str:
    """What a changing call does to the VM, by path and body alone, for a runbook that is not installed."""
    if path in {api_path(table) for table in beside_the_vm}:
        return ""
    if path == api_path("vm_actions") and body and body.get("action"):
        return str(body["action"])
    table = path.removeprefix(api_path("")).partition("/")[0]
    return "override" if table == "machine_status" else table
