"""What a person is told of each scenario, in every place: never green where it lives or nobody knows."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.rehearsal import LADDER, PASSWORD, VENDORS_BODY, Rehearsal
from tests.undrawn import leave_undrawn
from vergeos_nb.archive.export.markdown import as_markdown
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, read_line
from vergeos_nb.archive.ledger.manifest import Manifest, read_manifest
from vergeos_nb.archive.webhook import message
from vergeos_nb.cli.main import cli
from vergeos_nb.cli.output import Output
from vergeos_nb.cli.run_report import as_json, progress_on
from vergeos_nb.journal.journal import JournalText, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import MANIFEST
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.procedure.values.finding import Kind
from vergeos_nb.procedure.values.outcomes import StepOutcome, StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.runner.headless import RunReport
from vergeos_nb.simulator import SCENARIOS
from vergeos_nb.views.badges import LOOKS, badge_of
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.summary import summary_view
from vergeos_nb.views.timeline import Timeline, timeline_text
from vergeos_nb.views.timeline_drawing import timeline_svg
from vergeos_nb.widgets.card_head import head, said_of_result

# By day one scenario of each ending and of each way to it; the others at night.
BY_DAY = (
    "stuck", "zombie", "kill_stuck", "node_dead", "node_unreachable", "stuck_stale", "heartbeat_of_the_dead",
    "ha_restart", "reader", "relay_refused", "twins", "gone", "migrating", "stale_cores", "expired_token",
)  # fmt: skip
SHOWN = [
    pytest.param(scenario, marks=() if scenario in BY_DAY else (pytest.mark.nightly,))
    for scenario in SCENARIOS
]
GREENS = (LOOKS[Kind.OFF][1], LOOKS[Kind.PASSED][1], "#c8e6c9", "#a5d6a7")
READING = ("connect", "locate", "status_key", "verify")
METHODS = ("poweroff", "kill")


class Told:
    """A run of a scenario, and what every presenter makes of it."""

    def __init__(self, scenario: str, outputs: Path, *, by_hand: bool = False, plan: bool = False) -> None:
        self.scenario = scenario
        kind = "bearer" if scenario == "expired_token" else "basic"
        self.run = run = Rehearsal(scenario, outputs, kind=kind)
        if by_hand:
            run.others.append(send_by_hand(run))
        if by_hand or plan:
            self.account = run.run(finish=True, **LADDER)
        else:
            digest = run.run(**LADDER).fact("plan_digest")
            self.account = run.run(finish=True, approve=digest or "0" * 64, **LADDER)
        self.journal = read_journal(run.folder / "journal.jsonl")

    def may_be_green(self, result: StepResult) -> bool:
        """Whether a step proved that the VM is off, or read what it was to read."""
        verdict = result.facts.get("verdict")
        if verdict is not None:
            return verdict == "off" and result.outcome in (StepOutcome.PASSED, StepOutcome.NOTHING_TO_DO)
        return result.outcome is StepOutcome.PASSED and result.step in READING

    def of_step(self, result: StepResult) -> Iterator[tuple[str, str]]:
        """By presenter, what stands beside the step."""
        view = static_view(result)
        yield "page", coloured(view["text/html"])
        yield "text", view["text/plain"].partition("   [")[0]
        step = next(step for step in STEPS if step.id == result.step)
        face = head(1, step, StepState.ENDED, result, said_of_result(result), (), host="", bearer=False)
        yield "card", coloured(face)
        summary = self.summary
        row = re.search(rf"<tr><td[^>]*>{re.escape(html.escape(result.title))}</td>.*", summary["text/html"])
        assert row
        yield "summary", row.group()
        (line,) = re.findall(rf"^  . {re.escape(result.title)}: .*", summary["text/plain"], re.M)
        yield "summary text", line
        cells = re.findall(rf"^\| {re.escape(result.title)} \| ([^|]*) \|", self.markdown, re.M)
        yield "markdown", "\n".join(cells)
        bar = next(b for b in reversed(self.timeline.steps) if b.title == result.title)
        assert bar.found
        yield "timeline", f"{bar.found} {bar.found.background}"

    def of_run(self) -> Iterator[tuple[str, str]]:
        """By presenter, what stands for the whole run."""
        view = self.summary
        yield "summary", coloured(view["text/html"])
        yield "summary text", view["text/plain"].partition("   [")[0]
        yield "markdown", self.markdown.splitlines()[0]
        notebook = json.loads((self.run.folder / "notebook.ipynb").read_text())
        first = notebook["cells"][0]["outputs"][0]["data"]
        yield "banner", coloured("".join(first["text/html"]))
        yield "banner text", "".join(first["text/plain"]).partition("   [")[0]
        yield "webhook", json.dumps(message(self.account, self.manifest), ensure_ascii=False)
        listed = audit("list", "--outputs", str(self.run.outputs))
        yield "audit list", next(line for line in listed.splitlines() if self.run.folder.name in line)
        shown = audit("show", self.run.folder.name, "--outputs", str(self.run.outputs))
        yield "audit show", shown.partition("\n")[0]

    @property
    def entry(self) -> LedgerEntry:
        entries = [read_line(line) for line in Ledger(self.run.outputs).whole_lines()]
        return next(entry for entry in entries if entry and entry.record == self.run.folder.name)

    @property
    def manifest(self) -> Manifest:
        return read_manifest((self.run.folder / MANIFEST).read_bytes())

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        return summary_view(summary_of(self.account))

    @cached_property
    def timeline(self) -> Timeline:
        return timeline_of(self.journal.lines)

    @cached_property
    def markdown(self) -> str:
        return as_markdown(self.account, self.journal, self.entry)


def audit(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["audit", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def send_by_hand(run: Rehearsal) -> Any:
    """Somebody sends the vendor's PUT for the VM, and nothing else. The request as the simulator took it."""
    path = f"/api/v4/machine_status/{run.sim.world.vm(run.vm_name).status}"
    with httpx.Client(transport=run.sim.transport(), auth=(run.sim.username, PASSWORD)) as client:
        assert client.put(f"https://vergeos.example{path}", json=VENDORS_BODY).is_success
    run.clock.sleep(60.0)
    return run.requests[-1]


