"""Compare each record with its newest ledger line."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from vergeos_nb.archive.folders.record_folders import Folder
from vergeos_nb.archive.ledger.chain import Chain, FlawKind, Found, LedgerLine
from vergeos_nb.archive.ledger.ledger_lines import Mark
from vergeos_nb.archive.verify.check_events import Marks
from vergeos_nb.archive.verify.signature_check import Signatures
from vergeos_nb.layout import MANIFEST

STANDS_IN = "a link stands in its place, which can lead elsewhere tomorrow: put the folder itself there"
_FINISHED_AGAIN = "it was finished again and not sealed yet; `vergeos-nb audit recover` seals it"


def check_records(
    chain: Chain,
    folders: Mapping[str, Folder],
    links: Collection[str],
    signatures: Signatures,
    found: Found,
) -> int:
    """Compare each record with its newest line. Returns how many records the ledger has."""
    newest: dict[str, LedgerLine] = {}
    by_record: dict[str, LedgerLine] = {}
    by_manifest: dict[str, str] = {}
    marks = Marks()
    for line in chain.kept:
        if isinstance(line.entry, Mark) and marks.follow(line, line.entry, newest, chain, found):
            newest.pop(line.entry.path, None)
            by_record.pop(line.entry.record, None)
        entry = line.seal
        if entry is None:
            continue
        before = by_record.get(entry.record)
        if entry.place.supersedes != (before.count if before else None) and not chain.lost:
            found.add(
                line.where,
                FlawKind.REPLAYED,
                f"it does not say that it supersedes the line of {entry.record}"
                if before
                else "it supersedes a line that is not there",
            )
        by_record[entry.record] = newest[entry.path] = line
        by_manifest[entry.manifest] = entry.path
    for path, line in newest.items():
        if path in links:
            found.add(path, FlawKind.LINK, STANDS_IN)
        elif path not in folders:
            found.add(path, FlawKind.RECORD_MISSING, f"number {line.count} of the ledger sealed it")
    for path, folder in folders.items():
        if path in marks.gone and path not in newest:
            marks.check_left(folder, found)
            continue
        _check_record(folder, newest.get(path), by_manifest, newest, folders, chain, signatures, found)
    return len(newest)


def _check_record(
    folder: Folder,
    line: LedgerLine | None,
    by_manifest: Mapping[str, str],
    newest: Mapping[str, LedgerLine],
    folders: Mapping[str, Folder],
    chain: Chain,
    signatures: Signatures,
    found: Found,
) -> None:
    where, own = folder.path, folder.own
    entry = line.seal if line else None
    if line and entry and folder.manifest == entry.manifest:
        if own is None or own.line(folder.manifest) != line.raw:
            found.add(line.where, FlawKind.LINE_EDITED, f"it does not say what the manifest of {where} says")
        if folder.has_grown(entry):
            found.add(where, FlawKind.UNSEALED, _FINISHED_AGAIN)
            return
        found.findings += folder.wrong()
        signatures.record(folder)
        return
    source = by_manifest.get(folder.manifest) if folder.manifest else None
    if source is not None:
        there = folders.get(source)
        if source == where:
            found.add(where, FlawKind.REPLAYED, "an older state of this record was put back")
        elif entry and there and there.manifest == entry.manifest:
            found.add(where, FlawKind.SWAPPED, f"here stands {source}, and there stands this one")
        else:
            found.add(where, FlawKind.REPLAYED, f"it is a copy of {source}")
    elif own and own.place.count in chain.lost:
        found.findings += folder.wrong()  # its line was named as edited, deleted or cut off
    elif entry is None:
        if folder.finished:
            found.add(
                where, FlawKind.UNSEALED, "it is not in the ledger; `vergeos-nb audit recover` seals it"
            )
        else:
            found.notes.append(f"{where}: a run that has not ended, or was killed")
    elif not folder.manifest:
        found.add(where, FlawKind.MANIFEST_MISSING, f"number {entry.place.count} of the ledger sealed it")
    elif own and folder.was_finished_again(entry):
        found.add(where, FlawKind.UNSEALED, _FINISHED_AGAIN)
    else:
        detail = f"it is not the one that number {entry.place.count} of the ledger sealed"
        found.add(f"{where}/{MANIFEST}", FlawKind.MANIFEST_CHANGED, detail)
