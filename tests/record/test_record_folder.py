"""The record: whole and checked, truthful for runs cut short, inert whatever names hold, without secrets."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rehearsal import API_KEY, PASSWORD, Rehearsal, ending
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.journal import append_after_death, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.record.making import make_record
from vergeos_nb.record.record_folder import check, named_after, new_folder, read, slug
from vergeos_nb.record.render import render
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.runbook_files import runbook_path
from vergeos_nb.settings import spellings
from vergeos_nb.simulator.scenarios.row_scenarios import ODD_NAMES
from vergeos_nb.views.shown import Picture
from vergeos_nb.views.summary import summary_view

Make = Callable[..., Rehearsal]
FILES = {
    "journal.jsonl", "notebook.ipynb", "notebook.html", "record.json", "timeline.png", "timeline.svg",
}  # fmt: skip
STATUSES = {
    **dict.fromkeys(["connect", "locate", "status_key", "verify", "alive", "plan"], "passed"),
    **dict.fromkeys(["poweroff", "snapshot", "kill"], "skipped"),
    **dict.fromkeys(["force", "confirm"], "passed"),
}
EVIL = ODD_NAMES[7]  # <script>alert(1)</script>


def runbook() -> Any:
    return nbformat.read(runbook_path("force_power_off"), as_version=4)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A finished record of an approved run."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("done"))
    digest = run.run().fact("plan_digest")
    account = run.run(finish=True, approve=digest, approver="Jo", ticket="INC-7", reason="it hangs")
    assert ending(account) == ("done", "off", 0)
    return run


# -- folders -------------------------------------------------------------------------------------


@given(st.text())
def test_a_folder_is_tame_whatever_the_vm_is_called(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    outputs = tmp_path_factory.mktemp("o")
    folder = new_folder(outputs, "force_power_off", name, 1_790_090_000.0)
    assert folder.parent == outputs / "2026-09-22"
    assert re.fullmatch(r"151320Z-force_power_off-[a-z0-9-]{1,40}-[0-9a-f]{8}", folder.name)


def test_a_slug_keeps_what_can_be_read_and_is_never_empty() -> None:
    names = ["Web 01", "../../etc", "bücher-łódź", "数据", "", "--", "a" * 60]
    assert [slug(name) for name in names] == ["web-01", "etc", "bucher-odz", "vm", "vm", "vm", "a" * 40]


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path) -> None:
    assert len({new_folder(tmp_path, "r", "x", 0.0) for _ in range(5)}) == 5


def test_a_place_that_takes_no_folder_is_an_error_of_the_record(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="Not a directory"):
        new_folder(tmp_path / "file", "r", "x", 0.0)


# -- a whole record ------------------------------------------------------------------------------


def test_record_json_tells_the_whole_story(done: Rehearsal) -> None:
    record = dict(read(done.folder))
    vm = done.sim.world.vm("web-01")
    (call,) = record["changing_calls"]
    assert call["exchange"]["status"] == 200
    body = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
    expected = {
        "format": "vergeos-nb/record/1",
        "id": done.folder.name,
        "runbook": "force_power_off",
        "profile": "simulator",
        "host": "vergeos.example",
        "user": "admin",
        "tls": "verified",
        "simulated": True,
        "cloud_name": "lab-east",
        "reason": "it hangs",
        "ticket": "INC-7",
        "vm": {"name": "web-01", "key": vm.key, "machine": vm.machine},
        "status_key": vm.status,
        "outcome": "done",
        "verdict": "off",
        "exit_code": 0,
        "stopped_in": None,
        "interrupted_by": None,
        "bug": None,
    }
    assert {name: record[name] for name in expected} == expected
    assert (record["before"]["status"], record["after"]["status"]) == ("unresponsive", "stopped")
    assert (record["approval"]["approver"], record["approval"]["digest"]) == ("Jo", record["plan_digest"])
    assert (call["method"], call["path"], call["body"]) == (
        "PUT",
        f"/api/v4/machine_status/{vm.status}",
        body,
    )
    assert {step["step"]: step["outcome"] for step in record["steps"]} == STATUSES


def test_the_hashes_are_those_of_the_files(done: Rehearsal) -> None:
    expected = {
        name: hashlib.sha256((done.folder / name).read_bytes()).hexdigest()
        for name in FILES - {"record.json"}
    }
    assert (read(done.folder)["files"], check(done.folder)) == (expected, [])
    assert {path.name for path in done.folder.iterdir()} == FILES | {"manifest.json"}


def test_a_record_that_is_made_again_has_the_same_picture_in_it_to_the_byte(
    done: Rehearsal, tmp_path: Path
) -> None:
    (tmp_path / "journal.jsonl").write_bytes((done.folder / "journal.jsonl").read_bytes())
    make_record(tmp_path, runbook(), Scrubber())
    for name in ("timeline.png", "timeline.svg"):
        assert (tmp_path / name).read_bytes() == (done.folder / name).read_bytes()
    first = notebook_of(tmp_path).cells[0]
    assert [sorted(output.data) for output in first.outputs] == [
        ["text/html", "text/plain"],
        ["image/png", "text/plain"],
    ]
    assert b64decode(first.outputs[1].data["image/png"]) == (tmp_path / "timeline.png").read_bytes()


def test_a_run_that_cannot_be_drawn_has_its_record_all_the_same(
    done: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise OverflowError("<b>")

    monkeypatch.setattr("vergeos_nb.record.making.timeline_of", broken)
    (tmp_path / "journal.jsonl").write_bytes((done.folder / "journal.jsonl").read_bytes())
    assert ending(make_record(tmp_path, runbook(), Scrubber())) == ("done", "off", 0)
    assert check(tmp_path) == []
    assert "the picture could not be drawn (OverflowError)" in (tmp_path / "notebook.html").read_text()


def test_the_kept_plan_is_named_after_its_own_hash(done: Rehearsal) -> None:
    (kept,) = (done.outputs / "plans").iterdir()
    assert kept.name == f"{hashlib.sha256(kept.read_bytes()).hexdigest()}.json"


def test_a_changed_and_a_missing_file_are_found(done: Rehearsal, tmp_path: Path) -> None:
    folder = copied(done.folder, tmp_path / "copy")
    with (folder / "journal.jsonl").open("a") as file:
        file.write("\n")
    (folder / "notebook.html").unlink()
    assert check(folder) == [
        "journal.jsonl was changed after the record was made",
        "notebook.html is missing",
    ]


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"files": 3}', "{"])
def test_a_folder_without_a_record_is_said_so(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "record.json").write_text(content)
    with pytest.raises(RecordError):
        check(tmp_path)


def test_finishing_again_makes_the_same_files_from_the_runbook_and_from_its_own_notebook(
    done: Rehearsal, tmp_path: Path
) -> None:
    folder = copied(done.folder, tmp_path / done.folder.name)
    before = {name: (folder / name).read_bytes() for name in FILES}
    make_record(folder, runbook(), Scrubber())
    assert {name: (folder / name).read_bytes() for name in FILES} == before
    make_record(folder, nbformat.read(folder / "notebook.ipynb", as_version=4), Scrubber())
    assert {name: (folder / name).read_bytes() for name in FILES} == before


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for path in folder.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    return to


# -- the notebook --------------------------------------------------------------------------------


def notebook_of(folder: Path) -> Any:
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    return notebook


def statuses(notebook: Any) -> dict[str, str]:
    marked = [cell.metadata["vergeos_nb"] for cell in notebook.cells if "vergeos_nb" in cell.metadata]
    return {mark.get("step", "close"): mark["status"] for mark in marked}


def test_the_notebook_is_valid_and_shows_every_step(done: Rehearsal) -> None:
    notebook = notebook_of(done.folder)
    assert statuses(notebook) == {**STATUSES, "close": "done"}
    steps = [cell for cell in notebook.cells if "step" in cell.metadata.get("vergeos_nb", {})]
    told = [cell.metadata["vergeos_nb"]["step"] for cell in steps if cell.outputs]
    assert told == [step for step in STATUSES if step not in ("snapshot", "kill")]
    (skipped,) = [cell.outputs[0].data for cell in steps if cell.metadata["vergeos_nb"]["step"] == "poweroff"]
    assert skipped["text/plain"].startswith("– Power off, Snapshot, Kill power: skipped. ")
    summary = summary_of(run_state_of(read_journal(done.folder / "journal.jsonl")))
    shown = summary_view(summary, steps=False)
    # A live page shows marked times as local ones; a record keeps UTC and has no marks.
    unmarked = shown["text/html"].replace("<time>", "").replace("</time>", "")
    assert notebook.cells[0].outputs[0].data == {**shown, "text/html": unmarked}
    parameters = next(c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", []))
    compile(parameters.source, "parameters", "exec")
    assert parameters.source.splitlines()[:2] == ["# Parameters of this run", "vm_name = 'web-01'"]
    assert "settle_s" not in parameters.source
    assert "settle_s = 30.0" in parameters.outputs[0].data["text/plain"]


def test_a_record_holds_no_instruction_for_a_run_that_goes_on(done: Rehearsal) -> None:
    """It told to run all cells first, months after the run."""
    text = (done.folder / "notebook.ipynb").read_text() + (done.folder / "notebook.html").read_text()
    guidance = ["run all cells first", "Look at:", "Stop when", "click from card to card"]
    assert [words for words in guidance if words in text] == []


def test_what_a_person_has_written_into_the_notebook_stays_in_the_record(done: Rehearsal) -> None:
    base = runbook()
    base.cells.insert(9, nbformat.v4.new_markdown_cell("The owner says that it may be lost."))
    journal = read_journal(done.folder / "journal.jsonl")
    notebook = render(base, run_state_of(journal), Scrubber(), Picture(timeline_of(journal.lines)))
    assert [cell.source for cell in notebook.cells if cell.cell_type == "markdown"] == [
        "The owner says that it may be lost."
    ]


def test_what_a_browser_or_a_dying_kernel_left_in_the_cells_does_not_get_into_the_record(
    done: Rehearsal,
) -> None:
    base = runbook()
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Password()"}
    lie = nbformat.v4.new_output("stream", text="verdict: off")
    for cell in base.cells:
        cell.metadata["papermill"] = {"status": "completed"}
        if cell.cell_type == "code":
            cell.outputs = [copy.deepcopy(lie), nbformat.v4.new_output("display_data", data=dict(widget))]
    secret = nbformat.v4.new_code_cell("1")
    secret.outputs = [nbformat.v4.new_output("stream", text="it was hunter22")]
    base.cells.append(secret)
    base.cells.insert(0, nbformat.v4.new_markdown_cell("x", metadata={"tags": ["papermill-error-cell-tag"]}))
    base.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {"1": "hunter22"}}}
    account = run_state_of(read_journal(done.folder / "journal.jsonl"))
    picture = Picture(timeline_of(read_journal(done.folder / "journal.jsonl").lines))
    notebook = render(base, account, Scrubber(["hunter22"]), picture)
    text = nbformat.writes(notebook)
    nbformat.validate(notebook)
    assert not [word for word in ("widget", "papermill", "hunter22", "completed") if word in text]
    marked = [cell for cell in notebook.cells if "vergeos_nb" in cell.metadata]
    assert not [cell for cell in marked if "verdict: off" in str(cell.outputs) and "Verdict" not in str(cell)]


CUTS = {
    # where the journal ends: (statuses of alive, plan, force, confirm and close; exit code)
    "step-began alive": (["interrupted", "not run", "not run", "not run", "interrupted"], 7),
    "step-began force": (["passed", "passed", "interrupted", "not run", "interrupted"], 7),
    "intent": (["passed", "passed", "interrupted", "not run", "interrupted"], 7),
    "step-began confirm": (["passed", "passed", "passed", "interrupted", "interrupted"], 7),
}


@pytest.mark.parametrize("where", CUTS)
def test_a_run_that_was_killed_has_a_truthful_record(done: Rehearsal, tmp_path: Path, where: str) -> None:
    event, _, step = where.partition(" ")
    kept: list[bytes] = []
    for text in (done.folder / "journal.jsonl").read_bytes().splitlines(keepends=True):
        kept.append(text)
        line = json.loads(text)
        if line["event"] == event and line.get("step", "") == step:
            break
    (tmp_path / "journal.jsonl").write_bytes(b"".join(kept) + b'{"n": 99, "ev')
    append_after_death(tmp_path / "journal.jsonl", done.clock, "interrupted", step=step, by="SIGKILL")
    account = make_record(tmp_path, runbook(), Scrubber())
    expected, exit_code = CUTS[where]
    seen = statuses(notebook_of(tmp_path))
    assert [seen[name] for name in ("alive", "plan", "force", "confirm", "close")] == expected
    record = read(tmp_path)
    assert (record["outcome"], record["exit_code"], record["interrupted_by"]) == (
        "interrupted",
        exit_code,
        "SIGKILL",
    )
    assert check(tmp_path) == []
    html = (tmp_path / "notebook.html").read_text()
    sent = account.changing_calls
    assert ("none was sent" in html) is not bool(sent)
    assert ("MAY HAVE BEEN SENT" in html) is (where == "intent")


def test_a_bug_has_its_traceback_in_its_cell_and_the_exit_code_70(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open(finish=True)
    book.step("connect")

    def broken(_: str) -> Any:
        raise ZeroDivisionError("evil \x1b[2J\u202e <script>alert(1)</script>")

    book.engine._case.platform.vms_named = broken
    with pytest.raises(ZeroDivisionError):
        book.step("locate")
    account = book.end()
    assert ending(account) == ("failed", "unknown", 70)
    notebook = notebook_of(run.folder)
    cell = next(c for c in notebook.cells if c.metadata.get("vergeos_nb", {}).get("step") == "locate")
    assert (cell.metadata["vergeos_nb"]["status"], cell.outputs[0].output_type) == ("interrupted", "error")
    everything = "\n".join((run.folder / name).read_text() for name in ("notebook.ipynb", "notebook.html"))
    assert "\x1b" not in everything
    assert "\u202e" not in everything
    assert Page((run.folder / "notebook.html").read_text()).scripts == 0


# -- the page ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would load, run and show."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts = 0
        self.loaded: list[str] = []
        self.handlers: list[str] = []
        self.pictures: list[str] = []
        self.styles: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag in ("script", "iframe", "object", "embed", "base", "form", "svg")
        if tag == "img" and (dict(attrs)["src"] or "").startswith("data:image/svg+xml;base64,"):
            self.pictures.append(dict(attrs)["alt"] or "")
            attrs = []
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            if name in ("src", "href", "srcset", "poster", "action", "data") and not (value or "").startswith(
                "#"
            ):
                self.loaded.append(value or "")
            if name == "style":
                self.styles.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_nothing_but_itself(done: Rehearsal) -> None:
    text = (done.folder / "notebook.html").read_text()
    page = Page(text)
    assert (page.scripts, page.handlers, page.loaded) == (0, [], [])
    assert [alt.splitlines()[0] for alt in page.pictures] == ["web-01: done, verdict off"]
    written = re.sub(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.findall(r"@import|url\(|https?://|//[a-z]+\.[a-z]", written)
    assert "default-src 'none'" in text


def test_the_page_reads_light_dark_and_printed_with_colours_in_pairs(done: Rehearsal) -> None:
    text = (done.folder / "notebook.html").read_text()
    assert {"prefers-color-scheme: dark", "@media print", "color-scheme: light dark"} <= set(
        re.findall(r"prefers-color-scheme: dark|@media print|color-scheme: light dark", text)
    )
    rules = [*Page(text).styles, *re.findall(r"\{([^{}]*)\}", text)]
    unpaired = [r for r in rules if bool(re.search(r"background:", r)) and not re.search(r"(?<!-)color:", r)]
    assert unpaired == []


@pytest.mark.parametrize(
    "name", [EVIL, ODD_NAMES[0], 'x" onmouseover="alert(1)', "]]><!--", "web\u202e10-bew"]
)
def test_hostile_names_are_inert_in_every_file_of_the_record(rehearse: Make, name: str) -> None:
    run = rehearse("odd_names")
    if not run.sim.world.vms(name):
        run.sim.world.add_vm(name)
    run.run(
        finish=True,
        vm_name=name,
        reason=f"</pre>{EVIL}",
        ticket="[x](javascript:alert(1))",
        operator=f"*{EVIL}*",
    )
    text = (run.folder / "notebook.html").read_text()
    page = Page(text)
    assert (page.scripts, page.handlers, page.loaded) == (0, [], [])
    assert "b" not in page.tags
    assert len(page.pictures) == 1
    shown = name.replace("\u202e", "\\u202e")
    assert shown in page.text
    assert "&amp;lt;" not in text
    assert "\u202e" not in text
    for cell in notebook_of(run.folder).cells:
        for output in cell.get("outputs", []):
            plain, html = output["data"]["text/plain"], output["data"].get("text/html", "")
            assert "\u202e" not in plain + html
            assert Page(html).scripts == 0


# -- secrets -------------------------------------------------------------------------------------


def searched(outputs: Path, *secrets: str) -> list[tuple[str, str]]:
    """(file, spelling) of each secret that is found in a file or in its name."""
    found = []
    for path in outputs.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for spelling in secrets:
            if spelling.encode() in content or spelling in path.name:
                found.append((path.name, spelling))
    return found


def all_spellings() -> tuple[str, ...]:
    return (*spellings(PASSWORD, "admin"), *spellings(API_KEY))


@pytest.mark.parametrize("kind", ["basic", "bearer", "session"])
def test_no_secret_reaches_any_file_of_any_ending(rehearse: Make, kind: str) -> None:
    run = rehearse("stuck", kind=kind)
    secret = API_KEY if kind == "bearer" else PASSWORD
    digest = run.run(finish=True).fact("plan_digest")
    run.put_answers(status=403, text=f"no: {secret}")
    account = run.run(finish=True, approve=digest)
    assert ending(account) == ("failed", "unknown", 9)
    assert "no: •••" in (run.folder / "notebook.html").read_text()
    ended = [entry.path.rpartition("/")[2] for entry in run.requests if entry.method == "DELETE"]
    assert len(ended) == (2 if kind == "session" else 0)
    assert searched(run.outputs, *all_spellings(), *ended) == []


def test_a_platform_that_echoes_the_credentials_does_not_get_them_into_the_record(rehearse: Make) -> None:
    run = rehearse("stuck")
    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        data = json.loads(answer.content)
        extra = {PASSWORD: request.headers["authorization"], "x": [PASSWORD * 2, f"a{PASSWORD}b"]}
        if isinstance(data, dict):
            data |= extra
        elif data:
            data[0] |= extra
        return httpx.Response(answer.status_code, headers={"Server": answer.headers["server"]}, json=data)

    run.transport = httpx.MockTransport(door)
    account = run.run(finish=True)
    assert ending(account) == ("planned", "off", 0)
    assert searched(run.outputs, *all_spellings()) == []


def test_a_secret_in_a_bugs_own_words_is_masked(rehearse: Make) -> None:
    run = rehearse("stuck")
    book = run.open(finish=True)

    def broken() -> Any:
        raise ZeroDivisionError(f"while sending {PASSWORD}")

    book.engine._case.platform.system = broken
    with pytest.raises(ZeroDivisionError):
        book.step("connect")
    book.end()
    assert searched(run.outputs, *all_spellings()) == []


def test_a_plan_that_holds_a_secret_is_not_kept(tmp_path: Path) -> None:
    plan = Plan({"assertion": f"I know {PASSWORD}"})
    PlanShelf(tmp_path, Scrubber(spellings(PASSWORD))).keep(plan)
    assert (list(tmp_path.rglob("*")), PlanShelf(tmp_path).find(plan.digest)) == ([], None)


@pytest.mark.parametrize("parameter", ["reason", "assertion", "operator"])
def test_a_secret_typed_into_a_parameter_is_masked(rehearse: Make, parameter: str) -> None:
    run = rehearse("node_dead")
    run.run(finish=True, **{parameter: f"the password is {PASSWORD}"})
    assert searched(run.outputs, *all_spellings()) == []


def test_a_platform_that_calls_itself_by_the_password_does_not_get_it_into_a_kept_plan(
    rehearse: Make,
) -> None:
    run = rehearse("stuck")
    run.sim.world.set_row("system", next(iter(run.sim.world.tables["system"])), cloud_name=f"lab {PASSWORD}")
    run.run(finish=True)
    assert searched(run.outputs, *all_spellings()) == []


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("web-01", "103000Z-force_power_off-web-01-0123abcd"),
        ("my-vm", "103000Z-force_power_off-my-vm-0123abcd"),
        ("Web 01/../x", "103000Z-force_power_off-web-01-x-0123abcd"),
        ("vm", "103000Z-force_power_off-vm-0123abcd"),
        ("", "103000Z-force_power_off-vm-0123abcd"),
    ],
)
def test_the_folder_of_a_run_gets_the_name_of_the_vm_that_was_chosen_on_the_way(
    tmp_path: Path, subject: str, name: str
) -> None:
    for first in ("vm", "db-07"):
        folder = tmp_path / first / f"103000Z-force_power_off-{first}-0123abcd"
        folder.mkdir(parents=True)
        named = named_after(folder, "force_power_off", subject)
        assert named.name == (name if subject else folder.name)
        assert [path.name for path in (tmp_path / first).iterdir()] == [named.name]


def test_a_folder_that_holds_a_record_or_belongs_to_nobody_keeps_its_name(tmp_path: Path) -> None:
    sealed = tmp_path / "103000Z-force_power_off-vm-0123abcd"
    sealed.mkdir()
    (sealed / "record.json").write_text("{}")
    other = tmp_path / "run-1"
    other.mkdir()
    assert named_after(sealed, "force_power_off", "web-01") == sealed
    assert named_after(other, "force_power_off", "web-01") == other
    assert sorted(path.name for path in tmp_path.iterdir()) == [sealed.name, other.name]
