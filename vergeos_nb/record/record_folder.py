"""The record folder of a run: made before the first call, and read back when the run has ended."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.errors import RecordError
from vergeos_nb.files import disk_errors, make_folder
from vergeos_nb.layout import RECORD, ArchiveLayout, what_of
from vergeos_nb.masking import masked
from vergeos_nb.record.record_file import record_of
from vergeos_nb.shapes import MOST_OF_OURS, Unfit, content_of


def new_folder(outputs: Path, runbook: str, subject: str, epoch: float, *, within_run: bool = False) -> Path:
    """Make the folder of a new run.

    Args:
        subject: the subject of the run, such as the VM's name. The path gets a safe form of it.
        epoch: the time of the start, seconds since 1970.
        within_run: whether it is a folder within a fleet run. Then the ledger was checked before.

    Raises:
        RecordError: it cannot be made, or the archive's ledger is lost and the record could not be sealed.
    """
    if not within_run and (lost := _why_lost(outputs)):
        raise lost_ledger("beginning a run", f"{lost}; nothing was sent")
    what = f"{runbook}-{_tame(subject)}"
    folder = ArchiveLayout(outputs).record(epoch, what, secrets.token_hex(4))
    with disk_errors(
        f"making the record folder {folder}",
        "nothing was sent; choose a folder that can be written with --outputs",
    ):
        make_folder(folder, exist_ok=False)
    return folder


def named_after(folder: Path, runbook: str, subject: str) -> Path:
    """Rename the folder of a run that has ended after its subject, which a person may have chosen meanwhile.

    A folder with a record keeps its name, because the name is the record's id in the ledger.

    Returns:
        The folder. It keeps its name if that is right already, or if it cannot be renamed.
    """
    what, right = what_of(folder), f"{runbook}-{_tame(subject)}"
    if what is None or what == right or not what.startswith(f"{runbook}-") or not subject:
        return folder
    if (folder / RECORD).exists():
        return folder  # the run was cut short, sealed, and continued
    began, number = folder.name.partition("-")[0], folder.name.rpartition("-")[2]
    with suppress(OSError):
        return folder.rename(folder.with_name(f"{began}-{right}-{number}"))
    return folder


def _tame(subject: str) -> str:
    # A password that was typed instead of a name must be masked before and after it is changed.
    return slug(masked(slug(masked(subject))))


def slug(text: str) -> str:
    """A tame form of a name for a path: small ASCII letters, digits and hyphens, 40 at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-") or "vm"


def check(folder: Path) -> list[str]:
    """The faults of a record's files: one line for each file that is missing or was changed.

    Raises:
        RecordError: there is no record in the folder.
    """
    files = read(folder)["files"]
    wrong = []
    for name, digest in files.items():
        try:
            if sha256(folder / name) != digest:
                wrong.append(f"{name} was changed after the record was made")
        except OSError:
            wrong.append(f"{name} is missing")
    return wrong


def _why_lost(outputs: Path) -> str:
    try:
        return why_lost(outputs)
    except RecordError:
        # A ledger that cannot be read is not lost. Sealing reports it, after the run has left its evidence.
        return ""


def read(folder: Path) -> Mapping[str, Any]:
    """The content of ``record.json``.

    Raises:
        RecordError: it is missing, or is not a record.
    """
    asked = f"reading the record {folder}"
    try:
        content = record_of(content_of(folder / RECORD, MOST_OF_OURS))
    except Unfit as unfit:
        raise RecordError(
            asked, f"{RECORD} is not a record: {unfit.why}", "give the folder of a record"
        ) from None
    if content.get("files") is None:
        raise RecordError(
            asked, f"{RECORD} names no files", "restore the record from a copy: somebody changed it by hand"
        )
    return content


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
