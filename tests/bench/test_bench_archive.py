"""The archive that the benches measure is one that verifies, and is searched as a sealed one is."""

from __future__ import annotations

from pathlib import Path

from bench.archive import SMALL, VMS, write_archive
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.verify.verify import verify


def test_the_archive_that_is_measured_is_whole(tmp_path: Path) -> None:
    write_archive(tmp_path / "outputs", 30, SMALL)
    report = verify(tmp_path / "outputs")
    assert (report.findings, report.notes, report.records, report.lines) == ((), (), 30, 30)


def test_a_ledger_alone_is_found_in_by_vm(tmp_path: Path) -> None:
    write_archive(tmp_path / "outputs", 3 * VMS, SMALL, folders=False)
    found = Index(tmp_path / "outputs").find(Query(vm="web-0007"))
    assert [entry.place.count for entry in found] == [7, 7 + VMS, 7 + 2 * VMS]
