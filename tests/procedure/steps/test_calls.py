"""How many calls a run makes: counts, the same on every machine. Times are the bench's matter."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.simulator.faults.switches import Switches

Make = Callable[..., Rehearsal]
# As short as each wait can be.
SHORT = {
    "sample_gap_s": 0, "poll_s": 0.05, "poweroff_wait_s": 0, "kill_wait_s": 0, "settle_s": 0,
    "confirm_timeout_s": 10,
}  # fmt: skip


class Slow(httpx.BaseTransport):
    """A system on which time passes with every call, so that its rows are written anew in between."""

    def __init__(self, run: Rehearsal) -> None:
        self._clock, self._inner = run.clock, run.transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._clock.sleep(6.0)
        return self._inner.handle_request(request)


def calls_of(run: Rehearsal, **params: Any) -> tuple[int, str]:
    """The calls of the run that is planned and applied at once, and its verdict."""
    account = run.approve(**LADDER, **params)
    began = next(at for at, call in reversed(list(enumerate(run.requests))) if call.path.endswith("/system"))
    return len(run.requests) - began, account.verdict.value


def test_a_whole_run_with_short_waits_makes_at_most_25_calls(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.transport = Slow(run)
    assert calls_of(run, **SHORT) == (25, "off")


def test_a_whole_run_with_the_waits_of_a_person_makes_at_most_60(rehearse: Make) -> None:
    count, verdict = calls_of(rehearse("stuck"), poll_s=2.0)
    assert (count <= 60, verdict) == (True, "off")


def test_a_reading_is_one_call_and_two_where_a_drive_has_no_statistics(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open()
    for step in ("connect", "locate", "status_key", "verify"):
        book.step(step)
    case = book.case
    before = len(run.requests)
    whole = case.sample()
    assert [call.path for call in run.requests[before:]] == [f"/api/v4/vms/{case.known_vm().key}"]
    stats = run.sim.world.tables["machine_drive_stats"]
    mine = {c.key for c in whole.counters if c.kind == "drive"}
    for key in [key for key, row in stats.items() if row["parent_drive"] in mine]:
        run.sim.world.remove("machine_drive_stats", key)
    before = len(run.requests)
    assert {bool(c.values) for c in case.sample().counters if c.kind == "drive"} == {False}
    paths = [call.path.removeprefix("/api/v4/") for call in run.requests[before:]]
    assert paths == [f"vms/{case.known_vm().key}", "machine_drive_stats"]
    run.end(book)


@pytest.mark.parametrize("how", ["old", "null", "dropped", "refused"])
def test_where_rows_do_not_come_together_each_is_asked_for_and_the_run_ends_the_same(
    rehearse: Make, how: str
) -> None:
    together = rehearse("stuck").approve(**LADDER)
    run = rehearse("stuck", switches=Switches(rows_behind_a_vm=how))
    alone = run.approve(**LADDER)
    asked = Counter(call.path.removeprefix("/api/v4/") for call in run.requests)
    assert asked["machine_stats"] == asked["machine_nics"] > 10
    assert (run.steps(alone), alone.verdict, alone.exit_code) == (
        run.steps(together),
        together.verdict,
        together.exit_code,
    )


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"last_update": 1_700_000_000}, "is older (written 1700000000"),
        ({"status": "running"}, "differs from the row itself"),
    ],
)
def test_rows_that_are_not_the_row_itself_are_not_believed_and_each_is_read_alone(
    rehearse: Make, odd: dict[str, Any], said: str
) -> None:
    """Holds off: a verdict by rows that a cache gave, while the rows themselves said something else."""
    run = rehearse("stuck")
    inner = run.transport

    def handle(request: httpx.Request) -> httpx.Response:
        answer = inner.handle_request(request)
        row = json.loads(answer.read())
        if isinstance(row, dict) and isinstance(row.get("behind"), dict):
            row["behind"]["status"].update(odd)
            return httpx.Response(200, headers={"server": answer.headers["server"]}, json=row)
        return answer

    run.transport = httpx.MockTransport(handle)
    account = run.run(**LADDER)
    together = [call for call in run.requests if call.query.count("machine%5B") or "machine[" in call.query]
    assert (len(together), account.verdict.value) == (1, "off")
    assert said in (run.folder / "journal.jsonl").read_text()
