"""Every name in an archive and in a record's folder. Names only: nothing is read or made here.

An archive is one folder, by default ``outputs``::

    ledger.jsonl, .head, .torn, .lock, .draft   the chain of all records
    index.sqlite                                an index of the ledger, which can be deleted
    mirror.json, .lock, .draft                  how far the mirror is
    .gitattributes                              so that git leaves sealed files alone
    STOP                                        while it is there, nothing that changes a VM is sent
    plans/                                      plans, approvals of fleet plans, and their runs, by digest
    leases/                                     one file for each VM that a run works on
    platform/                                   what was measured of each system, one file each
    signed/, timestamps/                        signed and timestamped heads of the ledger
    removing/                                   records that are being deleted
    forwarding/                                 up to which line each run was forwarded, until it all was
    YYYY-MM-DD/HHMMSSZ-RUNBOOK-SUBJECT-ID/      one record
"""

from __future__ import annotations

import glob
import re
from datetime import UTC, datetime
from pathlib import Path

# The files of a record.
JOURNAL = "journal.jsonl"
RECORD = "record.json"
NOTEBOOK = "notebook.ipynb"
PAGE = "notebook.html"
PNG = "timeline.png"
SVG = "timeline.svg"
MANIFEST = "manifest.json"
SIGNATURE = f"{MANIFEST}.sig"
# In a record's folder only until the run has begun, until it has ended, and while the disk is tried.
ASKED = "asked.json"
RESERVE = "room.reserved"
PROBE = "room.probe"
# JupyterLab puts this folder beside every notebook that it opens. It is not part of the record.
CHECKPOINTS = ".ipynb_checkpoints"

# Names in an archive that findings, exports and mirrors use, too.
LEDGER = "ledger.jsonl"
HEAD = "ledger.head"
TORN = "ledger.torn"
ATTRIBUTES = ".gitattributes"
PLANS = "plans"
LEASES = "leases"
PLATFORM = "platform"
SIGNED = "signed"
TIMESTAMPS = "timestamps"
REMOVING = "removing"
FORWARDING = "forwarding"
# The folders of an archive that are no days.
NO_DAYS = frozenset({PLANS, LEASES, PLATFORM, SIGNED, TIMESTAMPS, REMOVING, FORWARDING})

HEAD_SUFFIX = ".head"
LEASE_SUFFIX = ".lease"

DAYS = "????-??-??"
"""A pattern that finds the days of an archive, and little else."""
_DAY = "%Y-%m-%d"
_RECORD = re.compile(r"(\d{6})Z-(.+)-([0-9a-f]{8})")


class ArchiveLayout:
    """The paths of one archive.

    Attributes:
        ledger, head, torn: the chain of the records, its newest line, and lines that were cut off.
        lock, draft: locked by a run that seals, and where the holder of the lock writes a file first.
        attributes: so that git leaves sealed files alone.
        index: of the ledger.
        mirror, mirror_lock, mirror_draft: up to which line the mirror has everything; its lock and draft.
        stop_file: stops every run of this archive while it exists.
        leases: the folder of leases.
        removing: records on their way out.
        forwarding: a file for each run that was not forwarded to its end.
    """

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.ledger = outputs / LEDGER
        self.head = outputs / HEAD
        self.torn = outputs / TORN
        self.lock = outputs / "ledger.lock"
        self.draft = outputs / "ledger.draft"
        self.attributes = outputs / ATTRIBUTES
        self.index = outputs / "index.sqlite"
        self.mirror = outputs / "mirror.json"
        self.mirror_lock = outputs / "mirror.lock"
        self.mirror_draft = outputs / "mirror.draft"
        self.stop_file = outputs / "STOP"
        self.leases = outputs / LEASES
        self.removing = outputs / REMOVING
        self.forwarding = outputs / FORWARDING

    def plan(self, digest: str) -> Path:
        """The plan with this digest."""
        return self.outputs / PLANS / f"{digest}.json"

    def approval(self, digest: str) -> Path:
        """The approval of a fleet plan."""
        return self.outputs / PLANS / f"{digest}.approval"

    def runs(self, digest: str) -> Path:
        """The list of a fleet plan's runs."""
        return self.outputs / PLANS / f"{digest}.runs"

    def platform(self, name: str) -> Path:
        """What was measured of a system, by the system's name."""
        return self.outputs / PLATFORM / f"{name}.toml"

    def signed(self, name: str) -> Path:
        """A signed head by its name: the ledger's count, and a piece of the key."""
        return self.outputs / SIGNED / f"{name}{HEAD_SUFFIX}"

    def timestamp(self, name: str) -> Path:
        """A timestamped head by the ledger's count."""
        return self.outputs / TIMESTAMPS / f"{name}{HEAD_SUFFIX}"

    def probe(self, name: str) -> Path:
        """A file that only shows whether the archive can be written."""
        return self.outputs / f".probe-{name}"

    def record(self, began_at: float, what: str, number: str) -> Path:
        """The folder of a new record.

        Args:
            began_at: seconds since 1970.
            what: runbook and subject, in letters that every file system takes.
            number: eight hexadecimal digits that no other record has.
        """
        time = f"{datetime.fromtimestamp(began_at, UTC):%H%M%SZ}"
        return self.outputs.absolute() / day_of(began_at) / f"{time}-{what}-{number}"


def archive_of(folder: Path) -> ArchiveLayout:
    """The archive in which a record's folder lies."""
    return ArchiveLayout(folder.absolute().parents[1])


def day_of(moment: float) -> str:
    """The name of a day's folder, from a time of it in seconds since 1970."""
    return f"{datetime.fromtimestamp(moment, UTC):{_DAY}}"


def is_day(name: str) -> bool:
    """Whether an archive's folder of this name is a day."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", name) is not None


def what_of(folder: Path) -> str | None:
    """Runbook and subject of a record's folder, by its name; None if it is not the name of a record."""
    match = _RECORD.fullmatch(folder.name)
    return match[2] if match else None


def run_id_of(folder: Path) -> str:
    """What names the run of a record's folder from its beginning on: the folder's name changes once."""
    match = _RECORD.fullmatch(folder.name)
    day = folder.absolute().parent.name
    return f"{day}T{match[1]}Z-{match[3]}" if match else f"{day}-{folder.name}"


def pattern_of_run(run: str) -> str:
    """The pattern that finds the folder of a run below its archive's."""
    if match := re.fullmatch(r"(.{10})T(\d{6}Z)-([0-9a-f]{8})", run):
        return f"{match[1]}/{match[2]}-*-{match[3]}"
    return f"{run[:10]}/{glob.escape(run[11:])}"


def began_at(folder: Path) -> float | None:
    """When the run of a record's folder began, in seconds since 1970; None if its name does not say it."""
    match = _RECORD.fullmatch(folder.name)
    try:
        moment = datetime.strptime(f"{folder.parent.name} {match[1] if match else ''}", f"{_DAY} %H%M%S")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()
