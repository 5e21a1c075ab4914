"""The end of a live run: who, what, why, the verdict, its record, and the ways on from it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.widgets.sitting import PATIENCE_S, Sitting, text
from vergeos_nb.archive.export.markdown import as_markdown
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.seal import newest_entries
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.record.record_folder import check, read

Sit = Callable[..., Sitting]


@pytest.fixture
def served_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Jupyter server that serves the folder of the archive, and this test's notebook in it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    told = {"root_dir": str(tmp_path), "base_url": "/jupyter/", "token": "a-token-of-this-server"}
    (runtime / "jpserver-4711.json").write_text(json.dumps(told))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "live.ipynb"))
    return tmp_path


def way(card: Any, name: str) -> Any:
    """A button of the closing card's ways on."""
    (found,) = [one for one in card.ways.buttons.children if f"vnb-way-{name}" in one._dom_classes]
    return found


def values(path: Path) -> dict[str, Any]:
    """What the parameters cell of a notebook sets."""
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = [one for one in cells if "parameters" in one.metadata.get("tags", [])]
    names: dict[str, Any] = {}
    exec(cell.source, names)
    return names


def forced_off(at: Sitting) -> Any:
    """The closing card of a run that has forced its VM off."""
    at.until("confirm")
    return at.close()


def test_the_end_says_who_what_why_the_verdict_and_gives_the_ticket_its_text(
    sit: Sit, served_from: Path
) -> None:
    at = sit(ticket="INC-4711")
    card = forced_off(at)
    shown = text(card.message.value)
    assert shown.startswith("✔ OFF Forced off, and there is evidence")
    assert "VM web-01 (VM key 41, machine 44, status row 46) done by ada " in shown
    assert "PUT /api/v4/machine_status/46" in shown
    assert "why it hangs ticket INC-4711 " in shown
    entry = newest_entries(at.outputs, {at.run.folder.name})[at.run.folder.name]
    journal = read_journal(at.run.folder / "journal.jsonl")
    ticket = as_markdown(run_state_of(journal), journal, entry)
    assert ticket in html.unescape(card.message.value)
    assert "a-token-of-this-server" not in card.message.value


def test_the_record_is_a_link_where_the_server_serves_it_and_a_path_to_copy_where_it_does_not(
    sit: Sit, served_from: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = sit()
    path = "outputs/2026-09-22/run-1/notebook.html"
    link = f'<a href="/jupyter/lab/tree/{path}" data-vnb-open="{path}" target="_blank">run-1</a>'
    at.until("confirm")
    assert link not in at.live._guide.html
    card = at.close()
    assert link in card.message.value
    assert link in at.live._guide.html
    monkeypatch.setenv("VOILA_KERNEL_ID", "1")
    other = sit()
    other.run.runs = 1
    card = forced_off(other)
    assert "<a " not in card.message.value
    assert f"data-vnb-text>{other.run.folder}<" in card.message.value
    assert "<a " not in other.live._guide.html


def test_a_record_behind_the_link_to_the_archive_is_served_by_the_link_s_path(
    sit: Sit, served_from: Path
) -> None:
    lab = served_from / "lab"
    lab.mkdir()
    (lab / "records").symlink_to(served_from / "outputs")
    told = {"root_dir": str(lab), "base_url": "/"}
    (served_from / "runtime" / "jpserver-4711.json").write_text(json.dumps(told))
    card = forced_off(sit())
    assert 'href="/lab/tree/records/2026-09-22/run-1/notebook.html"' in card.message.value


def test_watching_and_undoing_open_a_runbook_whose_parameters_are_filled_in(
    sit: Sit, served_from: Path
) -> None:
    at = sit(ticket="INC-4711")
    card = forced_off(at)
    filled = {"vm_name": "web-01", "vm_key": 41, "operator": "ada", "ticket": "INC-4711", "reason": ""}
    presses = set()
    for name, record in (("watch", None), ("undo", at.run.folder.name)):
        way(card, name).click()
        assert card.ways.job.join(PATIENCE_S)
        assert text(card.ways.message.value) == ""
        made = values(served_from / card.ways.opener.path)
        assert {key: made[key] for key in filled} == filled
        assert (made.get("record"), made["approve"]) == (record, "")
        assert card.ways.opener.url == f"/jupyter/lab/tree/{card.ways.opener.path}"
        presses.add(card.ways.opener.press)
    assert len(presses) == 2


def test_a_run_that_overrode_nothing_offers_no_undo_and_another_one_can_begin_at_once(
    sit: Sit, served_from: Path
) -> None:
    at = sit()
    at.until("alive")
    card = at.close()
    assert [one.description for one in card.ways.buttons.children] == ["Watch it", "Begin a new run"]
    way(card, "again").click()
    assert card.ways.job.join(PATIENCE_S)
    assert card.ways.opener.path == "live.ipynb"


def test_a_way_that_cannot_be_prepared_says_why_and_what_to_do_instead(
    sit: Sit, served_from: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = forced_off(sit())
    monkeypatch.setenv("JPY_SESSION_NAME", str(served_from / "gone" / "live.ipynb"))
    way(card, "watch").click()
    assert card.ways.job.join(PATIENCE_S)
    assert "open the runbook watch_after_power_off by hand" in text(card.ways.message.value)
    monkeypatch.setenv("JPY_SESSION_NAME", "a-session-without-a-file")
    way(card, "watch").click()
    assert card.ways.job.join(PATIENCE_S)
    assert "open the runbook by hand instead" in text(card.ways.message.value)
    assert card.ways.opener.press == ""


def test_the_record_of_a_run_whose_vm_was_named_on_the_way_carries_its_name(sit: Sit) -> None:
    at = sit(vm_name="")
    folder = at.outputs / "2026-09-22" / "103000Z-force_power_off-vm-0123abcd"
    folder.mkdir(parents=True)
    at.live._open_run = lambda options, **how: at._open(options, **{**how, "folder": folder})
    at.click("connect")
    at.live.step("locate").form.fields["vm_name"].value = "web-01"
    at.click("locate")
    card = at.close()
    named = folder.with_name("103000Z-force_power_off-web-01-0123abcd")
    assert (folder.exists(), check(named), read(named)["id"]) == (False, [], named.name)
    assert named.name in text(card.message.value)
    assert [entry.record for entry in Index(at.outputs).find(Query())] == [named.name]
