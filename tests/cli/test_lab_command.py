"""``vergeos-nb lab``: a JupyterLab that needs no setting, over a copy, on loopback, with a token."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest

from vergeos_nb.errors import RecordError
from vergeos_nb.procedure.runbooks.catalog import notebooks
from vergeos_nb.runner.jupyter_lab import ended_in_order, open_lab
from vergeos_nb.runner.working_copies import working_copy

ROOT = Path(__file__).parents[2]


@contextmanager
def started(command: list[str], cwd: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The command, ready, with what it says; ended by its own number."""
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(
        [*command, "--json"], cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture
def readme_command() -> list[str]:
    found = re.search(r"<!-- run: lab -->\n```console\n\$ (.*)\n", (ROOT / "README.md").read_text())
    assert found
    return shlex.split(found[1])


def test_lab_serves_a_working_copy_to_who_has_its_token_and_ends_with_its_command(
    tmp_path: Path, readme_command: list[str]
) -> None:
    with started([*readme_command, "--no-browser"], tmp_path) as (process, said):
        folder = Path(said["folder"])
        assert {path.stem for path in folder.glob("*.ipynb")} == {*notebooks(), "start"}
        url = httpx.URL(said["url"])
        contents = url.copy_with(path="/api/contents/force_power_off.ipynb", query=None)
        assert url.host == "127.0.0.1"
        assert httpx.get(contents, timeout=30).status_code == 403
        token = {"Authorization": f"token {url.params['token']}"}
        assert httpx.get(contents, headers=token, timeout=30).json()["type"] == "notebook"
        arguments = Path(f"/proc/{said['pid']}/cmdline")
        if arguments.exists():
            assert url.params["token"] not in arguments.read_text()
    assert process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(contents, timeout=30)


def test_a_working_copy_begins_with_the_profile_that_was_asked_for_and_leaves_the_originals_alone(
    tmp_path: Path,
) -> None:
    before = {name: path.read_bytes() for name, path in notebooks().items()}
    (tmp_path / "copy").mkdir()
    working_copy(notebooks(), tmp_path / "copy", 'lab "east"')
    copy = nbformat.read(tmp_path / "copy" / "force_power_off.ipynb", as_version=4)
    (parameters,) = [c.source for c in copy.cells if "parameters" in c.metadata.get("tags", [])]
    assert 'profile: str = "lab \\"east\\""' in parameters
    compile(parameters, "parameters", "exec")
    assert {name: path.read_bytes() for name, path in notebooks().items()} == before


def test_a_working_copy_that_cannot_be_made_says_so_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RecordError, match="nothing was started; choose a folder that can be written"),
        open_lab(tmp_path / "file", tmp_path / "outputs"),
    ):
        pytest.fail("it was started")


def test_a_profile_that_is_not_there_is_told_before_anything_is_started(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vergeos_nb", "lab", "--no-browser", "--profile", "nowhere"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no profile of this name" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_rehearsal_has_its_scenario_s_drill_and_a_real_system_has_none() -> None:
    from vergeos_nb.connect.drills import drill_of, scenarios

    assert all(scenario.story and scenario.seen for scenario in scenarios().values())
    assert drill_of("simulator") == scenarios()["stuck"]
    assert drill_of("simulator:zombie") == scenarios()["zombie"]
    assert drill_of("simulator:nowhere") is None
    assert drill_of("env") is None


def test_it_says_at_once_what_it_does(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vergeos_nb", "lab", "--no-browser"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    try:
        said = process.stderr.readline()
        # It is not ready by then: the address comes later, on standard output.
        assert said.startswith("Starting JupyterLab over a working copy of the runbooks.")
        assert process.stdout.readline().startswith("JupyterLab is ready: http://127.0.0.1:")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.parametrize("after_line", [1, 0])
def test_a_stop_before_it_is_ready_leaves_no_server_behind(tmp_path: Path, after_line: int) -> None:
    """Holds off: SIGTERM ended the command alone, and its JupyterLab went on for ever."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vergeos_nb", "lab", "--no-browser"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    process.stderr.readline()
    if after_line:
        process.stdout.readline()
    else:
        while not servers_in(tmp_path):
            assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert servers_in(tmp_path) == []


def test_a_stop_that_came_while_an_object_was_deleted_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds off: Python drops such an exception, and JupyterLab went on after a SIGTERM."""

    class Deleted:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(sys, "unraisablehook", lambda failed: None)
    with ended_in_order() as came:
        Deleted()
        assert came == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert came == [signal.SIGTERM, signal.SIGTERM]


def servers_in(folder: Path) -> list[int]:
    """The processes of a JupyterLab over this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue  # it has just ended
        if b"lab_server" in words and str(folder).encode() in words:
            found.append(int(path.parent.name))
    return found
