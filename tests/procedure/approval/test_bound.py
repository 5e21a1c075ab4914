"""An approval binds every parameter that decides what is sent, and when."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import LADDER, SENTENCE, Rehearsal, ending
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.bound import bound_values, unbound
from vergeos_nb.clock import iso
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.parameters import FleetApplyParameters, VmParameters
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS, read_parameters, schema_of
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.table import Table

Make = Callable[..., Rehearsal]

# Whoever adds a parameter decides here whether an approval may leave it open. Everything else is bound.
UNBOUND = {
    "vm_name", "vm_key", "profile", "operator", "reason", "ticket", "approve", "approver", "approve_until",
    "record",
}  # fmt: skip

# These say which VM, system, record and plan are meant: another one leads to another plan, or to none.
NAMES_IT = {"vm_name", "profile", "record", "approve"}
# Another value for each of the others. What is sent must not depend on it.
LEFT_OPEN: Mapping[str, Callable[[Rehearsal], Any]] = {
    "vm_key": lambda run: run.sim.world.vm(run.vm_name).key,
    "operator": lambda run: "ada",
    "reason": lambda run: "it hangs",
    "ticket": lambda run: "INC-9",
    "approver": lambda run: "Jo",
    "approve_until": lambda run: iso(run.clock.now() + 7200),
}

# A plan with these, and then one of the others under the same digest.
FORCE: Mapping[str, Any] = {
    **LADDER, "attest": SENTENCE, "assertion": SENTENCE, "snapshot": True, "snapshot_required": True,
    "poll_s": 2.0,
}  # fmt: skip
FORCE_OTHERS: Mapping[str, Any] = {
    "expect_cores": 4, "expect_ram_mb": 8192, "sample_gap_s": 6, "poll_s": 1, "settle_s": 0,
    "confirm_timeout_s": 170, "start_at": "kill", "up_to": "kill", "attest": f"{SENTENCE} Twice.",
    "assertion": f"{SENTENCE} Twice.", "poweroff_wait_s": 0, "kill_wait_s": 0, "snapshot": False,
    "snapshot_required": False, "snapshot_days": 8, "probe_node": True, "ping_ip": "10.0.0.5",
}  # fmt: skip
RESTORE_OTHERS: Mapping[str, Any] = {
    "expect_cores": 4, "expect_ram_mb": 8192, "sample_gap_s": 6, "poll_s": 1, "settle_s": 0,
    "confirm_timeout_s": 170,
}  # fmt: skip
WATCH: Mapping[str, Any] = {"power_on": True, "minutes": 1, "every_s": 10}
LEARN_OTHERS: Mapping[str, Any] = {
    **RESTORE_OTHERS, "watch_s": 13, "look_s": 3, "stop_wait_s": 13,
}  # fmt: skip
WATCH_OTHERS: Mapping[str, Any] = {
    **RESTORE_OTHERS, "minutes": 0, "every_s": 20, "start_timeout_s": 30, "power_on": False,
}  # fmt: skip


def difference(account: RunState) -> dict[str, tuple[Any, Any]]:
    """What the plan's step says differs, by name."""
    (result,) = [one for one in account.results if one.step == "plan"]
    tables: list[Table] = [table for table in result.tables if table.schema.name == "difference"]
    return {str(row[0]): (row[1], row[2]) for table in tables for row in table.rows}


def test_every_parameter_is_bound_or_says_why_not() -> None:
    # Holds off: a new parameter that an approval leaves open because nobody thought of it.
    schemas = [*(runbook.parameters for runbook in RUNBOOKS.values()), FleetApplyParameters]
    assert {name for schema in schemas for name in unbound(schema)} == UNBOUND
    assert all(reason for schema in schemas for reason in unbound(schema).values())


def test_the_tries_below_name_every_parameter_that_is_left_open() -> None:
    assert set(LEFT_OPEN) | NAMES_IT == UNBOUND


@pytest.mark.parametrize("name", LEFT_OPEN)
def test_what_is_sent_does_not_depend_on_a_parameter_that_an_approval_leaves_open(
    rehearse: Make, name: str
) -> None:
    # Holds off: a parameter that decides what is sent, marked `Unbound` with a good reason.
    given = {**FORCE, "snapshot_required": False}
    as_planned, other = rehearse("stuck"), rehearse("stuck")
    digest = as_planned.run(**given).fact("plan_digest")
    as_planned.run(**given, approve=digest)
    assert other.run(**given).fact("plan_digest") == digest
    other.run(**{**given, name: LEFT_OPEN[name](other), "approve": digest})
    assert [path for _, path, _ in other.changes()] == [
        "vm_actions", "machine_snapshots", "vm_actions", "machine_status/46",
    ]  # fmt: skip
    assert other.changes() == as_planned.changes()


@pytest.mark.parametrize(
    ("runbook", "others"),
    [
        ("force_power_off", FORCE_OTHERS),
        ("restore_status", RESTORE_OTHERS),
        ("watch_after_power_off", WATCH_OTHERS),
        ("learn_platform", LEARN_OTHERS),
    ],
)
def test_the_tries_below_name_every_bound_parameter(runbook: str, others: Mapping[str, Any]) -> None:
    schema = schema_of(runbook)
    assert issubclass(schema, VmParameters)
    assert set(others) == set(schema.model_fields) - UNBOUND


