"""What a runbook is: one declaration, from which cards, previews, latches, counts and headlines derive."""

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

# Tables in which a change lies beside the VM: no process is started or ended by it.
BESIDE_THE_VM = frozenset({"node_queries", "vnet_queries", "machine_snapshots"})


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended.

    Attributes:
        exit_code: the command line's.
        acts: what was sent that acts on the VM, in order, in the words of `Runbook.act_of`.
    """

    outcome: RunOutcome
    verdict: VerdictValue
    exit_code: int
    acts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As records, journals of fleets and programs have it."""
        return {
            "outcome": self.outcome.value,
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
        }


def no_headline(end: RunEnd) -> str:
    """No words of its own: the step that decided says it."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """One runbook.

    Attributes:
        name: as on the command line; its notebook has the same name.
        parameters: their schema.
        case: the kind of case that its steps take. Who opens the run fills it in.
        headline: the first sentence of a run that is done or had nothing to do; "" leaves it to the step that
            decided.
        beside_the_vm: tables in which a change starts and ends no process. Every other change acts on the VM.
        acts: this runbook's own words for its acts, by the word of `act_of`: a written status row is an
            ``override``, unless the runbook says that it is something else.
        over_vm: whether the verdict on its VM is what a run finds, if it takes one.
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
        """What this step sends at most once in a run."""
        return next((step.latches for step in self.steps if step.id == step_id), ())

    def act_of(self, path: str, body: Mapping[str, Any] | None) -> str:
        """What a changing call does to the VM, in a word, or "" if its table lies beside the VM."""
        act = act_of(path, body, self.beside_the_vm)
        return self.acts.get(act, act)


def _steps_lack(steps: Sequence[Step[Any]]) -> Iterator[str]:
    """What keeps these steps from being a procedure, in words."""
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
    """What a parameter does not say, in words. One without `Unbound` is bound by every plan."""
    for name, declared in schema.model_fields.items():
        if not declared.title:
            yield f"parameter {name} has no title, which is its label"
        if not declared.description:
            yield f"parameter {name} has no description"
    for name, because in unbound(schema).items():
        if not because:
            yield f"parameter {name} is bound by no plan, and does not say why"


def act_of(path: str, body: Mapping[str, Any] | None, beside_the_vm: frozenset[str] = BESIDE_THE_VM) -> str:
    """The same for a runbook that is not known any more, by the path and body alone."""
    if path in {api_path(table) for table in beside_the_vm}:
        return ""
    if path == api_path("vm_actions") and body and body.get("action"):
        return str(body["action"])
    table = path.removeprefix(api_path("")).partition("/")[0]
    return "override" if table == "machine_status" else table
