"""One lease per VM, so that two runs on the same archive never force the same VM at once.

A lease is a small JSON file in a folder that all runs share; no file means that the VM is free. Reading it,
deciding and writing it happen under an exclusive ``flock``.

What a lease cannot do:

- It binds only runs that share the folder. The platform and its web interface do not know about it.
- ``flock`` holds between the processes of one machine. On NFS it holds between machines since Linux 2.6.12,
  if the server supports locking; on SMB and on file systems in user space it may not. If the file system
  refuses to lock, taking a lease fails. If it ignores locks silently, two machines can both read "free" at
  the same moment.
- A holder on this machine keeps its lease as long as its process lives. A holder on another machine, or in
  another container, cannot be checked: its lease ends by the clock. So the clocks of the machines must differ
  by much less than the time to live.
- A holder on another machine that was suspended for longer than its time to live has lost its lease.
  `Lease.renew`, right before each changing call, detects this.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from vergeos_nb.client.scrub import visible
from vergeos_nb.clock import Clock, iso
from vergeos_nb.errors import RecordError, Refused, UsageError
from vergeos_nb.lease.lease_file import Damaged, LeaseEntry, Owner, file_name, locked, read, unusable, write
from vergeos_nb.processes import Life, ask, is_on_this_start, started, this_process

__all__ = ["LONGEST_S", "Lease", "Leases", "Owner"]

LONGEST_S = 7 * 86400
"""Longest time to live, in seconds. If its holder is lost, a person has to wait until the lease ends."""

_HELD: set[str] = set()
"""The tokens of the leases that this process holds. A file of ours with another token was left behind."""


class Lease:
    """The right to change one VM for a limited time. A context manager that releases it.

    Attributes:
        path: its file.
        subject: the system and VM that it is for.
        taken_at, expires_at: seconds since 1970.
        taken_over_from: the earlier holder, and why its lease could be taken over; "" if the VM was free.
    """

    def __init__(self, path: Path, entry: LeaseEntry, ttl_s: float, clock: Clock) -> None:
        self.path = path
        self._entry = entry
        self._ttl_s = ttl_s
        self._clock = clock
        self._released = False

    @classmethod
    def take(cls, folder: Path, subject: str, owner: Owner, ttl_s: float, clock: Clock) -> Self:
        """Take the lease of a subject, or refuse. Does not wait.

        A lease that a process of this machine holds is taken over only when that process is gone. A lease of
        another machine is taken over when it has ended. A file that cannot be read counts as held until it is
        older than `ttl_s`.

        Args:
            folder: the leases of all runs that could touch the same VMs. It is made if it does not exist.
            subject: such as the host and the VM's key. All runs over one VM must use the same words.
            ttl_s: seconds until it ends unless it is renewed.

        Raises:
            Refused: somebody else holds it.
            RecordError: the folder cannot be written or locked.
            UsageError: the time to live is not above zero, or above `LONGEST_S`.
        """
        asked = f"taking the lease of {visible(subject)}"
        if not 0 < ttl_s <= LONGEST_S:
            raise UsageError(asked, f"it would last {ttl_s:g} s", f"let it last at most {LONGEST_S} s")
        path = folder / file_name(subject)
        with locked(path, asked, clock):
            now = clock.now()
            found = read(path, subject, asked)
            over = "" if found is None else _taken_over_from(path, found, clock, ttl_s, asked)
            here = this_process()
            entry = LeaseEntry(
                subject, owner, secrets.token_hex(16), here.machine, now, now + ttl_s, over,
                here.installation, started(owner.pid), clock.monotonic() + ttl_s,
            )  # fmt: skip
            write(path, entry, asked)
            _HELD.add(entry.token)
        return cls(path, entry, ttl_s, clock)

    @property
    def subject(self) -> str:
        return self._entry.subject

    @property
    def taken_at(self) -> float:
        return self._entry.taken_at

    @property
    def expires_at(self) -> float:
        return self._entry.expires_at

    @property
    def taken_over_from(self) -> str:
        return self._entry.taken_over_from

    def renew(self) -> None:
        """Extend the lease to a full time to live from now, even if it has ended and nobody took it.

        Raises:
            Refused: the lease was lost: somebody else took it, or may have taken it.
            RecordError: the folder cannot be written or locked.
        """
        asked = f"keeping the lease of {visible(self.subject)}"
        next_step = "stop here: somebody else may have changed the VM meanwhile; begin a new run"
        if self._released:
            raise Refused(asked, "it was released", "take it again")
        with locked(self.path, asked, self._clock):
            found = read(self.path, self.subject, asked)
            if not isinstance(found, LeaseEntry):
                raise Refused(asked, found.reason if found else "its file is gone", next_step)
            if found.token != self._entry.token:
                raise Refused(asked, f"{found.owner} took it at {iso(found.taken_at)}", next_step)
            until, steady = self._clock.now() + self._ttl_s, self._clock.monotonic() + self._ttl_s
            entry = replace(found, expires_at=until, steady_until=steady)
            write(self.path, entry, asked)
            self._entry = entry

    def release(self) -> None:
        """Release the lease, if it is still ours. Can be repeated.

        An error of the disk is ignored: a lease that is left behind ends with this process, or by the clock.
        """
        if self._released:
            return
        self._released = True
        _HELD.discard(self._entry.token)
        asked = f"giving back the lease of {visible(self.subject)}"
        with contextlib.suppress(OSError, RecordError, Refused), locked(self.path, asked, self._clock):
            found = read(self.path, self.subject, asked)
            if isinstance(found, LeaseEntry) and found.token == self._entry.token:
                self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.release()


class Leases:
    """Several leases that are taken together or not at all. A context manager that releases them.

    Args:
        subjects: all names of one VM. Holding one of them excludes every other run.

    Raises:
        Refused, RecordError, UsageError: as `Lease.take`; then none is held.
    """

    def __init__(
        self, folder: Path, subjects: Sequence[str], owner: Owner, ttl_s: float, clock: Clock
    ) -> None:
        with contextlib.ExitStack() as taking:
            self._all = [
                taking.enter_context(Lease.take(folder, one, owner, ttl_s, clock))
                for one in dict.fromkeys(subjects)
            ]
            taking.pop_all()

    @property
    def taken_over_from(self) -> tuple[str, ...]:
        """The earlier holders, and why their leases could be taken over."""
        return tuple(dict.fromkeys(one.taken_over_from for one in self._all if one.taken_over_from))

    def renew(self) -> None:
        """Renew all of them.

        Raises:
            Refused, RecordError: as `Lease.renew`.
        """
        for one in self._all:
            one.renew()

    def release(self) -> None:
        """Release those that are still ours. Can be repeated."""
        for one in self._all:
            one.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.release()


def _taken_over_from(path: Path, found: LeaseEntry | Damaged, clock: Clock, ttl_s: float, asked: str) -> str:
    """The existing holder, and why its lease may be taken over.

    Raises:
        Refused: it may not be taken over.
    """
    now = clock.now()
    if isinstance(found, Damaged):
        try:
            free_at = path.stat().st_mtime + ttl_s
        except OSError as error:
            raise unusable(path, asked, error) from error
        if now >= free_at:
            return f"a lease that cannot be read ({found.reason}), last written {iso(free_at - ttl_s)}"
        raise Refused(
            asked,
            f"somebody may hold it: {found.reason}",
            f"wait until {iso(free_at)}; if nobody works on this VM, remove {path} before",
        )
    since, pid = f"has held it since {iso(found.taken_at)}", found.owner.pid
    # Check the process first, because clocks jump and laptops sleep.
    match ask(found.process):
        case Life.GONE:
            return f"{found.owner}, whose process is gone"
        case Life.LIVES if pid == this_process().pid and found.token not in _HELD:
            return f"{found.owner}, which has given it back"
        case Life.LIVES if pid == this_process().pid:
            raise Refused(
                asked,
                f"{found.owner} {since}, and that is a run of this very process",
                "continue that run, or close it; if you cannot reach it, restart the kernel",
            )
        case Life.LIVES:
            raise Refused(
                asked,
                f"{found.owner} {since}, and that process lives on this machine",
                "talk to them, or close that run. If you cannot reach it, end its process with "
                f"`kill {pid}`: what it has sent stays in its journal, and `vergeos-nb audit recover` makes "
                "its record. Two at once could undo each other's work.",
            )
    if now >= found.expires_at and _has_passed(found, clock):
        return f"{found.owner}, whose lease ended at {iso(found.expires_at)}"
    raise Refused(
        asked,
        f"{found.owner} {since}, until {iso(found.expires_at)}; from here nobody can see whether it lives",
        "talk to them, or wait until it ends; two at once could undo each other's work. If that machine is "
        f"gone for good and its clock was wrong, remove {path}.",
    )


def _has_passed(found: LeaseEntry, clock: Clock) -> bool:
    """Whether a lease has also ended by this machine's monotonic clock, if its holder runs on it."""
    if found.steady_until is None or not is_on_this_start(found.process):
        return True
    return clock.monotonic() >= found.steady_until
