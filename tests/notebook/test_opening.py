"""What a notebook's cells call: opening, stepping, closing, and what each of them shows and leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal import PASSWORD, Rehearsal, ending
from vergeos_nb import open_runbook
from vergeos_nb.errors import SettingsError, UsageError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.notebook.live import LiveRun
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.views.shown import RunStopped


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ``open_runbook`` puts its records."""
    monkeypatch.setenv("VERGEOS_NB_OUTPUTS", str(tmp_path / "archive"))
    return tmp_path / "archive"


def only_record(archive: Path) -> Path:
    (folder,) = archive.glob("*/*")
    return folder


def test_a_step_is_shown_as_html_and_text_and_as_tables(tmp_path: Path) -> None:
    run = Rehearsal("stuck", tmp_path)
    book = run.open(finish=True)
    view = book.step("connect")
    assert set(view._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert repr(view) == view._repr_mimebundle_()["text/plain"]
    assert list(view.frames) == ["facts", "calls"]
    assert view.frames["facts"].set_index("fact")["value"]["cloud"] == "lab-east"
    run.end(book)


def test_a_step_is_shown_as_text_alone_where_a_runner_makes_the_record(tmp_path: Path) -> None:
    run = Rehearsal("stuck", tmp_path)
    book = run.open()
    assert set(book.step("connect")._repr_mimebundle_()) == {"text/plain"}
    run.end(book)


def test_closing_shows_the_summary_makes_the_record_and_can_be_repeated(tmp_path: Path) -> None:
    run = Rehearsal("stuck", tmp_path)
    book = run.open(finish=True)
    for step in book.engine.steps:
        book.step(step.id)
    shown = repr(book.close())
    assert shown.startswith("✔ planned · verdict off   [SIMULATED system (profile lab, host vergeos.example")
    assert "Planned. Nothing was changed: no approval was given." in shown
    assert (repr(book.close()), check(run.folder)) == (shown, [])


def test_closing_a_run_that_was_not_done_as_asked_stops_the_notebook_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Rehearsal("twins", tmp_path)
    book = run.open(finish=True)
    for step in book.engine.steps:
        book.step(step.id)
    with pytest.raises(RunStopped) as caught:
        book.close()
    assert (caught.value.exit_code, read(run.folder)["exit_code"]) == (4, 4)
    assert str(caught.value).endswith("2 VMs have this name (VM keys 41, 61) (exit code 4)")
    assert caught.value._render_traceback_() == [f"Run stopped: {caught.value}"]


def test_a_run_that_nobody_closed_has_a_record_when_the_kernel_ends(tmp_path: Path) -> None:
    run = Rehearsal("stuck", tmp_path)
    book = run.open(finish=True)
    book.step("connect")
    book._at_exit()
    record = read(run.folder)
    assert (record["outcome"], record["interrupted_by"], record["exit_code"]) == (
        "interrupted",
        "the end of the kernel",
        7,
    )


def test_a_profile_that_cannot_be_used_is_refused_with_a_record_and_without_a_call(archive: Path) -> None:
    with pytest.raises(SettingsError):
        open_runbook("force_power_off", {"vm_name": "web-01", "profile": "nowhere"})
    record = read(only_record(archive))
    assert (record["outcome"], record["exit_code"], record["api_calls"]) == ("refused", 2, 0)
    assert check(only_record(archive)) == []


def test_a_mistyped_parameter_is_refused_with_a_record(archive: Path) -> None:
    with pytest.raises(UsageError):
        open_runbook("force_power_off", {"vm_name": "", "_hidden": 1})
    record = read(only_record(archive))
    assert (record["outcome"], record["exit_code"], record["parameters"]) == ("refused", 2, {"vm_name": ""})
    assert record["steps"][0]["summary"].endswith("vm_name is empty; give the VM's exact name")


def test_headless_a_name_that_is_no_parameter_refuses_and_its_value_is_written_nowhere(archive: Path) -> None:
    with pytest.raises(UsageError, match="password is no parameter of force_power_off"):
        open_runbook("force_power_off", {"vm_name": "web-01", "password": PASSWORD, "len": len, "In": []})
    everything = b"".join(path.read_bytes() for path in archive.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in everything
    assert b"canary" not in everything


def test_in_a_live_notebook_other_names_are_left_alone(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGEOS_NB_UI", "live")
    book = open_runbook("force_power_off", {"vm_name": "web-01", "profile": "nowhere", "scratch": 5})
    assert isinstance(book, LiveRun)
    assert (book.given, archive.exists()) == ({"vm_name": "web-01", "profile": "nowhere"}, False)


def test_in_a_live_notebook_running_the_opening_cell_again_finds_the_run_that_is_open(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERGEOS_NB_UI", "live")
    parameters = {"vm_name": "web-01", "profile": "simulator"}
    first = open_runbook("force_power_off", parameters)
    assert isinstance(first, LiveRun)
    assert open_runbook("force_power_off", {"vm_name": "web-02"}) is not first
    again = open_runbook("force_power_off", parameters)
    assert isinstance(again, LiveRun)
    again.connect("connect", {"profile": "simulator"}, None)
    assert open_runbook("force_power_off", parameters) is again
    again.end()
    assert open_runbook("force_power_off", parameters) is not again


def test_running_the_opening_cell_again_while_the_first_step_connects_makes_no_second_run(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: Run All during a slow Connect left a run that no card showed."""
    monkeypatch.setenv("VERGEOS_NB_UI", "live")
    parameters = {"vm_name": "web-01", "profile": "nowhere"}
    first = open_runbook("force_power_off", parameters)
    assert isinstance(first, LiveRun)
    monkeypatch.setattr(first.step("connect"), "_running", True)
    assert open_runbook("force_power_off", parameters) is first
    monkeypatch.setattr(first.step("connect"), "_running", False)
    assert open_runbook("force_power_off", parameters) is not first


def test_vs_code_names_its_notebook_in_the_namespace_and_is_live(archive: Path) -> None:
    parameters = {"vm_name": "web-01", "__vsc_ipynb_file__": "/home/ada/force_power_off.ipynb"}
    assert isinstance(open_runbook("force_power_off", parameters), LiveRun)


@pytest.mark.parametrize("name", ["../../x", "a/b", "<script>alert(1)</script>", "n" * 300, "", "\u202e"])
def test_whatever_the_vm_is_called_the_record_stays_below_outputs(archive: Path, name: str) -> None:
    with pytest.raises(UsageError):
        open_runbook("force_power_off", {"vm_name": name, "profile": "nowhere"})
    folder = only_record(archive)
    assert folder.parent.parent == archive
    assert check(folder) == []
    assert read(folder)["parameters"]["vm_name"] == name


@pytest.mark.usefixtures("skipped_waits")
def test_the_whole_job_in_a_notebook_against_the_built_in_simulator(archive: Path) -> None:
    parameters: dict[str, Any] = {"vm_name": "web-01", "sample_gap_s": 1.1, "poll_s": 0.3, "settle_s": 0.5}
    parameters |= {"poweroff_wait_s": 0.1, "kill_wait_s": 1.5}
    book = open_runbook("force_power_off", parameters)
    for step in book.engine.steps:
        book.step(step.id)
    account = book.end()
    assert ending(account) == ("planned", "off", 0)
    assert account.profile["host"] == "simulator"
    again = open_runbook("force_power_off", {**parameters, "approve": account.fact("plan_digest")})
    for step in again.engine.steps:
        again.step(step.id)
    again.close()
    assert ending(run_state_of(read_journal(again.folder / "journal.jsonl"))) == ("done", "off", 0)
    assert repr(again) == f"<runbook force_power_off, record {again.folder}>"
