"""The runbook under the plain ``papermill`` command, without this package's own runner."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

import nbformat
import pytest

from tests.commands import command
from tests.served import LADDER, QUICK, changing, files_with, served
from vergeos_nb.procedure.runbooks.catalog import schema_of
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runbook_files import runbook_path

# A site can set it, so that papermill forks its kernels. Here: where the kernel itself is not looked at.
FORKED = "JUPYTER_DEFAULT_PROVISIONER_NAME"


@pytest.fixture
def forked_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Papermill's kernels are forked; else each is a Python of its own."""
    monkeypatch.setenv(FORKED, "vergeos-nb-warm")


def papermill(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the runbook as a scheduler would, in a folder of its own."""
    waits = [word for name, value in QUICK.items() for word in ("-p", name, str(value))]
    words = (str(runbook_path("force_power_off")), "out.ipynb", *waits, *arguments)
    return command(*words, cwd=tmp_path, program="papermill")


def record_of(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "outputs").glob("*/*/record.json")
    return path.parent


@cache
def planned_in(folder: Path) -> Path:
    """The folder of a run that plans, made by the first test that looks at it. No test changes it."""
    folder.mkdir()
    done = papermill(folder, "-p", "vm_name", "web-01")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def planned(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    return planned_in(tmp_path_factory.getbasetemp() / "planned-by-papermill")


def test_it_plans_and_makes_its_record_with_nothing_but_papermill(planned: Path) -> None:
    folder = record_of(planned)
    assert (read(folder)["outcome"], read(folder)["exit_code"]) == ("planned", 0)
    assert check(folder) == []
    notebook = nbformat.read(planned / "out.ipynb", as_version=4)
    assert "widgets" not in notebook.metadata
    views = [
        mime
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        for mime in output.get("data", {})
        if "widget" in mime
    ]
    assert views == []
    (picture,) = [output for output in notebook.cells[-1].outputs if "image/png" in output.get("data", {})]
    assert picture.metadata["image/png"]["alt"].startswith("web-01: planned, verdict off")


def test_the_record_s_notebook_shows_the_same_evidence_as_papermill_s(planned: Path) -> None:
    def shown(path: Path) -> dict[str, str]:
        cells = nbformat.read(path, as_version=4).cells
        return {
            tag: cell.outputs[0].data["text/plain"]
            for cell in cells
            if cell.cell_type == "code" and cell.outputs
            for tag in cell.metadata.tags
            if tag.startswith("step:")
        }

    theirs, ours = shown(planned / "out.ipynb"), shown(record_of(planned) / "notebook.ipynb")
    # A run that only plans skips the last five steps, which the record tells in one line.
    assert len(ours) == 7
    assert ours.pop("step:poweroff").startswith(
        "– Power off, Snapshot, Kill power, Force power off, Confirm: "
    )
    assert {tag: theirs[tag] for tag in ours} == ours


@pytest.mark.usefixtures("forked_kernels")
def test_a_refused_run_fails_for_the_scheduler_and_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    done = papermill(tmp_path, "-p", "vm_name", "web-01", "-p", "profile", "simulator:twins")
    assert done.returncode != 0
    assert "2 VMs have this name" in done.stderr
    assert (read(record_of(tmp_path))["outcome"], read(record_of(tmp_path))["exit_code"]) == ("refused", 4)


@pytest.mark.usefixtures("forked_kernels")
def test_a_name_that_papermill_turned_into_a_number_stops_before_any_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off papermill's ``-p vm_name 007``, which asks for a VM called 7."""
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    with served() as simulator:
        done = papermill(tmp_path, "-p", "vm_name", "007")
        assert simulator.requests == []
    assert done.returncode != 0
    record = read(record_of(tmp_path))
    assert record["exit_code"] == 2
    assert "-r vm_name" in record["steps"][0]["error"]["next_step"]


@pytest.mark.usefixtures("forked_kernels")
def test_an_unknown_parameter_stops_before_any_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    with served() as simulator:
        done = papermill(tmp_path, "-p", "vm_name", "web-01", "-p", "aprove", "x")
        assert simulator.requests == []
    assert done.returncode != 0
    assert "Did you mean 'approve'" in json.dumps(read(record_of(tmp_path)))


def test_an_approved_run_forces_once_and_leaks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    with served(password="Canary-4711-word") as simulator:
        # The plan's kernel is not what is looked at; the kernel that applies it is a Python of its own.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FORKED, "vergeos-nb-warm")
            papermill(tmp_path, "-p", "vm_name", "web-01")
        (planned,) = (tmp_path / "outputs").glob("*/*/record.json")
        digest = json.loads(planned.read_text())["plan_digest"]
        done = papermill(tmp_path, "-p", "vm_name", "web-01", "-p", "approve", digest)
        assert done.returncode == 0, done.stderr
        assert changing(simulator) == LADDER
    outcomes = sorted(
        json.loads(p.read_text())["outcome"] for p in (tmp_path / "outputs").glob("*/*/record.json")
    )
    assert outcomes == ["done", "planned"]
    assert files_with(tmp_path, "Canary-4711-word") == []
    assert "Canary-4711-word" not in done.stdout + done.stderr


def test_help_notebook_explains_every_parameter(tmp_path: Path) -> None:
    words = ("--help-notebook", str(runbook_path("force_power_off")))
    done = command(*words, cwd=tmp_path, program="papermill")
    for name, field in schema_of("force_power_off").model_fields.items():
        assert f"{name}:" in done.stdout
        assert str(field.description)[:30] in done.stdout.replace("\n", " ")
    assert "Unknown" not in done.stdout


def startup(home: Path, text: str) -> None:
    """A startup file of IPython in this home directory."""
    folder = home / ".ipython/profile_default/startup"
    folder.mkdir(parents=True)
    (folder / "00-mine.py").write_text(text)


def test_names_that_papermill_and_a_startup_file_set_are_no_mistyped_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    startup(tmp_path / "home", 'region = "eu"\n')
    done = papermill(
        tmp_path, "-p", "vm_name", "web-01", "--inject-paths", "--inject-output-path", "--inject-input-path"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("forked_kernels")
def test_a_name_that_was_injected_and_is_no_parameter_is_still_a_slip(tmp_path: Path) -> None:
    done = papermill(tmp_path, "-p", "vm_name", "web-01", "-p", "vm_nam", "web-02")
    assert done.returncode != 0
    assert (
        "reading the parameters of force_power_off: vm_nam is no parameter of force_power_off" in done.stderr
    )


@pytest.mark.usefixtures("forked_kernels")
def test_a_cell_that_was_added_finds_all_that_was_read_as_dataframes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERGEOS_NB_OUTPUTS")
    longer = nbformat.read(runbook_path("force_power_off"), as_version=4)
    added = ('rb.frames["machine_status"].dtypes["started"]', "rb.frames.plot()", "rb.frames")
    longer.cells += [nbformat.v4.new_code_cell(source) for source in added]
    nbformat.write(longer, tmp_path / "longer.ipynb")
    waits = [word for name, value in QUICK.items() for word in ("-p", name, str(value))]
    words = ("longer.ipynb", "out.ipynb", *waits, "-p", "vm_name", "web-01")
    done = command(*words, cwd=tmp_path, program="papermill")
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-3:]
    dtype, plot, contents = [cell.outputs[0].data for cell in cells]
    assert dtype["text/plain"] == "datetime64[ms, UTC]"
    assert "image/png" in plot
    assert contents["text/plain"].startswith("vm")
