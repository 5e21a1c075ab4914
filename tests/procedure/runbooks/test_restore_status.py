"""The undo capsule and its runbook: the row as it was, written back once, or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.procedure.doubt import in_doubt
from tests.procedure.runbooks.rehearsed import FollowUp
from tests.rehearsal import LADDER, LONG_AGO, PASSWORD, VENDORS_BODY, ending
from tests.respelt import Change, changed, floats, texts
from vergeos_nb.errors import UsageError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.record.record_folder import read as record_of
from vergeos_nb.record.record_folder import sha256
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.undo import undo_of
from vergeos_nb.settings import spellings
from vergeos_nb.simulator import Switches
from vergeos_nb.vergeos.assumptions import STATUS_ROW_TAKES_ALL, Known, PlatformKnowledge

Make = Callable[..., FollowUp]
pytestmark = pytest.mark.usefixtures("plain_pages")

REFUSED_BY_PLATFORM = {400: 8, 401: 9, 403: 9, 404: 4, 405: 8, 409: 8, 422: 8, 429: 8}


def error_of(account: Any) -> tuple[str, str, str]:
    """Step, class and words of what stopped a run."""
    decisive = account.decisive
    return decisive.step, decisive.error["type"], decisive.error["came_back"]


# -- the capsule -----------------------------------------------------------------------------------


def test_the_record_of_a_forced_power_off_holds_the_row_and_the_request_that_restores_it(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    row = run.sim.world.status_of("web-01")
    run.force()
    undo = record_of(run.folder)["undo"]
    assert undo["request"] == {
        "method": "PUT",
        "path": f"/api/v4/machine_status/{row['$key']}",
        "body": {
            "running": True,
            "migratable": True,
            "status": "unresponsive",
            "state": "warning",
            "powerstate": True,
            "node": 1,
        },
    }
    assert undo["row"] == record_of(run.folder)["before"]
    assert undo["row"].items() >= {name: row[name] for name in ("started", "last_update", "status")}.items()
    lines = dict(summary_of(run_state_of(read_journal(run.folder / "journal.jsonl"))).lines)
    body = json.dumps(undo["request"]["body"], sort_keys=True)
    assert lines["to undo it"] == (
        "runbook restore_status with this record would send "
        f"PUT /api/v4/machine_status/{row['$key']} {body}; this run has undone nothing"
    )


def test_a_run_that_sent_no_override_has_no_capsule(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.run(finish=True)
    assert record_of(run.folder)["undo"] is None
    deaf = rehearse("deaf")
    digest = deaf.run(**LADDER).fact("plan_digest")
    assert ending(deaf.run(**LADDER, approve=digest, finish=True)) == ("done", "off", 0)
    assert record_of(deaf.folder)["undo"] is None


def test_the_capsule_holds_the_row_of_right_before_the_override_and_not_that_of_the_start(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    run.sim.world.behave(
        "web-01", acpi=36_000.0
    )  # Power Off is taken, and the row says stopping from then on
    digest = run.run(**LADDER).fact("plan_digest")
    run.run(**LADDER, approve=digest, finish=True)
    record = record_of(run.folder)
    assert (record["before"]["status"], record["undo"]["row"]["status"]) == ("unresponsive", "stopping")
    assert record["undo"]["request"]["body"]["status"] == "stopping"


def test_a_run_that_died_over_its_override_has_a_capsule_without_what_was_read_later(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.force()
    journal = read_journal(run.folder / "journal.jsonl")
    events = [(line["event"], line.get("method")) for line in journal.lines]
    died_at = events.index(("intent", "PUT")) + 1
    (confirm,) = [
        line["result"]
        for line in journal.lines
        if line["event"] == "step-ended" and line["result"]["step"] == "confirm"
    ]
    read = [line for line in journal.lines if line.get("number") in confirm["exchanges"]]
    settled = {"event": "settled", "at": "t", "result": confirm, "exchanges": read}
    died = run_state_of(replace(journal, lines=(*journal.lines[:died_at], settled)))
    assert died.changing_calls[0].exchange is None
    assert undo_of(died) == record_of(run.folder)["undo"]


# -- restoring -------------------------------------------------------------------------------------


def test_a_restored_row_is_the_former_row_in_all_six_fields(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    stopped = run.six()
    account = run.restore(record)
    assert stopped == {**VENDORS_BODY, "powerstate": False, "node": None}
    assert (ending(run.planned), ending(account)) == (("planned", "off", 0), ("done", "off", 0))
    assert run.six() == run.former
    assert run.sent_since() == [("PUT", f"machine_status/{run.sim.world.vm('web-01').status}", run.former)]
    assert "A row is no evidence" in summary_of(account).headline


@pytest.mark.parametrize("spelt", [texts, floats])
def test_a_row_is_restored_however_the_platform_spells_its_values(rehearse: Make, spelt: Change) -> None:
    """Holds off: a row kept as it came, with a number as text, was another row and so drift."""
    run = rehearse("stuck", vms=1)
    run.transport = changed(run.transport, spelt)
    record = run.force()
    assert ending(run.restore(record)) == ("done", "off", 0)
    assert run.six() == run.former


def test_a_platform_that_clears_nothing_beside_the_four_fields_is_restored_alike(rehearse: Make) -> None:
    from vergeos_nb.simulator import Switches

    run = rehearse("stuck", switches=Switches(override_clears_power_and_node=False))
    record = run.force()
    assert ending(run.restore(record)) == ("done", "off", 0)
    assert run.six() == run.former


@pytest.mark.parametrize("scenario", ["slow", "flaky", "odd_names", "equal_keys", "maintenance", "edited"])
def test_a_row_is_restored_in_other_scenarios_too(rehearse: Make, scenario: str) -> None:
    run = rehearse(scenario)
    account = run.restore(run.force())
    assert (ending(account), run.six()) == (("done", "off", 0), run.former)


def test_a_planning_run_sends_nothing_but_get(rehearse: Make) -> None:
    run = rehearse("stuck")
    record, seen = run.force(), len(run.requests)
    account = run.follow("restore_status", record=record)
    assert {entry.method for entry in run.requests[seen:]} == {"GET"}
    assert (ending(account), run.steps(account)["restore"]) == (("planned", "off", 0), "skipped")
    assert account.fact("plan")["requests"][0]["body"] == run.former


def test_a_row_that_is_as_it_was_leaves_nothing_to_do(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.restore(record)
    again = run.follow("restore_status", record=record)
    assert (ending(again), len(run.sent_since())) == (("nothing-to-do", "off", 0), 1)
    assert "as it was already" in summary_of(again).headline


def test_a_record_over_a_process_that_lives_can_be_restored_and_the_verdict_stays_alive(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.sim.world.behave("web-01", rewrite=None)
    run.sim.world.truth("web-01").copies = [1]
    account = run.restore(record)
    assert (ending(run.planned), ending(account)) == (("planned", "alive", 0), ("done", "alive", 0))
    assert run.six() == run.former


def test_where_nobody_knows_the_restored_row_makes_no_verdict(rehearse: Make) -> None:
    run = rehearse("node_dead")
    sentence = "Jo pulled the node's power and saw it dark."
    digest = run.run(assertion=sentence).fact("plan_digest")
    run.former = run.six()
    run.run(assertion=sentence, approve=digest, finish=True)
    run.sent_before = len(run.changes())
    account = run.restore(run.folder.name)
    assert (ending(account), run.six()) == (("done", "unknown", 0), run.former)


@pytest.mark.parametrize("form", ["id", "folder", "record.json"])
def test_a_record_is_named_by_its_id_or_by_a_path(rehearse: Make, form: str) -> None:
    run = rehearse("stuck")
    run.force()
    names = {"id": run.folder.name, "folder": str(run.folder), "record.json": f"{run.folder}/record.json"}
    assert ending(run.follow("restore_status", record=names[form])) == ("planned", "off", 0)


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", ["no-such-run", "../plans", "run-*", "*", "..", "/nowhere/at/all", "~"])
def test_a_record_that_is_not_there_is_not_found(rehearse: Make, record: str) -> None:
    run = rehearse("stuck")
    run.force()
    account = run.follow("restore_status", record=record)
    assert (ending(account), run.sent_since()) == (("refused", "off", 4), [])
    assert error_of(account)[:2] == ("plan", "RecordNotFound")


def test_the_record_must_be_named() -> None:
    for given in ({}, {"record": ""}):
        with pytest.raises(UsageError, match="record"):
            read_parameters("restore_status", {"vm_name": "web-01", **given})


def test_the_record_of_another_vm_is_refused(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.vm_name = "web-02"
    run.sim.world.set_status_of("web-02", **VENDORS_BODY)
    account = run.follow("restore_status", record=record, approve="0" * 64)
    assert (account.outcome, account.exit_code, run.sent_since()) == ("refused", 3, [])
    assert error_of(account) == (
        "plan",
        "Refused",
        "the record is of another VM or system: VM's name, VM key, machine, status row differ",
    )


@pytest.mark.parametrize("what", ["system", "host", "cloud", "kind"])
def test_the_record_of_another_system_is_refused(rehearse: Make, what: str) -> None:
    run = rehearse("stuck")
    record = run.force()
    if what == "system":
        run.sim.world.set_row("system", next(iter(run.sim.world.tables["system"])), id="cd" * 20)
    elif what == "host":
        # A system that does not say who it is has its host for a name.
        run.sim.world.set_row("system", next(iter(run.sim.world.tables["system"])), id="")
        run.profile = replace(run.profile, host="other.example")
    elif what == "cloud":
        run.sim.world.set_row("system", next(iter(run.sim.world.tables["system"])), cloud_name="lab-west")
    else:
        import httpx

        inner = run.sim.transport()

        def real(request: httpx.Request) -> httpx.Response:
            answer = inner.handler(request)
            answer.headers["server"] = "nginx"
            return answer

        run.transport = httpx.MockTransport(real)
    account = run.follow("restore_status", record=record)
    named = {"kind": "simulated"}.get(what, what)
    assert (ending(account), run.sent_since()) == (("refused", "off", 3), [])
    assert error_of(account) == ("plan", "Refused", f"the record is of another VM or system: {named} differ")


def test_a_record_without_an_override_is_refused(rehearse: Make) -> None:
    run = rehearse("stuck")
    run.run(finish=True)
    planned = run.folder.name
    run.force()
    account = run.follow("restore_status", record=planned)
    assert (ending(account), error_of(account)[2]) == (
        ("refused", "off", 3),
        f"the record {planned} holds no override: its run sent none",
    )


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _sealed_again(folder: Path) -> None:
    record = json.loads((folder / "record.json").read_text())
    record["files"]["journal.jsonl"] = sha256(folder / "journal.jsonl")
    (folder / "record.json").write_text(json.dumps(record))


TAMPERED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "journal": (
        lambda f: _edit(f / "journal.jsonl", '"unresponsive"', '"running"'),
        "journal.jsonl was changed after the record was made",
    ),
    "notebook": (
        lambda f: _edit(f / "notebook.ipynb", "unresponsive", "running"),
        "notebook.ipynb was changed after the record was made",
    ),
    "page is gone": (lambda f: (f / "notebook.html").unlink(), "notebook.html is missing"),
    "request": (
        lambda f: _edit(f / "record.json", '"powerstate": true,\n        "node": 1', '"powerstate": true'),
        "record.json and journal.jsonl do not agree on: undo",
    ),
    "journal, sealed again": (
        lambda f: (_edit(f / "journal.jsonl", '"unresponsive"', '"running"'), _sealed_again(f)),
        "record.json and journal.jsonl do not agree on: undo",
    ),
    "no hash": (
        lambda f: _edit(f / "record.json", '"journal.jsonl":', '"journal.old":'),
        "it names no hash of journal.jsonl; journal.old is missing",
    ),
    "no record": (lambda f: (f / "record.json").write_text("[]"), "record.json is not a record"),
    "no json": (lambda f: (f / "record.json").write_text("{"), "Expecting property name"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_record_that_was_changed_is_refused(rehearse: Make, what: str) -> None:
    change, words = TAMPERED[what]
    run = rehearse("stuck")
    record = run.force()
    shutil.copytree(run.folder, run.folder.with_name("kept"))
    change(run.folder)
    account = run.follow("restore_status", record=record)
    assert (ending(account), run.sent_since()) == (("refused", "off", 3), [])
    assert error_of(account)[:2] == ("plan", "Refused")
    assert words in error_of(account)[2]
    assert ending(run.follow("restore_status", record="kept")) == ("planned", "off", 0)


def test_a_row_that_something_else_wrote_since_is_not_undone(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.sim.world.revive_process("web-01", node=2)
    account = run.follow("restore_status", record=record)
    assert (ending(account), run.sent_since()) == (("refused", "alive", 5), [])
    assert error_of(account) == (
        "plan", "Drift", "the row is no longer as the override left it: something else wrote it",
    )  # fmt: skip


def test_a_vm_that_was_started_and_stopped_again_since_is_not_undone(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.sim.world.set_status_of("web-01", started=int(run.clock.now()))
    assert ending(run.follow("restore_status", record=record)) == ("refused", "off", 5)


def test_what_changes_between_plan_and_put_refuses_and_nothing_is_sent(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()

    def powered_on_elsewhere() -> None:
        run.sim.world.revive_process("web-01", node=2)

    account = run.restore(record, before={"restore": powered_on_elsewhere})
    assert (ending(account), run.sent_since()) == (("refused", "unknown", 5), [])
    assert run.steps(account)["restore"] == "refused"


@pytest.mark.parametrize("gate", ["stop", "expired", "digest", "window", "list", "two people", "lease"])
def test_every_gate_of_the_override_closes_the_restore_too(
    rehearse: Make, policy: Callable[[str], None], gate: str
) -> None:
    run = rehearse("stuck")
    record = run.force()
    code, params, before = 3, {}, {}
    if gate == "stop":
        before = {"restore": (run.outputs / "STOP").touch}
    elif gate == "expired":
        before, code = {"restore": lambda: run.clock.sleep(3600)}, 5
    elif gate == "digest":
        run.planned = run.follow("restore_status", record=record)
        account = run.follow("restore_status", record=record, approve="0" * 64)
        assert (ending(account), run.sent_since()) == (("refused", "off", 5), [])
        return
    elif gate == "window":
        policy('[[window]]\ndays = ["tue"]\nfrom = "03:00"\nto = "04:00"\ntimezone = "UTC"')
    elif gate == "list":
        policy('[do_not_touch]\nnames = ["web-*"]')
    elif gate == "two people":
        policy("[approval]\ntwo_people = true")
        params = {"operator": "jo", "approver": "Jo"}
    else:
        digest = run.follow("restore_status", record=record).fact("plan_digest")
        other = run.open("restore_status", record=record, approve=digest)
        for step in other.engine.steps[:6]:
            other.step(step.id)
        account = run.follow("restore_status", record=record, approve=digest)
        assert (account.outcome, account.exit_code, run.sent_since()) == ("refused", 3, [])
        run.end(other)
        return
    if gate == "list":
        account = run.follow("restore_status", record=record, approve="0" * 64)
    else:
        account = run.restore(record, before=before, **params)
    assert (account.outcome, account.exit_code, run.sent_since()) == ("refused", code, [])


def test_an_approval_that_ended_long_ago_opens_nothing(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    account = run.restore(record, approve_until=LONG_AGO)
    assert (account.exit_code, run.sent_since()) == (5, [])


# -- what comes back -------------------------------------------------------------------------------


def test_a_node_that_rewrites_the_restored_row_is_shown_and_ends_unknown(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.sim.world.truth("web-01").copies = [1]  # it lives after all, and its node says so 2 s later
    account = run.restore(record)
    assert ending(account) == ("unknown", "alive", 7)
    assert error_of(account) == (
        "confirm",
        "VerdictUnknown",
        "the row was rewritten by something else: it says running now",
    )
    (confirm,) = [result for result in account.results if result.step == "confirm"]
    assert ("status", "unresponsive", "running", False) in confirm.tables[0].rows
    assert len(run.sent_since()) == 1


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("doubt", ["408", "500", "503", "timeout", "dropped after", "dropped in the middle"])
def test_a_restore_in_doubt_is_sent_once_and_settled_by_reading_back(
    rehearse: Make, doubt: str, executed: bool
) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(**in_doubt(doubt, executed))
    account = run.restore(record, confirm_timeout_s=40)
    assert (ending(account), len(run.sent_since())) == (
        ("done", "off", 0) if executed else ("unknown", "unknown", 7),
        1,
    )
    assert run.steps(account)["restore"] == "unknown"
    assert (run.six() == run.former) is executed


@pytest.mark.parametrize("status", REFUSED_BY_PLATFORM)
def test_a_restore_that_the_platform_refuses_is_sent_once_and_fails_with_its_code(
    rehearse: Make, status: int
) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(status=status)
    account = run.restore(record)
    assert (ending(account), len(run.sent_since())) == (
        ("failed", "unknown", REFUSED_BY_PLATFORM[status]),
        1,
    )
    assert run.steps(account)["confirm"] == "skipped"


def four(run: FollowUp) -> dict[str, Any]:
    return {name: run.former[name] for name in VENDORS_BODY}


def rungs(account: Any) -> list[str]:
    return [request["rung"] for request in account.fact("plan")["requests"]]


def test_a_read_only_column_is_left_out_by_the_second_request_that_the_plan_holds(rehearse: Make) -> None:
    run = rehearse("stuck", switches=Switches(read_only_status_columns="powerstate_and_node"))
    record = run.force()
    account = run.restore(record)
    assert (ending(account), rungs(account)) == (("done", "off", 0), ["restore", "restore in four fields"])
    row = f"machine_status/{run.sim.world.vm('web-01').status}"
    assert run.sent_since() == [("PUT", row, run.former), ("PUT", row, four(run))]
    assert {name: run.six()[name] for name in VENDORS_BODY} == four(run)
    restored = next(result for result in account.results if result.step == "restore")
    assert restored.summary.endswith("in the vendor's four fields, because powerstate is read-only.")


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("field 'node' is readonly", 2),
        ("field 'machine_status.node' is read-only", 2),
        ("field 'status' is readonly", 1),
        ("field 'mood' is readonly", 1),
        ("value 'x' is not in list for field 'node'", 1),
    ],
)
def test_no_other_refusal_has_the_second_request_sent(rehearse: Make, text: str, sent: int) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(status=422, text=text)
    account = run.restore(record)
    assert (ending(account)[0], len(run.sent_since())) == ("failed", sent)


def test_a_stop_between_the_two_requests_sends_no_second_one(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(status=422, text="field 'node' is readonly")
    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        if request.method == "PUT":
            (run.outputs / "STOP").touch()
        return answer

    run.transport = httpx.MockTransport(door)
    account = run.restore(record)
    assert (ending(account)[0], len(run.sent_since())) == ("refused", 1)


@pytest.mark.parametrize(("holds", "planned"), [(True, ["restore"]), (False, ["restore"])])
def test_what_was_measured_of_the_columns_leaves_one_request(
    rehearse: Make, holds: bool, planned: list[str]
) -> None:
    run = rehearse("stuck")
    record = run.force()
    book = run.open("restore_status", record=record)
    assert isinstance(book.case, Case)
    for step in book.engine.steps:
        book.step(step.id)
        if step.id == "connect":
            book.case.knowledge = PlatformKnowledge({STATUS_ROW_TAKES_ALL: Known(holds)})
    account = run.end(book)
    assert rungs(account) == planned
    assert account.fact("plan")["requests"][0]["body"] == (run.former if holds else four(run))


def test_no_way_of_running_on_sends_the_restore_again(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(drop="before")
    quick = {"record": record, "settle_s": 5, "confirm_timeout_s": 9}
    digest = run.follow("restore_status", **quick).fact("plan_digest")
    book = run.open("restore_status", approve=digest, **quick)
    for _ in range(3):
        for step in (*book.engine.steps, *reversed(book.engine.steps)):
            book.step(step.id)
    assert (ending(run.end(book)), len(run.sent_since())) == (("unknown", "unknown", 7), 1)


def test_a_platform_that_takes_the_four_fields_only_ends_unknown_and_names_the_others(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    record = run.force()
    inner = run.sim.transport()

    def only_four(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            body = {k: v for k, v in json.loads(request.content).items() if k in VENDORS_BODY}
            request = httpx.Request("PUT", request.url, headers=_headers(request), content=json.dumps(body))
        return inner.handler(request)

    run.transport = httpx.MockTransport(only_four)
    run.former = {k: v for k, v in run.former.items() if k in VENDORS_BODY}
    account = run.restore(record)
    assert (ending(account), error_of(account)[2]) == (
        ("unknown", "unknown", 7),
        "the row is not as it was in: powerstate, node",
    )


def _headers(request: Any) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name != "content-length"}


def test_a_stop_ends_the_reading_back_as_unknown(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    account = run.restore(record, before={"confirm": (run.outputs / "STOP").touch})
    assert (ending(account), run.six()) == (("unknown", "unknown", 7), run.former)


def test_no_secret_reaches_a_file_of_a_restore(rehearse: Make) -> None:
    run = rehearse("stuck")
    record = run.force()
    run.put_answers(status=403, text=f"no: {PASSWORD}")
    account = run.restore(record, finish=True)
    assert ending(account) == ("failed", "unknown", 9)
    texts = [path.read_bytes() for path in run.outputs.rglob("*") if path.is_file()]
    assert [s for s in spellings(PASSWORD, "admin") if any(s.encode() in text for text in texts)] == []
