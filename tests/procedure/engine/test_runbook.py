"""A runbook is one declaration: what it leaves out is refused when it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import Field

from vergeos_nb.bound import Unbound
from vergeos_nb.parameters import FIRST, AskedOn, RunParameters, SystemParameters, VmParameters, asked_on
from vergeos_nb.procedure.engine.case import Case, ForceOptions, RunCase
from vergeos_nb.procedure.engine.engine import Draft, Step
from vergeos_nb.procedure.engine.runbook import Runbook, act_of
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS, schema_of
from vergeos_nb.procedure.steps.power_on import StartOptions
from vergeos_nb.procedure.values.outcomes import StepOutcome


def look(case: Any) -> Draft:
    return Draft(StepOutcome.PASSED, "looked")


LOOK: Step[Any] = Step("look", "Look", "", "To see.", look, role="judge")
PLAN: Step[Any] = replace(LOOK, id="plan", role="plan")
SEND: Step[Any] = replace(LOOK, id="send", role="act", changing=True, latches=("send",))


class Whole(RunParameters):
    count: Annotated[int, AskedOn("look")] = Field(1, title="How many", description="How many are looked at.")


class WithoutLabel(RunParameters):
    count: int = Field(1, description="How many are looked at.")


class WithoutDescription(RunParameters):
    count: int = Field(1, title="How many")


class UnboundWithoutReason(RunParameters):
    count: Annotated[int, Unbound("")] = Field(1, title="How many", description="How many are looked at.")


def declare(*steps: Step[Any], parameters: type[RunParameters] = Whole) -> Runbook:
    return Runbook(name="looking", parameters=parameters, case=RunCase, steps=steps)


@pytest.mark.parametrize(
    ("parameters", "lacks"),
    [
        (WithoutLabel, "parameter count has no title, which is its label"),
        (WithoutDescription, "parameter count has no description"),
        (UnboundWithoutReason, "parameter count is bound by no plan, and does not say why"),
    ],
)
def test_a_parameter_without_label_description_or_reason_is_refused(
    parameters: type[RunParameters], lacks: str
) -> None:
    with pytest.raises(ValueError, match=f"runbook looking: {lacks}$"):
        declare(LOOK, parameters=parameters)


def test_a_name_that_could_leave_its_folder_is_refused() -> None:
    with pytest.raises(ValueError, match="its name is not made of small letters, digits and underscores"):
        replace(declare(LOOK), name="../looking")


@pytest.mark.parametrize(
    ("steps", "lacks"),
    [
        ((), "it has no step"),
        ((LOOK, LOOK), "two steps of one id: look, look"),
        ((LOOK, SEND, PLAN), "step send can change something before a plan is made"),
        ((PLAN, replace(SEND, latches=())), "step send does not say what it sends at most once"),
    ],
)
def test_steps_that_are_no_safe_procedure_are_refused(steps: tuple[Step[Any], ...], lacks: str) -> None:
    with pytest.raises(ValueError, match=lacks):
        declare(*steps)


def test_a_runbook_says_what_a_step_sends_at_most_once() -> None:
    runbook = declare(PLAN, SEND)
    assert [runbook.latches_of(step) for step in ("plan", "send", "a step of an older version")] == [
        (), ("send",), (),
    ]  # fmt: skip


def test_every_latch_of_a_runbook_belongs_to_one_step() -> None:
    for runbook in RUNBOOKS.values():
        latches = [latch for step in runbook.steps for latch in step.latches]
        assert len(latches) == len(set(latches))


def test_a_card_asks_for_the_parameters_that_name_its_step_and_the_first_for_those_of_no_step() -> None:
    assert asked_on(Whole, ["open", "look"]) == {"open": ["operator", "reason", "ticket"], "look": ["count"]}
    assert asked_on(schema_of("watch_after_power_off"), ["connect", "locate", "verify", "watch", "plan"]) == {
        "connect": ["operator"],
        "locate": ["vm_name", "vm_key"],
        "verify": ["expect_cores", "expect_ram_mb"],
        "watch": ["minutes", "every_s"],
        "plan": ["reason", "ticket", "approver", "power_on"],
    }


def test_every_card_that_asks_for_a_parameter_is_one_of_the_runbook() -> None:
    # A shared parameter may be asked for by the first card, where the runbook has not the step that it names.
    shared = {*VmParameters.model_fields, *SystemParameters.model_fields}
    for runbook in RUNBOOKS.values():
        ids = {step.id for step in runbook.steps} | {FIRST}
        for name, field in runbook.parameters.model_fields.items():
            named = {mark.step for mark in field.metadata if isinstance(mark, AskedOn)}
            assert name in shared or named <= ids, (runbook.name, name)


@pytest.mark.parametrize(
    ("method_path", "body", "act"),
    [
        ("vm_actions", {"vm": 41, "action": "kill"}, "kill"),
        ("vm_actions", None, "vm_actions"),
        ("machine_status/46", {"status": "stopped"}, "override"),
        ("machine_snapshots", {"machine": 42}, ""),
        ("node_queries", {"query": "top"}, ""),
        ("vm_nics/3", {"enabled": False}, "vm_nics"),
    ],
)
def test_a_change_acts_on_the_vm_unless_it_is_known_to_lie_beside_it(
    method_path: str, body: dict[str, Any] | None, act: str
) -> None:
    assert act_of(f"/api/v4/{method_path}", body) == act


def test_a_runbook_can_say_which_of_its_tables_lie_beside_the_vm() -> None:
    runbook = replace(declare(LOOK), beside_the_vm=frozenset({"alarms"}))
    assert [runbook.act_of(f"/api/v4/{table}", None) for table in ("alarms", "node_queries")] == [
        "", "node_queries",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "runbook"), [(ForceOptions, "force_power_off"), (StartOptions, "watch_after_power_off")]
)
def test_what_shared_steps_read_is_what_the_runbook_declares(options: type, runbook: str) -> None:
    fields = schema_of(runbook).model_fields
    assert issubclass(RUNBOOKS[runbook].case, Case)
    assert [name for name in options.__annotations__ if name not in fields] == []