def test_a_plan_holds_every_parameter_that_is_not_unbound(rehearse: Make, tmp_path: Path) -> None:
    # Holds off: a parameter that a plan forgets, although nothing says that it may.
    later = FollowUp("stuck", tmp_path / "outputs")
    record = later.force()
    plans = {
        "force_power_off": rehearse("stuck").run().fact("plan"),
        "restore_status": later.follow("restore_status", record=record).fact("plan"),
        "watch_after_power_off": later.watch(**WATCH).fact("plan"),
        "learn_platform": later.follow("learn_platform").fact("plan"),
    }
    assert set(plans) == {name for name in RUNBOOKS if any(s.role == "plan" for s in RUNBOOKS[name].steps)}
    for name, plan in plans.items():
        schema = schema_of(name)
        assert set(plan["parameters"]) == set(schema.model_fields) - set(unbound(schema))


@pytest.mark.parametrize("name", FORCE_OTHERS)
def test_a_plan_applied_with_another_parameter_sends_nothing_and_names_it(rehearse: Make, name: str) -> None:
    # Holds off: approved with a snapshot that is required, and applied without.
    run = rehearse("stuck")
    planned = run.run(**FORCE)
    also = {"snapshot_required": False} if name == "snapshot" else {}
    account = run.run(**{**FORCE, name: FORCE_OTHERS[name], **also, "approve": planned.fact("plan_digest")})
    # A query to a node or a network is evidence, which planning takes, too.
    acts = [request for request in run.changes() if request[1] not in ("node_queries", "vnet_queries")]
    assert (ending(account), acts) == (("refused", "off", 5), [])
    assert f"parameters.{name}" in difference(account)
    approved = bound_values(read_parameters("force_power_off", {"vm_name": "web-01", **FORCE}))[name]
    assert account.decisive is not None
    said = approved if isinstance(approved, str) else json.dumps(approved)
    assert f"{name}={said}" in account.decisive.next_step
    assert account.fact("plan_digest") in account.decisive.next_step


def test_a_plan_applied_with_the_same_parameters_in_another_spelling_is_that_plan(rehearse: Make) -> None:
    run = rehearse("stuck")
    digest = run.run(**LADDER, kill_wait_s=20).fact("plan_digest")
    account = run.run(
        **LADDER,
        kill_wait_s="2e1",
        approve=digest,
        operator="ada",
        reason="hangs",
        ticket="INC-1",
        approver="Jo",
    )
    assert ending(account) == ("done", "off", 0)


@pytest.mark.parametrize("name", RESTORE_OTHERS)
def test_a_restore_applied_with_another_parameter_sends_nothing(tmp_path: Path, name: str) -> None:
    run = FollowUp("stuck", tmp_path / "outputs")
    record = run.force()
    digest = run.follow("restore_status", record=record).fact("plan_digest")
    account = run.follow("restore_status", record=record, approve=digest, **{name: RESTORE_OTHERS[name]})
    assert (account.exit_code, run.sent_since()) == (5, [])
    assert f"parameters.{name}" in difference(account)


@pytest.mark.parametrize("name", [name for name in WATCH_OTHERS if name != "power_on"])
def test_a_start_applied_with_another_parameter_sends_nothing(tmp_path: Path, name: str) -> None:
    run = FollowUp("stuck", tmp_path / "outputs")
    run.force()
    digest = run.watch(**WATCH).fact("plan_digest")
    account = run.watch(**{**WATCH, name: WATCH_OTHERS[name], "approve": digest})
    assert (account.exit_code, run.sent_since()) == (5, [])
    assert f"parameters.{name}" in difference(account)


def test_a_parameter_changed_after_the_approval_closes_the_next_step_until_it_is_set_back(
    rehearse: Make,
) -> None:
    # Holds off: a card's field, changed after the plan was approved, and the run went on with it.
    run = rehearse("stuck")
    digest = run.run(**LADDER).fact("plan_digest")
    book = run.open(**LADDER, approve=digest)
    for step in book.engine.steps[:6]:
        book.step(step.id)
    book.change({"poweroff_wait_s": 0, "kill_wait_s": 0})
    refused = book.step("poweroff").result
    assert (refused.error["type"], run.changes()) == ("Drift", [])
    assert "poweroff_wait_s=60.0" in refused.next_step
    assert "kill_wait_s=20.0" in refused.next_step
    book.change({"poweroff_wait_s": 60, "kill_wait_s": 20, "reason": "it hangs"})
    for step in book.engine.steps[6:]:
        book.step(step.id)
    assert ending(run.end(book)) == ("done", "off", 0)


def test_a_plan_of_format_2_is_still_read_and_asks_for_a_new_approval(rehearse: Make) -> None:
    run = rehearse("stuck")
    content = dict(run.run().fact("plan"))
    bound = content.pop("parameters")
    earlier = Plan(
        {**content, "format": "vergeos-nb/plan/2", "assertion": bound["assertion"], "attest": bound["attest"]}
    )
    shelf = PlanShelf(run.outputs)
    shelf.keep(earlier)
    assert shelf.find(earlier.digest) == earlier
    account = run.run(approve=earlier.digest)
    assert (ending(account), run.changes()) == (("refused", "off", 5), [])
    assert account.decisive is not None
    assert "an older version made it" in account.decisive.summary
    assert account.fact("plan_digest") in account.decisive.next_step
    assert difference(account)["format"] == ('"vergeos-nb/plan/2"', '"vergeos-nb/plan/3"')
