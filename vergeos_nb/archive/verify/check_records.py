"""Compare each record with its newest ledger line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vergeos_nb.archive.folders.record_folders import Folder, is_link
from vergeos_nb.archive.folders.seen import Seen
from vergeos_nb.archive.ledger.chain import Chain, FlawKind, Found
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, Mark
from vergeos_nb.archive.ledger.line_file import LedgerLine, line_name
from vergeos_nb.archive.verify.check_end import check_told_head
from vergeos_nb.archive.verify.check_events import Marks
from vergeos_nb.archive.verify.signature_check import Signatures
from vergeos_nb.layout import MANIFEST

STANDS_IN = "a link stands in its place, which can lead elsewhere tomorrow: put the folder itself there"
_FINISHED_AGAIN = "it was finished again and not sealed yet; `vergeos-nb audit recover` seals it"


@dataclass
class _Newest:
    """The newest line of each record that is still there.

    Attributes:
        by_path: its number in the file, by the record's path.
        by_record: the number that it says it has, by the record's id.
    """

    by_path: dict[str, int] = field(default_factory=dict)
    by_record: dict[str, int] = field(default_factory=dict)

    def follow(self, line: LedgerLine, entry: LedgerEntry, chain: Chain, found: Found) -> None:
        """Add a seal."""
        before = self.by_record.get(entry.record)
        if entry.supersedes != before and not chain.lost:
            detail = (
                "it supersedes a line that is not there"
                if before is None
                else f"it does not say that it supersedes the line of {entry.record}"
            )
            found.add(line.where, FlawKind.REPLAYED, detail)
        self.by_record[entry.record] = line.count
        self.by_path[entry.path] = line.at

    def remove(self, mark: Mark) -> None:
        """Add a tombstone."""
        self.by_path.pop(mark.path, None)
        self.by_record.pop(mark.record, None)


def check_records(
    outputs: Path,
    chain: Chain,
    folders: Mapping[str, Seen],
    signatures: Signatures,
    found: Found,
) -> int:
    """Compare each record with its newest line. Returns how many records the ledger has."""
    newest, marks = _Newest(), Marks()
    for line, entry in chain.read():
        check_told_head(line, entry, found)
        if isinstance(entry, LedgerEntry):
            newest.follow(line, entry, chain, found)
        elif entry is not None and marks.follow(line, entry, newest.by_path, chain, found):
            newest.remove(entry)
    for path, sealed in newest.by_path.items():
        if path in folders:
            continue
        if is_link(outputs, path):
            found.add(path, FlawKind.LINK, STANDS_IN)
        else:
            detail = f"number {_seal(chain, sealed).count} of the ledger sealed it"
            found.add(path, FlawKind.RECORD_MISSING, detail)
    others = []
    for path, seen in folders.items():
        at = newest.by_path.get(path)
        if at is None and path in marks.gone:
            marks.check_left(path, seen, found)
        elif at is None or not _is_sealed(outputs, path, seen, chain, at, signatures, found):
            others.append(path)
    sources = _sources(chain, {folders[path].manifest for path in others} - {b""})
    for path in others:
        at = newest.by_path.get(path)
        entry = None if at is None else _seal(chain, at)
        _check_other(outputs, path, entry, folders, sources, chain, found)
    return len(newest.by_path)


def _seal(chain: Chain, at: int) -> LedgerEntry:
    entry = chain.lines.entry(at)
    assert isinstance(entry, LedgerEntry)
    return entry


def _is_sealed(
    outputs: Path, path: str, seen: Seen, chain: Chain, at: int, signatures: Signatures, found: Found
) -> bool:
    """Whether a folder's manifest is the one that its newest line sealed. Then all of it is checked."""
    as_sealed = seen.line == chain.lines.digest_at(at)
    # Nearly every record of an archive ends here: its line is not read again.
    if as_sealed and not seen.wrong and not seen.signature:
        return True
    entry = _seal(chain, at)
    if seen.manifest.hex() != entry.manifest:
        return False
    if not as_sealed:
        detail = f"it does not say what the manifest of {path} says"
        found.add(line_name(at), FlawKind.LINE_EDITED, detail)
    if Folder.read(outputs, path).has_grown(entry):
        found.add(path, FlawKind.UNSEALED, _FINISHED_AGAIN)
        return True
    found.findings += seen.wrong
    if seen.signature and (folder := Folder.read(outputs, path)).manifest == entry.manifest:
        signatures.record(folder)
    return True


def _sources(chain: Chain, manifests: Collection[bytes]) -> dict[bytes, str]:
    """The record that was sealed last with each of these manifests."""
    if not manifests:
        return {}
    return {
        digest: entry.path
        for _, entry in chain.read()
        if isinstance(entry, LedgerEntry) and (digest := bytes.fromhex(entry.manifest)) in manifests
    }


def _check_other(
    outputs: Path,
    path: str,
    entry: LedgerEntry | None,
    folders: Mapping[str, Seen],
    sources: Mapping[bytes, str],
    chain: Chain,
    found: Found,
) -> None:
    """Report a folder that is not as its newest line sealed it.

    Args:
        entry: that line, if it has one.
    """
    seen = folders[path]
    source = sources.get(seen.manifest)
    if source is not None:
        there = folders.get(source)
        if source == path:
            found.add(path, FlawKind.REPLAYED, "an older state of this record was put back")
        elif entry and there and there.manifest.hex() == entry.manifest:
            found.add(path, FlawKind.SWAPPED, f"here stands {source}, and there stands this one")
        else:
            found.add(path, FlawKind.REPLAYED, f"it is a copy of {source}")
    elif seen.line and seen.count in chain.lost:
        found.findings += seen.wrong  # its line was named as edited, deleted or cut off
    elif entry is None:
        if seen.finished:
            found.add(path, FlawKind.UNSEALED, "it is not in the ledger; `vergeos-nb audit recover` seals it")
        else:
            found.notes.append(f"{path}: a run that has not ended, or was killed")
    elif not seen.manifest:
        found.add(path, FlawKind.MANIFEST_MISSING, f"number {entry.count} of the ledger sealed it")
    elif seen.line and Folder.read(outputs, path).was_finished_again(entry):
        found.add(path, FlawKind.UNSEALED, _FINISHED_AGAIN)
    else:
        detail = f"it is not the one that number {entry.count} of the ledger sealed"
        found.add(f"{path}/{MANIFEST}", FlawKind.MANIFEST_CHANGED, detail)
