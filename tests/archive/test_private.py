"""Nothing of the archive, nor of what belongs to it, has a right for others, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive.made import DAY, archive, key
from tests.at_night import at_night
from tests.commands import command
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.mirror import mirror
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.clock import SystemClock
from vergeos_nb.connect.simulated import announce
from vergeos_nb.files import make_folder
from vergeos_nb.procedure.runbooks.catalog import notebooks
from vergeos_nb.runner.working_copies import working_copy
from vergeos_nb.settings import Secret

pytestmark = pytest.mark.usefixtures("skipped_waits")


def rights_of_others(folder: Path, *, but: tuple[Path, ...] = ()) -> list[str]:
    """Paths below, and the folder itself, in which others may do something."""
    return [
        f"{path.relative_to(folder.parent)} {stat.filemode(path.lstat().st_mode)}"
        for path in (folder, *folder.rglob("*"))
        if path not in but and not path.is_symlink() and path.lstat().st_mode & stat.S_IRWXO
    ]


@pytest.fixture(params=[0o000, at_night(0o077)], ids=oct)
def outputs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """An archive that is not there yet, under that umask."""
    before = os.umask(request.param)
    yield tmp_path / "site" / "outputs"
    os.umask(before)


def test_no_run_whatever_its_kind_leaves_something_that_others_may_read_or_write(outputs: Path) -> None:
    """Holds off: under umask 000 everybody on the machine could write records, ledger and plans."""
    name = "vm_name=web-01"
    planned = command("run", "force_power_off", "-p", name, "--outputs", str(outputs), "--json")
    assert planned.returncode == 0, planned.stderr
    assert command("run", "force_power_off", "-p", "nonsense=1", "--outputs", str(outputs)).returncode == 2
    assert command("demo", "--outputs", str(outputs)).returncode == 0
    assert command("stuck", "--save", "--outputs", str(outputs)).returncode in (0, 2, 3)
    assert command("audit", "list", "--outputs", str(outputs)).returncode == 0
    assert rights_of_others(outputs.parent) == []


def test_what_is_kept_beside_the_records_is_private_too(outputs: Path, tmp_path: Path) -> None:
    signer = key(tmp_path)
    site = outputs.parent
    # The small archive is made by hand, so its records are not what is looked at here.
    archive(outputs, 3, signer=signer)
    made_by_hand = {site, outputs, outputs / DAY, *(outputs / DAY).rglob("*")}
    sealed = {path for path in made_by_hand if path.name.startswith("manifest.json")}
    rehearsal = Rehearsal("stuck", outputs)
    rehearsal.approve(**LADDER, finish=True)
    runs = (outputs / "2026-09-22", *(outputs / "2026-09-22").glob("run-*"))
    Keeper(outputs, "jo", SystemClock(), signer).hold("000001Z-force_power_off-web-01-00000001", "court")
    Index(outputs).find(Query())
    mirror(outputs, Secret(f"file://{site}/mirror/of/it"))
    make_folder(site / "lab" / "copy")
    working_copy(notebooks(), site / "lab" / "copy", "simulator")
    announce({"host": "127.0.0.1"}, environ={"VERGEOS_NB_RUNTIME_DIR": str(site / "runtime" / "here")})
    assert (outputs / "leases").is_dir()
    assert (outputs / "plans").is_dir()
    assert rights_of_others(site, but=(*(made_by_hand - sealed), *runs)) == []
    assert stat.S_IMODE((site / "runtime" / "here").stat().st_mode) == 0o700


def test_a_record_that_is_taken_out_of_the_archive_is_private_too(outputs: Path) -> None:
    archive(outputs, 1)
    target = outputs.parent / "out.zip"
    record = "000001Z-force_power_off-web-01-00000001"
    done = command("audit", "export", record, "--format", "zip", "-o", str(target), "--outputs", str(outputs))
    assert done.returncode == 0, done.stderr
    assert rights_of_others(target) == []