def coloured(view: str) -> str:
    """A view without what is folded away and without its tables: its head, with badge and colours."""
    return re.sub(r"<(table|details)\b.*?</\1>", "", view, flags=re.S)


def greens(told: str) -> list[str]:
    return [mark for mark in ("✔", "passed", *GREENS) if mark in told]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Runs by scenario, each made once."""
    made: dict[tuple[str, ...], Told] = {}
    drawing = pytest.MonkeyPatch()
    leave_undrawn(drawing)

    def make(scenario: str, **how: bool) -> Told:
        key = (scenario, *how)
        if key not in made:
            made[key] = Told(scenario, tmp_path_factory.mktemp(scenario), **how)
        return made[key]

    yield make
    drawing.undo()


@pytest.mark.parametrize("scenario", SHOWN)
def test_no_presenter_of_a_step_is_green_where_it_lives_or_nobody_knows(told: Any, scenario: str) -> None:
    """A living VM's "Is it alive?" wore a green "passed", and so did a PUT that was only accepted."""
    wrong = []
    for result in told(scenario).account.results:
        for where, shown in told(scenario).of_step(result):
            if not told(scenario).may_be_green(result) and greens(shown):
                wrong.append((result.step, where, greens(shown)))
            if str(badge_of(result).sign) not in shown:
                wrong.append((result.step, where, "no badge"))
    assert wrong == []


@pytest.mark.parametrize("scenario", SHOWN)
def test_no_presenter_of_a_run_is_green_without_a_verdict_of_off(told: Any, scenario: str) -> None:
    """A planning run over a living VM, or over one of which nobody knows, was headed with a green tick."""
    account = told(scenario).account
    well = account.verdict == "off" and account.outcome in ("done", "planned", "nothing-to-do")
    for where, shown in told(scenario).of_run():
        assert (where, bool(greens(shown))) == (where, well)
        assert where == "audit show" or account.verdict in shown


