"""Verify an archive: only the ledger and the records are read, no index, no network.

Every kind of tampering has a word of its own (`Kind`). What a crash leaves is told from it: a torn last line,
a head one line behind, a run that has not ended are notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vergeos_nb.audit.chain import Chain, Finding, Kind, Line, follow, lines_of
from vergeos_nb.audit.folders import Folder, folders_of
from vergeos_nb.audit.ledger import Entry, Head, Ledger, Snapshot, read_head
from vergeos_nb.audit.manifest import NAME

_FINISHED_AGAIN = "it was finished again and not sealed yet; `vergeos-nb audit recover` seals it"


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying came to.

    Attributes:
        records: how many sealed records there are.
        lines: how many lines the ledger has.
        head: where the ledger ends, as its lines say.
        findings: what is wrong, in order.
        notes: what is worth knowing and not wrong.
    """

    records: int
    lines: int
    head: Head
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return 3 if self.findings else 0


def verify(outputs: Path, expect: Head | None = None) -> Report:
    """Verify an archive.

    Args:
        outputs: the archive's folder, or a copy of it.
        expect: a head that was noted elsewhere.

    Raises:
        RecordError: the ledger or the folder cannot be read.
    """
    report, changing = _verify(outputs, expect)
    # Somebody may have sealed a record while its files were read; then it holds the second time.
    return _verify(outputs, expect)[0] if report.findings and changing() else report


def _verify(outputs: Path, expect: Head | None) -> tuple[Report, _Changing]:
    snapshot = Ledger(outputs).snapshot()
    found = _Found()
    lines = lines_of(snapshot.lines)
    head = read_head(snapshot.head) if snapshot.head is not None else None
    chain = follow(lines, [anchor for anchor in (head, expect) if anchor])
    folders = {path: Folder.read(outputs, path) for path in sorted(folders_of(outputs))}
    found.findings += chain.findings
    _check_end(chain, snapshot, head, expect, folders, found)
    _check_told_heads(chain, found)
    records = _check_records(chain, folders, found)
    if snapshot.torn:
        found.notes.append(
            "ledger.jsonl: its last line was cut off while it was written; the next seal sets it aside"
        )
    if snapshot.set_aside:
        found.notes.append("ledger.torn: a line that was cut off while it was written was set aside")
    report = Report(
        records, len(lines), chain.head, tuple(sorted(set(found.findings))), tuple(sorted(set(found.notes)))
    )
    return report, _Changing(outputs, snapshot)


@dataclass
class _Found:
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, where: str, kind: Kind, detail: str) -> None:
        self.findings.append(Finding(where, kind, detail))


@dataclass(frozen=True, slots=True)
class _Changing:
    """Whether the ledger has moved on since."""

    outputs: Path
    before: Snapshot

    def __call__(self) -> bool:
        return Ledger(self.outputs).snapshot() != self.before


# -- the end of the ledger -----------------------------------------------------------------------


def _check_end(
    chain: Chain,
    snapshot: Snapshot,
    head: Head | None,
    expect: Head | None,
    folders: Mapping[str, Folder],
    found: _Found,
) -> None:
    """Hold the ledger's end against the head file, a head noted elsewhere, and the records themselves."""
    end = chain.head
    ends_as_written = not (chain.findings and end.count in chain.lost)
    # Places are given under the lock, one after the newest line: a record that was never in the ledger has no
    # higher number than the next one.
    claimed = max((f.own.place.count for f in folders.values() if f.own), default=0)
    if snapshot.head is None:
        if end.count > 1 or claimed > 1:
            found.add("ledger.head", Kind.HEAD_WRONG, "it is missing")
    elif head is None:
        found.add("ledger.head", Kind.HEAD_WRONG, "it is damaged")
    elif head.count > end.count:
        found.add(
            "ledger.jsonl",
            Kind.TAIL_CUT,
            f"it ends with number {end.count}, and ledger.head says that there were {head.count}",
        )
        chain.lost |= _range(end.count, head.count)
    elif head == Head(end.count - 1, chain.heads.get(end.count - 1, "")):
        found.notes.append("ledger.head is one line behind: whoever sealed last was stopped right after it")
    elif head != end and ends_as_written:
        _name_the_liar(chain, head, expect, folders, found)
    if claimed > end.count + 1 and not (head and head.count > end.count):
        found.add(
            "ledger.jsonl",
            Kind.TAIL_CUT,
            f"it ends with number {end.count}, and a record says that it was sealed as number {claimed}",
        )
        chain.lost |= _range(end.count, claimed)
    if expect is not None:
        _check_expected(chain, head, expect, found)


def _name_the_liar(
    chain: Chain, head: Head, expect: Head | None, folders: Mapping[str, Folder], found: _Found
) -> None:
    """Ledger and head do not agree on the last line: its record knows which of them was changed."""
    end = chain.head
    line = chain.kept[-1] if chain.kept else None
    folder = folders.get(line.entry.path) if line and line.entry else None
    own = folder.own if folder else None
    proven = own is not None and line is not None and own.line() == line.raw
    if line is None or head.count != end.count or proven or expect == end:
        found.add("ledger.head", Kind.HEAD_WRONG, f"it says {head}, and the ledger ends with {end}")
        return
    found.add(line.where, Kind.LINE_EDITED, "ledger.head has another hash for it")
    chain.lost.add(line.count)
    chain.kept.pop()


