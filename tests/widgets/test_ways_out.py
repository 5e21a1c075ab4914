"""A way that is closed: no red button, every way out in one row, and the one that leads on is lit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

from tests.widgets.sitting import Sitting, text

Sit = Callable[..., Sitting]


def ways(at: Sitting, step: str) -> dict[str, str]:
    """The buttons of a card that are shown and can be pressed, with their looks."""
    card = at.live.step(step)
    shown = {
        button.description: button.look
        for button in (card.go, card.ways.replan, card.ways.anew)
        if not button.disabled and button.layout.display != "none"
    }
    return {**shown, **({"Close": ""} if card.ways.leave.layout.display != "none" else {})}


def test_a_right_that_was_missing_lights_try_again_and_nothing_is_red(sit: Sit) -> None:
    at = sit("reader")
    at.run_all()
    at.until("poweroff")
    assert ways(at, "poweroff") == {
        "Try again": "strong",
        "Change the plan": "plain",
        "Read everything anew": "plain",
        "Close": "",
    }
    at.run.sim.set_role("admin")
    at.click("poweroff")
    assert at.live.step("poweroff").result.outcome == "failed"  # type: ignore[union-attr]
    assert at.opened() == ["snapshot"]


@pytest.mark.parametrize(("scenario", "lit"), [("zombie", "Try again"), ("node_dead", "Change the plan")])
def test_an_override_that_the_evidence_closes_lights_what_can_open_it_and_names_the_node(
    sit: Sit, scenario: str, lit: str
) -> None:
    at = sit(scenario)
    at.run_all()
    at.until("force")
    plain = dict.fromkeys(("Try again", "Change the plan", "Read everything anew"), "plain")
    assert ways(at, "force") == {**plain, lit: "strong", "Close": ""}
    assert "Where: the process of web-01 is that of machine 44, on node node1 (key 1)" in at.shown("force")


def test_a_step_that_is_ready_can_be_sent_or_its_plan_changed_and_is_no_closed_way(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.until("plan")
    assert ways(at, "poweroff") == {"Send Power Off to web-01": "danger", "Change the plan": "plain"}


def test_a_vm_that_has_changed_before_something_was_sent_lights_read_everything_anew(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.until("plan")
    at.run.sim.world.set_status_of("web-01", state="error")
    at.click("poweroff")
    assert ways(at, "poweroff")["Read everything anew"] == "strong"


def test_everything_is_read_anew_also_after_something_was_sent_for_the_steps_that_follow(sit: Sit) -> None:
    at = sit("zombie")
    at.run_all()
    at.until("force")
    before, sent = len(at.run.requests), len(at.run.changes())
    card: Any = at.live.step("force")
    card.ways.anew.click()
    assert card.job.join(60)
    assert len(at.run.changes()) == sent
    # Each reading is one call for the rows behind the VM.
    assert sum("machine[" in unquote(request.query) for request in at.run.requests[before:]) == 2
    assert at.opened() == ["plan"]
    at.run.sim.world.truth("web-01").stop(at.run.clock.now())
    at.run.clock.sleep(120)
    at.click("plan")
    at.approve()
    at.click("force")
    assert at.opened() == ["confirm"]


def test_a_method_without_effect_on_a_stuck_vm_is_amber_and_names_the_next(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.until("poweroff")
    line = at.live.step("poweroff").fold.get_state()["value"].partition("</summary>")[0]
    assert text(line).endswith("No effect. Next: Kill Power. △ no effect")
    assert "background:#ffb300" in line


def test_a_refused_name_offers_its_vms_by_key_and_finds_the_one_that_is_picked(sit: Sit) -> None:
    at = sit("twins")
    at.run_all()
    at.click("connect")
    card: Any = at.live.step("locate")
    assert card.twins.layout.display == "none"
    at.click("locate")
    assert (
        card.twins.layout.display,
        [label.split(" · ")[0] for label, _ in card.twins.options],
    ) == ("", ["VM key 41", "VM key 61"])
    assert "on node1" in card.twins.options[0][0]
    card.twins.value = 41
    assert (card.go.description, card.go.look) == ("Find the VM with key 41", "strong")
    at.click("locate")
    assert at.opened() == ["status_key"]
    assert card.twins.layout.display == "none"


def test_a_vm_that_looks_healthy_is_said_to_in_amber_before_anything_is_planned(sit: Sit) -> None:
    at = sit("healthy")
    at.run_all()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    assert "Its row says running and online" in at.shown("verify")
    assert "vnb-caution" in at.live.step("verify").head.value
    at.tick()
    at.click("alive")
    assert "△ It looks healthy: is it the VM you mean?" in at.shown("alive")
    card: Any = at.live.step("plan")
    assert text(card.healthy.value).startswith("△ This VM looks healthy: its row says running and online")
    assert "vnb-caution" in card.healthy.value
    assert card.result is None


def test_a_stuck_vm_is_not_called_healthy(sit: Sit) -> None:
    at = sit("stuck")
    at.run_all()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    card: Any = at.live.step("plan")
    assert ("vnb-caution" in at.live.step("verify").head.value, card.healthy.value) == (False, "")


@pytest.mark.parametrize("scenario", ["stuck", "zombie", "reader", "node_dead", "twins", "healthy"])
def test_no_card_of_a_live_run_tells_the_headless_way(sit: Sit, scenario: str) -> None:
    at = sit(scenario)
    at.run_all()
    said = []
    for step in at.live.steps:
        said.append(at.shown(step.id))
        card: Any = at.live.step(step.id)
        if card.go.disabled:
            continue
        at.click(step.id)
        if step.id == "verify":
            at.tick()
        if step.id == "plan" and card.asks():
            said += [at.shown("plan"), text(card.closed.value)]
            at.approve()
        said.append(at.shown(step.id))
    told = " ".join(said)
    assert len(told) > 1000
    for words in ("approve=", "papermill", "run again with", "vergeos-nb run", " -p ", "Headless"):
        assert words not in told, words


def test_another_vm_is_chosen_after_the_warning_and_nothing_of_the_first_one_stays(sit: Sit) -> None:
    at = sit("healthy")
    at.run_all()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    card: Any = at.live.step("locate")
    before = len(at.run.requests)
    card.other.click()
    assert (at.opened(), at.enabled(), card.go.description) == (["locate"], ["locate"], "Find the VM")
    card.keep.click()
    assert (at.opened(), len(at.run.requests)) == (["plan"], before)
    card.other.click()
    card.form.fields["vm_name"].value = "web-02"
    at.click("locate")
    assert (at.opened(), at.live.result("alive")) == (["status_key"], None)
    assert at.live.case.vm.name == "web-02"  # type: ignore[union-attr]


def test_no_other_vm_is_chosen_once_something_was_sent(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.until("poweroff")
    card: Any = at.live.step("locate")
    assert card.other.layout.display == "none"
    card.other.click()
    assert "this run has sent something" in text(card.message.value)
    assert at.opened() == ["snapshot"]