@pytest.mark.parametrize(
    ("scenario", "badge", "headline"),
    [
        ("stuck", "✔ planned · verdict off", "no approval was given."),
        ("healthy", "♥ planned · verdict alive", "The process LIVES."),
        ("zombie", "♥ planned · verdict alive", "The process LIVES."),
        ("node_dead", "? planned · verdict unknown", "Nothing shows whether the process lives."),
    ],
)
def test_a_plan_is_as_green_as_its_verdict(told: Any, scenario: str, badge: str, headline: str) -> None:
    """A plan over a living VM was "✔ planned" in every list, and its headline did not say that it lives."""
    one = told(scenario, plan=True)
    summary = summary_of(one.account)
    assert (str(summary.badge), summary.headline.endswith(headline)) == (badge, True)
    for where, shown in one.of_run():
        assert (where, bool(greens(shown))) == (where, scenario == "stuck")


@pytest.mark.parametrize("scenario", SHOWN)
def test_no_method_without_effect_is_said_to_have_failed(told: Any, scenario: str) -> None:
    """A stuck VM's Power Off was a red "failed … did not switch it off; verdict off", as if that were odd."""
    for result in told(scenario).account.results:
        if result.step not in METHODS or not result.facts.get("opens"):
            continue
        for where, shown in told(scenario).of_step(result):
            assert (where, "failed" in shown, "✘" in shown) == (where, False, False)


def test_a_method_on_a_stuck_vm_is_amber_and_says_what_is_next(told: Any) -> None:
    by_step = {result.step: result for result in told("stuck").account.results}
    seen = {step: (str(badge_of(by_step[step])), by_step[step].summary) for step in METHODS}
    waited = "(Waited N s: the process is gone, and the row does not follow.)"
    stuck = "had no effect, as expected of a stuck VM."
    assert {step: re.sub(r"\d+ s", "N s", summary) for step, (_, summary) in seen.items()} == {
        "poweroff": f"Power Off {stuck} Next: Kill Power. {waited}",
        "kill": f"Kill Power {stuck} Next: Force power off. {waited}",
    }
    assert {badge for badge, _ in seen.values()} == {"△ no effect"}
    assert badge_of(by_step["poweroff"]).background == LOOKS[Kind.LOOK][1]


def test_what_a_method_did_is_told_by_the_evidence_before_and_after_it(told: Any) -> None:
    """Kill Power had ended the process, or the VM lived on, and both read "did not switch it off"."""
    told_of = {
        scenario: {
            result.step: (str(badge_of(result)), re.sub(r"\d+ s", "N s", result.summary))
            for result in told(scenario).account.results
            if result.step in METHODS
        }
        for scenario in ("kill_stuck", "zombie", "node_dead")
    }
    assert told_of["kill_stuck"]["kill"] == (
        "△ row not stopped",
        "After Kill Power the process is gone, but the row still says that it runs. Next: Force power off. "
        "(Waited N s: the process is gone, and the row does not follow.)",
    )
    assert told_of["zombie"] == {
        "poweroff": (
            "♥ did not end it · ALIVE",
            "Power Off did not end the process: it lives. Next: Kill Power. (Waited N s.)",
        ),
        "kill": (
            "♥ did not end it · ALIVE",
            "Kill Power did not end the process: it lives. Next: end the process at its node; Force power "
            "off stays closed while it lives. (Waited N s.)",
        ),
    }
    assert told_of["node_dead"]["kill"] == (
        "? no effect seen · UNKNOWN",
        "Nothing shows whether Kill Power had an effect. Next: make sure at the node; Force power off "
        "needs what you found there (parameter assertion). (Waited N s: nothing shows whether the process is "
        "gone.)",
    )


def test_off_alive_and_unknown_are_told_apart_by_sign_word_and_colours() -> None:
    kinds = (Kind.OFF, Kind.ALIVE, Kind.UNKNOWN)
    assert len({LOOKS[kind][0] for kind in kinds}) == len({LOOKS[kind][1:] for kind in kinds}) == 3