def _check_expected(chain: Chain, head: Head | None, expect: Head, found: _Found) -> None:
    end = chain.head
    if expect.count <= end.count:
        if chain.heads.get(expect.count) != expect.hash:
            found.add(
                "ledger.jsonl",
                Kind.REWRITTEN,
                f"it has another history than the expected head {expect}: number {expect.count} has the hash "
                f"{chain.heads.get(expect.count, 'of a line that is not there')}",
            )
        return
    if head is not None and head.count > end.count:
        return  # it was named by the head file
    found.add(
        "ledger.jsonl",
        Kind.OLD_LEDGER,
        f"it ends with number {end.count}, and number {expect.count} was noted: an old ledger was put back, "
        "or its end was cut off together with its head",
    )
    chain.lost |= _range(end.count, expect.count)


def _range(last: int, until: int) -> set[int]:
    return set(range(last + 1, min(until, last + 1_000_000) + 1))


def _check_told_heads(chain: Chain, found: _Found) -> None:
    """What sealing saw of the head file when it did not fit, as the lines have kept it."""
    for line in chain.kept:
        told = line.entry.place.head_was if line.entry else None
        if told is None:
            continue
        head = read_head(told)
        if head and head.count >= line.count:
            detail = f"before it was written, ledger.head said that there were {head.count} lines"
            found.add(line.where, Kind.TAIL_CUT, detail)
        else:
            found.add(line.where, Kind.HEAD_WRONG, f"before it was written, ledger.head was {told!a}")


# -- the records ---------------------------------------------------------------------------------


def _check_records(chain: Chain, folders: Mapping[str, Folder], found: _Found) -> int:
    """Hold each record against its newest line. Returns how many records the ledger has."""
    newest: dict[str, Line] = {}
    by_record: dict[str, Line] = {}
    by_manifest: dict[str, str] = {}
    for line in chain.kept:
        entry = line.entry
        if entry is None:
            continue
        before = by_record.get(entry.record)
        if entry.place.supersedes != (before.count if before else None) and not chain.lost:
            found.add(
                line.where,
                Kind.REPLAYED,
                f"it does not say that it supersedes the line of {entry.record}"
                if before
                else "it supersedes a line that is not there",
            )
        by_record[entry.record] = newest[entry.path] = line
        by_manifest[entry.manifest] = entry.path
    for path, line in newest.items():
        if path not in folders:
            found.add(path, Kind.RECORD_MISSING, f"number {line.count} of the ledger sealed it")
    for path, folder in folders.items():
        _check_record(folder, newest.get(path), by_manifest, newest, folders, chain, found)
    return len(newest)


def _check_record(
    folder: Folder,
    line: Line | None,
    by_manifest: Mapping[str, str],
    newest: Mapping[str, Line],
    folders: Mapping[str, Folder],
    chain: Chain,
    found: _Found,
) -> None:
    where, own = folder.path, folder.own
    entry = line.entry if line else None
    if line and entry and folder.manifest == entry.manifest:
        if own is None or own.line() != line.raw:
            found.add(line.where, Kind.LINE_EDITED, f"it does not say what the manifest of {where} says")
        if folder.has_grown(entry):
            found.add(where, Kind.UNSEALED, _FINISHED_AGAIN)
            return
        found.findings += folder.wrong()
        return
    source = by_manifest.get(folder.manifest) if folder.manifest else None
    if source is not None:
        there = folders.get(source)
        if source == where:
            found.add(where, Kind.REPLAYED, "an older state of this record was put back")
        elif entry and there and there.manifest == entry.manifest:
            found.add(where, Kind.SWAPPED, f"here stands {source}, and there stands this one")
        else:
            found.add(where, Kind.REPLAYED, f"it is a copy of {source}")
    elif own and own.place.count in chain.lost:
        found.findings += folder.wrong()  # its line was named as edited, deleted or cut off
    elif entry is None:
        if folder.finished:
            found.add(where, Kind.UNSEALED, "it is not in the ledger; `vergeos-nb audit recover` seals it")
        else:
            found.notes.append(f"{where}: a run that has not ended, or was killed")
    elif not folder.manifest:
        found.add(where, Kind.MANIFEST_MISSING, f"number {entry.place.count} of the ledger sealed it")
    elif own and folder.was_finished_again(entry):
        found.add(where, Kind.UNSEALED, _FINISHED_AGAIN)
    else:
        detail = f"it is not the one that number {entry.place.count} of the ledger sealed"
        found.add(f"{where}/{NAME}", Kind.MANIFEST_CHANGED, detail)


def verify_record(outputs: Path, entry: Entry) -> list[Finding]:
    """Hold one record's files against its ledger line. Whether the ledger is whole is not asked.

    Raises:
        RecordError: the folder cannot be read.
    """
    if entry.path not in set(folders_of(outputs)):
        return [
            Finding(entry.path, Kind.RECORD_MISSING, f"number {entry.place.count} of the ledger sealed it")
        ]
    folder = Folder.read(outputs, entry.path)
    if folder.manifest != entry.manifest or folder.own is None:
        kind = Kind.MANIFEST_CHANGED if folder.manifest else Kind.MANIFEST_MISSING
        return [
            Finding(f"{entry.path}/{NAME}", kind, f"number {entry.place.count} of the ledger sealed another")
        ]
    return folder.wrong()
