"""The names of all files in an archive and in a record's folder. Nothing is read or written here.

An archive is one folder, by default ``outputs``::

    ledger.jsonl, .head, .torn, .lock, .draft   the chain of all records
    index.sqlite                                an index of the ledger, which can be deleted
    mirror.json, .lock, .draft                  up to which line the mirror is complete
    .gitattributes                              so that git does not change sealed files
    STOP                                        while it exists, nothing that changes a VM is sent
    plans/                                      plans, approvals of fleet plans, and their runs, by digest
    leases/                                     one file for each VM that a run works on
    platform/                                   what was measured about each system, one file each
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
# These are in a record's folder only until the run begins, until it ends, and while the disk is tested.
ASKED = "asked.json"
RESERVE = "room.reserved"
PROBE = "room.probe"
# JupyterLab makes this folder beside every notebook that it opens. It is not part of the record.
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
# The folders of an archive that are not days.
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
        ledger, head, torn: the chain of all records, its newest line, and incomplete lines that were cut off.
        lock, draft: the lock of a run that seals, and the file that the holder of the lock writes first.
        attributes: tells git not to change sealed files.
        index: the index of the ledger.
        mirror, mirror_lock, mirror_draft: up to which line the mirror is complete; its lock and draft.
        stop_file: stops every run of this archive while it exists.
        leases: the folder of leases.
        removing: records that are being deleted.
        forwarding: a file for each run that is not completely forwarded.
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
        """The file with what was measured about the system of this name."""
        return self.outputs / PLATFORM / f"{name}.toml"

    def signed(self, name: str) -> Path:
        """A signed head. Its name is the ledger's count and a part of the key."""
        return self.outputs / SIGNED / f"{name}{HEAD_SUFFIX}"

    def timestamp(self, name: str) -> Path:
        """A timestamped head. Its name is the ledger's count."""
        return self.outputs / TIMESTAMPS / f"{name}{HEAD_SUFFIX}"

    def probe(self, name: str) -> Path:
        """A file that is written only to test whether the archive is writable."""
        return self.outputs / f".probe-{name}"

    def record(self, began_at: float, what: str, number: str) -> Path:
        """The folder of a new record.

        Args:
            began_at: seconds since 1970.
            what: runbook and subject, in characters that every file system allows.
            number: eight hexadecimal digits, different for each record.
        """
        time = f"{datetime.fromtimestamp(began_at, UTC):%H%M%SZ}"
        return self.outputs.absolute() / day_of(began_at) / f"{time}-{what}-{number}"


def archive_of(folder: Path) -> ArchiveLayout:
    """The archive that a record's folder is in."""
    return ArchiveLayout(folder.absolute().parents[1])


def day_of(moment: float) -> str:
    """The name of the folder of the day with this time, in seconds since 1970."""
    return f"{datetime.fromtimestamp(moment, UTC):{_DAY}}"


def is_day(name: str) -> bool:
    """Whether a folder of an archive is a day's, by its name."""
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", name) is not None


def what_of(folder: Path) -> str | None:
    """Runbook and subject in the name of a record's folder; None if it is not a record's."""
    match = _RECORD.fullmatch(folder.name)
    return match[2] if match else None


def run_id_of(folder: Path) -> str:
    """The id of the run of a record's folder. It stays the same when the folder is renamed during the run."""
    match = _RECORD.fullmatch(folder.name)
    day = folder.absolute().parent.name
    return f"{day}T{match[1]}Z-{match[3]}" if match else f"{day}-{folder.name}"


def pattern_of_run(run: str) -> str:
    """The glob pattern that finds a run's folder in its archive."""
    if match := re.fullmatch(r"(.{10})T(\d{6}Z)-([0-9a-f]{8})", run):
        return f"{match[1]}/{match[2]}-*-{match[3]}"
    return f"{run[:10]}/{glob.escape(run[11:])}"


def began_at(folder: Path) -> float | None:
    """When a record's run began, in seconds since 1970, by the folder's name; None if that has no time."""
    match = _RECORD.fullmatch(folder.name)
    try:
        moment = datetime.strptime(f"{folder.parent.name} {match[1] if match else ''}", f"{_DAY} %H%M%S")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()
