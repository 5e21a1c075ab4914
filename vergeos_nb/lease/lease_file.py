"""A lease as a file: locked, read and written. The decisions are in `lease`.

The lock is a separate file beside the lease, and is never removed. A lease is written by a rename, so a
process that dies while it writes leaves the old or the new lease. The kernel releases its lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from vergeos_nb.client.scrub import visible
from vergeos_nb.clock import Clock, iso
from vergeos_nb.errors import RecordError, Refused
from vergeos_nb.files import Busy, make_folder, put
from vergeos_nb.files import locked as held
from vergeos_nb.layout import LEASE_SUFFIX
from vergeos_nb.processes import Process
from vergeos_nb.shapes import Unfit, is_file, read_json

FORMAT = "vergeos-nb/lease/1"

LOCK_WAIT_S = 5.0
"""How long to wait while another process reads or writes the same lease."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The holder of a lease: a person, in a process of a machine, for a run."""

    name: str
    host: str
    # To `kill`, 0 and negative numbers mean groups of processes.
    pid: Annotated[int, Meta(gt=0)]
    run: str

    def __str__(self) -> str:
        where = f"process {self.pid} on {visible(self.host)}, run {visible(self.run)}"
        return f"{visible(self.name)} ({where})"


@dataclass(frozen=True, slots=True)
class LeaseEntry:
    """The content of a lease file. Times are seconds since 1970.

    Attributes:
        machine, installation, process_started: identify the owner's process.
        steady_until: when it ends by the monotonic clock of the owner's machine; None if an older version
            wrote the file.
    """

    subject: str
    owner: Owner
    token: str
    machine: str
    taken_at: float
    expires_at: float
    taken_over_from: str
    installation: str = ""
    process_started: str = ""
    steady_until: float | None = None

    @property
    def process(self) -> Process:
        """The process that holds it."""
        owner = self.owner
        return Process(owner.host, owner.pid, self.machine, self.installation, self.process_started)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A lease file that cannot be read."""

    reason: str


@contextlib.contextmanager
def locked(path: Path, asked: str, clock: Clock) -> Iterator[None]:
    """Hold the lock beside a lease file.

    Raises:
        Refused: another process held it for `LOCK_WAIT_S`.
        RecordError: the lock cannot be made, or the file system has no locks.
    """
    lock = path.with_suffix(".lock")
    with contextlib.ExitStack() as stack:
        try:
            make_folder(path.parent)
            stack.enter_context(held(lock, LOCK_WAIT_S, clock, fcntl.LOCK_EX))
        except Busy:
            raise Refused(
                asked,
                f"another process has kept {lock} locked for {LOCK_WAIT_S:g} s",
                "see whether a run hangs on this machine, and try again",
            ) from None
        except OSError as error:
            raise unusable(path, asked, error) from error
        yield


def read(path: Path, subject: str, asked: str) -> LeaseEntry | Damaged | None:
    """The content of the lease file; None if there is no file."""
    try:
        told = structs.asdict(read_json(path, _LeaseShape))
        times = {name: told[name].timestamp() for name in ("taken_at", "expires_at")}
        entry = LeaseEntry(**{name: told[name] for name in told if name != "format"} | times)
    except Unfit as unfit:
        if unfit.missing:
            return None
        if isinstance(unfit.__cause__, OSError):
            raise unusable(path, asked, unfit.__cause__) from unfit.__cause__
        empty = is_file(path) and not path.stat().st_size
        return Damaged(f"{path} is empty" if empty else f"{path} is damaged: {unfit.why}")
    if entry.subject != subject:
        return Damaged(f"{path} is the lease of {visible(entry.subject)}")
    return entry


class _LeaseShape(Struct):
    format: Literal["vergeos-nb/lease/1"]
    subject: str
    owner: Owner
    token: str
    machine: str
    taken_at: datetime
    expires_at: datetime
    taken_over_from: str
    # Older versions did not write these.
    installation: str = ""
    process_started: str = ""
    steady_until: float | None = None


def write(path: Path, entry: LeaseEntry, asked: str) -> None:
    """Write a lease file. It is on disk when this returns."""
    data = {
        "format": FORMAT,
        **asdict(entry),
        "taken_at": iso(entry.taken_at),
        "expires_at": iso(entry.expires_at),
    }
    # Only the holder of the lock writes, so the draft needs no unique name.
    try:
        put(path, (json.dumps(data, indent=1) + "\n").encode("ascii"), path.with_suffix(".draft"))
    except OSError as error:
        raise unusable(path, asked, error) from error


def file_name(subject: str) -> str:
    """A file name for this subject alone: its letters and digits, and a digest of the whole subject."""
    digest = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
    tame = re.sub(r"[^a-z0-9]+", "-", subject.lower())[:60].strip("-") or "vm"
    return f"{tame}-{digest[:32]}{LEASE_SUFFIX}"


def unusable(path: Path, asked: str, error: OSError) -> RecordError:
    """The error for a file that cannot be read or written."""
    return RecordError(
        asked,
        f"{path}: {os.strerror(error.errno) if error.errno else error}",
        "nothing is changed without a lease; use an archive in a folder that can be written and locked",
    )
