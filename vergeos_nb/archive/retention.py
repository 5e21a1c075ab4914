"""Keeping and removing: legal holds, and removals that leave a tombstone in the ledger.

The tombstone is written first. Then the folder is moved away in one step, and deleted in its new place. So a
process that is killed in between leaves the whole folder in its place, or nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.archive.folders.record_folders import Folder
from vergeos_nb.archive.ledger.chain import FlawKind
from vergeos_nb.archive.ledger.ledger import Head, Ledger
from vergeos_nb.archive.ledger.ledger_events import Standing, standing
from vergeos_nb.archive.ledger.ledger_lines import Event, LedgerEntry, Mark, hash_of
from vergeos_nb.archive.signing.signed_checkpoints import sign_head
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import Clock, from_iso, iso
from vergeos_nb.errors import RecordNotFound, Refused
from vergeos_nb.files import disk_errors, make_folder, sync_folder
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.masking import masked

# After this many tombstones the ledger's lock is released, so that other processes get a turn.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Due:
    """The result of a retention rule.

    Attributes:
        remove: the records that it removes, the oldest first.
        held: records that it would remove if they were not on hold.
    """

    remove: Sequence[LedgerEntry]
    held: Sequence[LedgerEntry]


class Keeper:
    """Holds, releases and removes records of one archive.

    Args:
        by: the user who does it.
        signer: signs the new head of the ledger.

    Raises:
        RecordError: from every method, when the ledger cannot be read or written.
    """

    def __init__(self, outputs: Path, by: str, clock: Clock, signer: Signer | None = None) -> None:
        self.outputs = outputs
        self._by = by
        self._clock = clock
        self._signer = signer
        self._ledger = Ledger(outputs)

    def standing(self) -> Standing:
        """The present state of the ledger."""
        return standing(self._ledger.whole_lines())

    def hold(self, record: str, reason: str) -> None:
        """Put a record on hold.

        Raises:
            RecordNotFound: no sealed record has this id.
            Refused: it is on hold.
        """
        self._decide(record, Event.HELD, reason)

    def release(self, record: str, reason: str) -> None:
        """End a record's hold.

        Raises:
            RecordNotFound: no sealed record has this id.
            Refused: it is not on hold.
        """
        self._decide(record, Event.RELEASED, reason)

    def check(self, records: Sequence[str]) -> None:
        """Check that these records may be removed. Changes nothing.

        Raises:
            RecordNotFound: no sealed record has one of the ids.
            Refused: one of them is on hold.
        """
        now = standing(self._ledger.whole_lines(), records)
        for record in records:
            _known(now, record)
            _refuse_held(now, record)

    def remove(self, records: Sequence[str], reason: str) -> None:
        """Remove records, and leave a tombstone of each.

        Raises:
            RecordNotFound: no sealed record has one of the ids; nothing is removed then.
            Refused: one of them is on hold, or the archive is not as it was sealed; nothing is removed then.
        """
        self.check(records)
        self._refuse_spoiled()
        for first in range(0, len(records), _AT_ONCE):
            with self._ledger.locked():
                some = records[first : first + _AT_ONCE]
                now = standing(self._ledger.whole_lines(), some)
                for record in some:
                    # Another process may have removed it, or put it on hold, since the first check.
                    if record in now.sealed:
                        _refuse_held(now, record)
                        self._append(_known(now, record), Event.REMOVED, reason)
                        self._set_aside(now.sealed[record].path)
                self._sign()
        self.finish()

    def finish(self) -> None:
        """Finish removals whose process was killed."""
        for mark in self.standing().removed.values():
            folder = Folder.read(self.outputs, mark.path)
            if folder.manifest == mark.manifest:
                self._set_aside(mark.path)
        shutil.rmtree(ArchiveLayout(self.outputs).removing, ignore_errors=True)

    def _decide(self, record: str, event: Event, reason: str) -> None:
        with self._ledger.locked():
            now = standing(self._ledger.whole_lines(), {record})
            entry = _known(now, record)
            if (record in now.held) is (event is Event.HELD):
                state = "on hold already" if event is Event.HELD else "not on hold"
                raise Refused(
                    f"changing the hold of {record}", f"it is {state}", "see `vergeos-nb audit show`"
                )
            self._append(entry, event, reason)
            self._sign()

    def _append(self, entry: LedgerEntry, event: Event, reason: str) -> None:
        newest, raw = self._ledger.newest()
        mark = Mark(
            count=newest.count + 1,
            previous=newest.hash,
            head_was=self._ledger.head_that_does_not_fit(newest, raw),
            event=event,
            record=entry.record,
            path=entry.path,
            manifest=entry.manifest,
            seal=entry.count,
            by=masked(self._by),
            reason=masked(reason),
            sealed_at=iso(self._clock.now()),
        )
        line = mark.line()
        self._ledger.append(line)
        self._ledger.put_head(Head(mark.count, hash_of(line)))

    def _sign(self) -> None:
        if self._signer is not None:
            sign_head(self.outputs, self._ledger.newest()[0], self._signer)

    def _set_aside(self, path: str) -> None:
        folder = self.outputs / path
        aside = ArchiveLayout(self.outputs).removing / f"{secrets.token_hex(4)}-{folder.name}"
        hint = "its tombstone is written; make the folder writable, then run `vergeos-nb audit prune` again"
        with disk_errors(f"removing {path}", hint, where=folder):
            make_folder(aside.parent)
            os.replace(folder, aside)  # noqa: PTH105 — its one name in this room, which tests make fail
            sync_folder(folder.parent)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # the day, if that was its last record

    def _refuse_spoiled(self) -> None:
        wrong = [
            finding for finding in verify(self.outputs).findings if finding.kind is not FlawKind.UNSEALED
        ]
        if wrong:
            raise Refused(
                f"removing records from {self.outputs}",
                f"{len(wrong)} things in the archive are not as they were sealed",
                "run `vergeos-nb audit verify` first: a removal could remove the evidence of the change",
            )


def due(now: Standing, before: float | None, keep: int) -> Due:
    """The records that a retention rule removes.

    Args:
        before: seconds since 1970: only runs that ended before; None means any.
        keep: this many of the newest records always stay.
    """
    by_age = sorted(
        now.sealed.values(), key=lambda entry: (ended(entry.fields, entry.sealed_at), entry.record)
    )
    old = [
        entry
        for entry in by_age[: max(len(by_age) - keep, 0)]
        if before is None or ended(entry.fields, entry.sealed_at) < before
    ]
    return Due(
        [entry for entry in old if entry.record not in now.held],
        [entry for entry in old if entry.record in now.held],
    )


def ended(fields: Mapping[str, object], sealed_at: str) -> float:
    """When a run ended; if that is not a valid time, when it was sealed."""
    for told in (fields.get("ended_at"), sealed_at):
        with contextlib.suppress(ValueError):
            return from_iso(str(told))
    return float("inf")


def _known(now: Standing, record: str) -> LedgerEntry:
    if record in now.sealed:
        return now.sealed[record]
    gone = now.removed.get(record)
    raise RecordNotFound(
        f"finding the record {record!r}",
        f"it was removed at {gone.sealed_at} by {gone.by}" if gone else "no sealed record has this id",
        "see `vergeos-nb audit list`",
    )


def _refuse_held(now: Standing, record: str) -> None:
    if (hold := now.held.get(record)) is not None:
        raise Refused(
            f"removing {record}",
            f"{hold.by} put it on hold at {hold.sealed_at}: {hold.reason}",
            "it stays until a person who may end the hold runs `vergeos-nb audit release`",
        )
