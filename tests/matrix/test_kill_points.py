"""A run that ends anywhere: after and in any line of its journal, before and after any call, in any wait.

What is left on disk says of every changing call whether it was sent, may have been sent, or was not; and it
never says off without evidence that was read after the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from tests.matrix.held import BRIEF, broken_promises, rows_of_others
from tests.rehearsal import Rehearsal, ending
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.journal.journal import append_after_death, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.record.making import make_record
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runbook_files import runbook_path
from vergeos_nb.session.run import Run

# Every changing call that there is: the node's query, all three rungs and a snapshot.
FULL = {**BRIEF, "kill_wait_s": 4.0, "snapshot": True, "snapshot_required": True, "probe_node": True}
CALLS = ["node_queries", "poweroff", "machine_snapshots", "kill", "override"]
SCENARIO = "kill_stuck"


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the plan that all runs here are approved for."""
    return str(Rehearsal(SCENARIO, tmp_path_factory.mktemp("plan")).run(**FULL).fact("plan_digest"))


@pytest.fixture(scope="module")
def whole(digest: str, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A run up the whole ladder that nothing disturbed."""
    run = Rehearsal(SCENARIO, tmp_path_factory.mktemp("whole"))
    account = run.run(**FULL, approve=digest)
    assert (ending(account), [named(call) for call in told(account)]) == (("done", "off", 0), CALLS)
    return run


Told = tuple[str, str, Mapping[str, Any]]


def told(account: RunState) -> list[Told]:
    return [(call.method, call.path, dict(call.body or {})) for call in account.changing_calls]


def named(call: Told) -> str:
    method, path, body = call
    return "override" if method == "PUT" else str(body.get("action") or path.rpartition("/")[2])


def fates(account: RunState) -> list[tuple[str, bool]]:
    """Of each changing call whether an end of it is known."""
    return [
        (named(one), call.exchange is not None)
        for one, call in zip(told(account), account.changing_calls, strict=True)
    ]


def truth(lines: list[dict[str, Any]]) -> tuple[list[tuple[str, bool]], str]:
    """What these lines of a journal support: the fate of each call, and a verdict."""
    calls: list[tuple[str, bool]] = []
    verdict = "unknown"
    for line in lines:
        if line["event"] == "intent":
            name = named((line["method"], line["path"], line["body"]))
            calls.append((name, False))
            # Neither a snapshot nor a question to a node can start or end a VM.
            verdict = verdict if name in ("machine_snapshots", "node_queries") else "unknown"
        elif line["event"] == "exchange" and line["changing"]:
            calls[-1] = (calls[-1][0], True)
        elif line["event"] == "step-ended":
            verdict = line["result"]["facts"].get("verdict", verdict)
    return calls, verdict


# -- the journal, cut off ------------------------------------------------------------------------


def test_cut_off_after_and_in_every_line_the_journal_tells_the_fate_of_every_call_and_never_too_much(
    whole: Rehearsal, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    texts = (whole.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    lines = [json.loads(text) for text in texts]
    wrong = []
    for count in range(len(texts)):
        head, next_line = b"".join(texts[:count]), texts[count]
        for piece in (b"", next_line[:1], next_line[: len(next_line) // 2], next_line[:-2]):
            (tmp_path / "journal.jsonl").write_bytes(head + piece)
            account = run_state_of(read_journal(tmp_path / "journal.jsonl"))
            seen = (fates(account), account.verdict.value, account.outcome.value, account.exit_code)
            if seen != (*truth(lines[:count]), "interrupted", 7):
                wrong.append((count, piece[-20:], seen))
    record_property("cells: kill points, journal cut off", 4 * len(texts))
    assert wrong == []


def test_off_is_said_only_after_the_kill_was_watched_and_then_after_confirm(whole: Rehearsal) -> None:
    texts = (whole.folder / "journal.jsonl").read_text().splitlines()
    lines = [json.loads(text) for text in texts]
    changed, before = [], "unknown"
    for count in range(len(lines) + 1):
        verdict = truth(lines[:count])[1]
        if verdict != before:
            step = lines[count - 1].get("result", {}).get("step", lines[count - 1]["event"])
            changed.append((step, verdict))
            before = verdict
    assert changed == [
        ("alive", "alive"), ("intent", "unknown"), ("poweroff", "alive"), ("intent", "unknown"),
        ("kill", "off"), ("intent", "unknown"), ("confirm", "off"),
    ]  # fmt: skip


def record_points(whole: Rehearsal) -> list[int]:
    """After how many lines a run is cut off whose record is made: around each changing call and each step."""
    lines = [json.loads(text) for text in (whole.folder / "journal.jsonl").read_text().splitlines()]
    return [
        count
        for count, line in enumerate(lines, start=1)
        if line["event"] == "intent"
        or (line["event"] == "exchange" and line["changing"])
        or (line["event"] == "step-ended" and line["result"]["step"] in ("plan", "poweroff", "kill", "force"))
    ]


def hold_record_to_truth(whole: Rehearsal, count: int, folder: Path) -> None:
    texts = (whole.folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(b"".join(texts[:count]) + b'{"n": 4')
    append_after_death(folder / "journal.jsonl", whole.clock, "interrupted", step="", by="SIGKILL")
    make_record(folder, nbformat.read(runbook_path("force_power_off"), as_version=4), Scrubber())
    nbformat.validate(nbformat.read(folder / "notebook.ipynb", as_version=4))
    record = read(folder)
    calls, verdict = truth([json.loads(text) for text in texts[:count]])
    known = [
        (named((c["method"], c["path"], c["body"])), c["exchange"] is not None)
        for c in record["changing_calls"]
    ]
    assert (known, record["verdict"], record["outcome"], record["exit_code"], check(folder)) == (
        calls,
        verdict,
        "interrupted",
        7,
        [],
    )
    html = (folder / "notebook.html").read_text()
    assert html.count("MAY HAVE BEEN SENT") == [answered for _, answered in calls].count(False)


def test_around_every_changing_call_what_is_left_makes_a_valid_and_truthful_record(
    whole: Rehearsal, tmp_path: Path
) -> None:
    for count in record_points(whole):
        hold_record_to_truth(whole, count, tmp_path / str(count))


@pytest.mark.nightly
def test_after_every_line_what_is_left_makes_a_valid_and_truthful_record(
    whole: Rehearsal, tmp_path: Path
) -> None:
    lines = len((whole.folder / "journal.jsonl").read_bytes().splitlines())
    for count in range(lines):
        hold_record_to_truth(whole, count, tmp_path / str(count))


# -- the process, interrupted --------------------------------------------------------------------


class Interrupted:
    """Raises at one point of a run: at a request, before or after it was carried out, or in a wait."""

    def __init__(
        self, run: Rehearsal, point: int, error: BaseException, *, after: bool, waiting: bool = False
    ) -> None:
        self.requests = self.waits = 0
        inner, sleep = run.sim.transport(), run.clock.sleep

        def door(request: httpx.Request) -> httpx.Response:
            self.requests += 1
            if waiting or self.requests != point:
                return inner.handler(request)
            if after:
                inner.handler(request)
            raise error

        def wait(seconds: float) -> None:
            self.waits += 1
            if waiting and self.waits == point:
                raise error
            sleep(seconds)

        run.transport = httpx.MockTransport(door)
        run.clock.sleep = wait  # type: ignore[method-assign]


def climb_on(book: Run) -> list[BaseException]:
    """All steps in order, past whatever is raised."""
    caught: list[BaseException] = []
    for step in book.engine.steps:
        try:
            book.engine.run(step.id)
        except (KeyboardInterrupt, SystemExit) as error:
            caught.append(error)
    return caught


def wrong_at(
    folder: Path, digest: str, point: int, error: BaseException, *, after: bool, waiting: bool = False
) -> list[str]:
    """What does not hold of a run that is interrupted here, then and when it is gone on with."""
    run = Rehearsal(SCENARIO, folder / f"{point}-{after}-{waiting}-{type(error).__name__}")
    vm = run.sim.world.vm("web-01").key
    before = rows_of_others(run, vm)
    Interrupted(run, point, error, after=after, waiting=waiting)
    book = run.open(**FULL, approve=digest)
    wrong: list[str] = []
    for step in book.engine.steps:
        try:
            book.engine.run(step.id)
        except type(error):
            break
    left = run_state_of(read_journal(run.folder / "journal.jsonl"))
    wrong += _told_too_little(run, left)
    if left.verdict == "off" and run.sim.process_alive(vm):
        wrong.append("what is left says off over a living process")
    if ending(left)[::2] != ("interrupted", 7):
        wrong.append(f"what is left ends {ending(left)}")
    climb_on(book)
    account = book.end()
    wrong += _told_too_little(run, account)
    # The call that was never sent has its intent all the same: nobody could know.
    wrong += [one for one in broken_promises(run, account, vm, before) if not one.startswith("recorded")]
    place = "wait" if waiting else "request"
    return [f"{type(error).__name__} at {place} {point}, after={after}: {one}" for one in wrong]


def _told_too_little(run: Rehearsal, account: RunState) -> list[str]:
    """Calls that reached the platform and are not in the account, or more in it than one that did not."""
    wire = [(entry.method, entry.path, json.loads(entry.body)) for entry in run.sim.changing_requests()]
    missing = [named(call) for call in wire if call not in told(account)]
    surplus = [named(call) for call in told(account) if call not in wire]
    return [f"missing {missing}, surplus {surplus}"] if missing or len(surplus) > 1 else []


BEFORE_OR_AFTER = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
EITHER_WAY = pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)], ids=["interrupt", "exit"])


@BEFORE_OR_AFTER
@EITHER_WAY
def test_interrupted_at_every_request_the_run_tells_what_it_sent_and_goes_on_without_sending_it_again(
    whole: Rehearsal,
    digest: str,
    tmp_path: Path,
    error: BaseException,
    after: bool,
    record_property: Callable[[str, object], None],
) -> None:
    """Each changing call in all four ways, each read in one of them; each read in all of them at night."""
    way = 2 * isinstance(error, SystemExit) + after
    requests = enumerate(whole.requests, start=1)
    chosen = [n for n, request in requests if n % 4 == way or request.method != "GET"]
    wrong = [one for n in chosen for one in wrong_at(tmp_path, digest, n, error, after=after)]
    record_property("cells: kill points, at a request", len(chosen))
    assert wrong == []


@pytest.mark.nightly
@BEFORE_OR_AFTER
@EITHER_WAY
def test_interrupted_at_every_request_in_every_way_it_tells_and_does_the_same(
    whole: Rehearsal, digest: str, tmp_path: Path, error: BaseException, after: bool
) -> None:
    points = range(1, len(whole.requests) + 1)
    assert [one for n in points for one in wrong_at(tmp_path, digest, n, error, after=after)] == []


def test_interrupted_in_every_wait_the_run_tells_what_it_sent_and_goes_on_without_sending_it_again(
    digest: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    run = Rehearsal(SCENARIO, tmp_path / "count")
    counted = Interrupted(run, 0, KeyboardInterrupt(), after=False)
    assert ending(run.run(**FULL, approve=digest)) == ("done", "off", 0)
    points = range(1, counted.waits + 1, 2)
    wrong = [
        one
        for n in points
        for one in wrong_at(tmp_path, digest, n, KeyboardInterrupt(), after=False, waiting=True)
    ]
    record_property("cells: kill points, in a wait", len(points))
    assert wrong == []
