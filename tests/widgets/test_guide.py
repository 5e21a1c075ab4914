"""The header of a run, and the way from card to card: what the page's script is told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.widgets.sitting import Sitting, text
from vergeos_nb.procedure.engine.case import SystemCase
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS
from vergeos_nb.widgets.sticky_header import header
from vergeos_nb.widgets.teaching import teaching

Sit = Callable[..., Sitting]


def told(at: Sitting) -> tuple[str, int, str]:
    """The card whose turn it is, how often a person was brought to one, and what was announced."""
    guide = at.live._guide
    return guide.here, guide.turn, guide.said


def test_run_all_leads_to_the_first_open_card(sit: Sit) -> None:
    at = sit()
    at.run_all()
    assert told(at) == ("connect", 1, "")


def test_every_step_that_ends_leads_to_the_next_card_once_and_says_what_ended(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.click("connect")
    assert told(at) == ("locate", 2, "Connect: passed. Next: Locate the VM.")
    at.live.changed()
    assert told(at)[1] == 2
    at.click("locate")
    at.click("status_key")
    at.click("verify")
    # The same card asks for something else by now.
    assert told(at) == ("verify", 5, "Verify the machine status: passed. Next: Verify the machine status.")
    at.tick()
    at.click("alive")
    assert told(at) == ("plan", 7, "Is it alive?: OFF. Next: Plan and approve.")


def test_when_nothing_is_left_to_do_it_leads_to_the_closing_card_and_stays_there(sit: Sit) -> None:
    at = sit()
    at.run_all()
    at.until("confirm")
    assert told(at)[0] == "close"
    assert at.live.close().go.look == "strong"
    turn = told(at)[1]
    at.close()
    assert told(at)[:2] == ("close", turn + 1)


def test_the_header_says_what_the_run_has_found_and_where_its_record_is(sit: Sit) -> None:
    at = sit("zombie")
    at.run_all()
    assert text(at.live._guide.html).startswith("not connected ● 1. Connect ○ 2 . Locate the VM: waiting")
    at.until("plan")
    shown = text(at.live._guide.html)
    assert shown.startswith("SIMULATED lab-east, vergeos.example web-01 · VM key 41 ♥ ALIVE approval: left")
    assert "record: run-1 ✔ 1 . Connect: passed" in shown
    assert "● 7. Power off ○ 8 . Snapshot: waiting" in shown
    assert 'aria-current="step">● 7. Power off' in at.live._guide.html
    at.close()
    assert "approval" not in text(at.live._guide.html)


def test_a_real_system_is_unmistakable(sit: Sit) -> None:
    at = sit()
    at.until("locate")
    case = at.live.case
    assert isinstance(case, SystemCase)
    assert case.info is not None
    case.info = replace(case.info, simulated=False)
    case.target = replace(case.target, verified=False)
    assert '<strong class="vnb-kind-real">REAL SYSTEM</strong>' in header(at.live)
    assert "TLS NOT VERIFIED" in header(at.live)


def test_a_hostile_name_is_no_markup_in_the_header(sit: Sit) -> None:
    at = sit()
    at.until("locate")
    case: Any = at.live.case
    case.vm = replace(case.vm, name="<img src=x onerror=alert(1)>")
    assert "<img" not in header(at.live)


@pytest.mark.parametrize("name", sorted(RUNBOOKS))
def test_every_card_says_why_and_none_tells_the_headless_way(name: str) -> None:
    words = teaching(name)
    assert set(words) == {*(step.id for step in RUNBOOKS[name].steps), "close"}
    assert [step for step, one in words.items() if not one.paragraphs] == []
    assert [step for step, one in words.items() if "run again with" in text(" ".join(one.paragraphs))] == []


def test_the_card_of_a_plan_does_not_tell_the_headless_way(sit: Sit) -> None:
    at = sit()
    for step in ("connect", "locate", "status_key", "verify"):
        at.click(step)
    at.tick()
    at.click("alive")
    at.click("plan")
    shown = at.shown("plan")
    assert "Planned, not approved. Plan number " in shown
    assert "approve=" not in shown
    assert "run again" not in shown


def test_a_closed_way_has_no_red_button_and_offers_to_change_the_plan(sit: Sit) -> None:
    at = sit("zombie")
    at.run_all()
    at.until("kill")
    force = at.live.step("force")
    assert (force.go.look, force.replan.layout.display) == ("danger", "")
    at.click("force")
    assert (at.opened(), force.go.look, force.go.guarded) == (["force"], "plain", True)
    before = at.run.changes()
    at.click("force", "replan")
    assert (at.opened(), at.run.changes()) == (["plan"], before)
    at.approve()
    assert at.opened() == ["force"]
    assert at.run.changes() == before


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("name", ["guide.js", "press.js"])
def test_a_script_of_the_page_can_be_read(name: str, tmp_path: Path) -> None:
    import vergeos_nb.widgets.scripts as page

    copy = tmp_path / "script.mjs"
    copy.write_text(page.page_file(name))
    subprocess.run(["node", "--check", str(copy)], check=True)
