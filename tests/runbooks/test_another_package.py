"""A runbook of another package: the one of docs/write-a-runbook.md is built, listed, run and verified."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.commands import command as forked
from vergeos_nb import layout
from vergeos_nb.procedure.runbooks import catalog

PAGE = (Path(__file__).parents[2] / "docs" / "write-a-runbook.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


def block(name: str) -> str:
    """The code block that the page introduces with this file's name."""
    found = re.search(rf"`{re.escape(name)}`:\n\n```\w+\n(.*?)```", PAGE, re.S)
    assert found, name
    return found[1]


@pytest.fixture
def site(installed: Path, tmp_path: Path) -> Path:
    """A copy of that folder for each test, because some damage it."""
    return shutil.copytree(installed, tmp_path / "site")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip leaves it: the module, its notebook, and what says that it brings a runbook."""
    folder = tmp_path_factory.mktemp("package") / "site"
    told = folder / "stood_since-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: stood-since\nVersion: 1.0\n")
    entries = tomllib.loads(block("pyproject.toml"))["project"]["entry-points"]["vergeos_nb.runbooks"]
    lines = [f"{name} = {value}" for name, value in entries.items()]
    (told / "entry_points.txt").write_text("\n".join(["[vergeos_nb.runbooks]", *lines]))
    for name in ("stood_since.py", "make_notebook.py", "test_stood_since.py"):
        (folder / name).write_text(block(name))
    done = start(folder, [sys.executable, "make_notebook.py"], folder)
    assert (done.returncode, (folder / "stood_since.ipynb").is_file()) == (0, True), done.stderr
    return folder


def environ_with(site: Path) -> dict[str, str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def start(site: Path, command: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an environment in which the package is installed."""
    return subprocess.run(
        command, cwd=cwd, env=environ_with(site), capture_output=True, text=True, timeout=120
    )


def command(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return forked(*words, env=environ_with(site), cwd=site.parent)


def test_a_runbook_of_another_package_is_listed_run_and_sealed(site: Path) -> None:
    unknown = command(site, "run", "stood_sinse")
    assert unknown.returncode == 2
    assert "Did you mean 'stood_since'? Known: find_stuck_vms, " in unknown.stderr
    outputs = str(site.parent / "outputs")
    given = ["-p", "vm_name=web-01", "-p", "sample_gap_s=1.1", "-p", "old_min=0"]
    done = command(site, "run", "stood_since", *given, "--outputs", outputs, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    record = json.loads((Path(told["record"]) / "record.json").read_text())
    assert (told["outcome"], record["runbook"], record["changing_calls"]) == ("done", "stood_since", [])
    assert "which is old" in (Path(told["record"]) / layout.PAGE).read_text()
    verified = command(site, "audit", "verify", "--outputs", outputs)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_its_record_verifies_where_the_package_is_not_installed_any_more(site: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    given = ["-p", "vm_name=web-01", "-p", "sample_gap_s=1.1", "--outputs", str(outputs)]
    assert command(site, "run", "stood_since", *given).returncode == 0
    (site / "stood_since.py").unlink()
    (site / "stood_since-1.0.dist-info" / "entry_points.txt").unlink()
    for words in (["audit", "verify"], ["audit", "list"], ["run", "incident_report"]):
        done = command(site, *words, "--outputs", str(outputs))
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_test_of_the_page_passes(site: Path) -> None:
    (BIN / "vergeos-nb").exists() or pytest.skip("the command is not installed here")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_stood_since.py"]
    done = start(site, words, site)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_runbook_that_cannot_be_loaded_says_so_and_harms_no_other(site: Path) -> None:
    (site / "stood_since.py").write_text("raise RuntimeError('not today')\n")
    broken = command(site, "run", "stood_since", "-p", "vm_name=web-01")
    assert (broken.returncode, "Traceback" in broken.stderr) == (2, False)
    assert "stood_since cannot be loaded: RuntimeError('not today')" in broken.stderr
    other = command(site, "run", "incident_report", "--outputs", str(site.parent / "outputs"))
    assert other.returncode == 0, other.stderr


def test_a_notebook_that_another_package_left_out_keeps_nobody_from_the_lab(site: Path) -> None:
    code = "from vergeos_nb.procedure.runbooks.catalog import notebooks; print(sorted(notebooks()))"
    listed = start(site, [sys.executable, "-c", code], site).stdout
    assert "'stood_since'" in listed
    (site / "stood_since.ipynb").unlink()
    assert start(site, [sys.executable, "-c", code], site).stdout == f"{sorted(catalog.OURS)}\n"
    done = command(site, "run", "stood_since", "-p", "vm_name=web-01")
    assert (done.returncode, "its notebook is not installed" in done.stderr) == (2, True)


def test_another_package_takes_no_name_of_ours(site: Path) -> None:
    told = site / "stood_since-1.0.dist-info" / "entry_points.txt"
    told.write_text("[vergeos_nb.runbooks]\nforce_power_off = stood_since\n")
    code = (
        "from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS; "
        "print(RUNBOOKS['force_power_off'].steps[-2].id, list(RUNBOOKS).count('force_power_off'))"
    )
    assert start(site, [sys.executable, "-c", code], site).stdout.split() == ["force", "1"]


def test_a_name_that_two_packages_bring_is_refused(site: Path) -> None:
    other = site / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[vergeos_nb.runbooks]\nstood_since = other\n")
    done = command(site, "run", "stood_since", "-p", "vm_name=web-01")
    assert done.returncode == 2
    assert "other and stood_since both bring it" in done.stderr


def test_our_runbooks_are_found_without_loading_one() -> None:
    code = (
        "import sys; from vergeos_nb.procedure.runbooks.catalog import OURS; "
        "print([name for name in OURS if f'vergeos_nb.procedure.runbooks.{name}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert tuple(catalog.RUNBOOKS) == catalog.OURS