def test_a_vm_that_was_overridden_by_hand_and_may_live_is_unknown_everywhere(told: Any) -> None:
    """It lives on a node that is cut off, and the run said "✔ Nothing to do" and dropped its own warning."""
    one = told("node_unreachable", by_hand=True)
    assert (one.account.outcome, one.account.verdict, one.account.exit_code) == ("unknown", "unknown", 7)
    assert one.run.sim.process_alive(41)
    plan = next(result for result in one.account.results if result.step == "plan")
    for where, shown in (*one.of_step(plan), *one.of_run()):
        assert (where, greens(shown), "?" in shown) == (where, [], True)
    view = summary_view(summary_of(one.account))
    record = (one.run.folder / "notebook.ipynb").read_text()
    card = head(6, STEPS[5], StepState.ENDED, plan, said_of_result(plan), (), host="", bearer=False)
    answer = json.dumps(as_json(RunReport(one.run.folder, one.account)))
    for text in (answer, view["text/html"], view["text/plain"], one.markdown, record, card):
        assert "nothing shows that its process is gone" in text
        assert "do not power it on yet; make sure at the node that the process is gone" in text


def test_progress_lines_of_a_run_have_the_same_signs(told: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for scenario in ("zombie", "node_dead", "stuck"):
        on_line = progress_on(Output(False))
        for line in told(scenario).journal.lines:
            if line["event"] == "step-ended":
                on_line(line)
        said = capsys.readouterr().err.splitlines()
        results = told(scenario).account.results
        assert [line[0] for line in said] == [badge_of(result).sign for result in results]


def test_a_picture_has_no_green_but_for_what_may_be(told: Any) -> None:
    """The row's word "stopped" was drawn green, also over a VM of which nobody knows whether it lives."""
    one = told("node_unreachable", by_hand=True)
    drawn = timeline_svg(replace(timeline_of(one.journal.lines), steps=())).decode()
    assert "stopped" in drawn
    assert greens(drawn) == []
    assert "? UNKNOWN" not in timeline_text(timeline_of(one.journal.lines))


def step_ended(step: str, outcome: str, next_step: str = "", **facts: Any) -> dict[str, Any]:
    result = {
        "step": step, "title": step, "vendor_step": "", "system": "SIMULATED system", "outcome": outcome,
        "summary": "as it was told then", "next_step": next_step, "began_at": 0.0, "ended_at": 1.0,
        "tables": [], "facts": facts, "exchanges": [], "error": None,
    }  # fmt: skip
    return {"event": "step-ended", "at": "2026-01-01T00:00:00.000Z", "result": result}


def old_run(*lines: dict[str, Any]) -> RunState:
    """The account of a journal that an older version wrote."""
    at = {"at": "2026-01-01T00:00:00.000Z"}
    opened = {"event": "run-opened", "runbook": "force_power_off", "parameters": {"vm_name": "web-01"}, **at}
    return run_state_of(JournalText((opened, *lines, {"event": "run-ended", **at})))


def test_records_of_older_versions_have_the_new_badges() -> None:
    advice = "Make sure at the node before the VM is powered on."
    lives = old_run(step_ended("alive", "passed", verdict="alive"))
    stuck = old_run(step_ended("poweroff", "failed", verdict="off", opens=True, sent=True))
    stopped = old_run(step_ended("plan", "nothing-to-do", advice, verdict="unknown", plan=None))
    assert [str(badge_of(run.results[0])) for run in (lives, stuck, stopped)] == [
        "♥ ALIVE", "△ row not stopped", "? UNKNOWN",
    ]  # fmt: skip
    # What was sealed stays: the outcome and the exit code are what they were.
    assert (stopped.outcome, stopped.exit_code) == ("nothing-to-do", 7)
    summary = summary_of(stopped)
    assert (summary.badge.sign, summary.headline, summary.next_step) == (
        "?",
        "The record says stopped already, but nothing shows that the process is gone.",
        advice,
    )
