"""Verify an archive: only the ledger and the records are read, no index, no network.

Every kind of tampering has its own word (`FlawKind`). The traces of a crash are only notes: a torn last
line, a head one line behind, a run that has not ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from vergeos_nb.archive.folders.record_folders import (
    Folder,
    folders_in_days,
    has_not_begun,
    is_begun,
    is_link,
)
from vergeos_nb.archive.folders.seen import Seen
from vergeos_nb.archive.ledger.chain import Flaw, FlawKind, Found, follow
from vergeos_nb.archive.ledger.ledger import Head, Ledger, OpenLedger, read_head
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.ledger.line_file import LineFile
from vergeos_nb.archive.ledger.strays import LINE_ENDS
from vergeos_nb.archive.signing.allowed_signers import AllowedSigners
from vergeos_nb.archive.signing.signed_checkpoints import SignedHead, signed_heads
from vergeos_nb.archive.signing.timestamps import Authorities, stamped_heads
from vergeos_nb.archive.verify.check_end import check_end
from vergeos_nb.archive.verify.check_records import STANDS_IN, check_records
from vergeos_nb.archive.verify.check_tail import check_tail
from vergeos_nb.archive.verify.signature_check import Signatures, Voucher
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import RecordNotFound
from vergeos_nb.layout import HEAD, LEDGER, MANIFEST, TORN
from vergeos_nb.words import counted


@dataclass(frozen=True, slots=True)
class Report:
    """The result of verifying.

    Attributes:
        records: how many sealed records there are.
        lines: how many lines the ledger has.
        head: the end of the ledger, from its lines.
        findings: the faults, in order.
        notes: facts worth knowing that are no faults.
        voucher: the signature that reaches furthest, or None.
    """

    records: int
    lines: int
    head: Head
    findings: tuple[Flaw, ...]
    notes: tuple[str, ...]
    voucher: Voucher | None = None

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return 3 if self.findings else 0


_NEVER_BEGAN = "a run without a journal; `vergeos-nb audit recover` finishes it if its process is gone"
TIMES_AGAIN = 10
"""How often an archive is read again at most, if its ledger grew meanwhile."""


def verify(
    outputs: Path,
    expect: Head | None = None,
    allowed: AllowedSigners | None = None,
    authorities: Authorities | None = None,
) -> Report:
    """Verify an archive.

    Args:
        outputs: the archive's folder, or a copy of it.
        expect: a head that was noted elsewhere.
        allowed: the trusted signers. A signature of one of them must cover every line. With None,
        signatures by any key must be valid.
        authorities: the trusted timestamp authorities. With None, timestamps are not checked.

    Raises:
        RecordError: the ledger or the folder cannot be read.
    """
    report, before = _verify(outputs, expect, allowed, authorities)
    # A record may have been sealed while its files were read. If the ledger has changed, verify again.
    for _ in range(TIMES_AGAIN):
        if not report.findings or _state(outputs) == before:
            break
        report, before = _verify(outputs, expect, allowed, authorities)
    return report


def _state(outputs: Path) -> OpenLedger:
    with Ledger(outputs).opened() as files:
        return files


def verify_only(
    outputs: Path,
    record: str,
    expect: Head | None = None,
    allowed: AllowedSigners | None = None,
    authorities: Authorities | None = None,
) -> Report:
    """Verify an export: the whole chain, and one record. Missing other records are no findings.

    Raises:
        RecordNotFound: the ledger does not hold it.
        RecordError: the ledger or the folder cannot be read.
    """
    with Ledger(outputs).opened() as files:
        entries = (entry for _, entry in LineFile(files.descriptor, files.end).read())
        paths = {e.path for e in entries if isinstance(e, LedgerEntry) and e.record == record}
    if not paths:
        hint = "look for it with `vergeos-nb audit list`"
        raise RecordNotFound(f"verifying the record {record!r}", "no line of the ledger has this id", hint)
    report = verify(outputs, expect, allowed, authorities)
    kept = [f for f in report.findings if f.kind is not FlawKind.RECORD_MISSING or f.where in paths]
    missing = len(report.findings) - len(kept)
    notes = (
        *report.notes,
        *([f"not here: {counted(missing, 'other record')} of the ledger"] if missing else []),
    )
    return replace(report, records=report.records - missing, findings=tuple(kept), notes=notes)


def _verify(
    outputs: Path, expect: Head | None, allowed: AllowedSigners | None, authorities: Authorities | None
) -> tuple[Report, OpenLedger]:
    """Verify once. Also returns the ledger's files as they were read."""
    found = Found()
    # Read before the ledger, which may grow meanwhile. So none of them is newer than the ledger.
    signed, stamped = list(signed_heads(outputs)), list(stamped_heads(outputs))
    folders, never_began = _look(outputs)
    with Ledger(outputs).opened() as files:
        lines, told = _with_our_ends(files, found)
        noted = [expect] if expect else []
        signatures = Signatures(allowed, found)
        for one in signed:
            if one.changed_ends:
                found.add(one.where, FlawKind.LINE_ENDS, LINE_ENDS)
            if head := signatures.head(one, _sealed_at(lines, one)):
                noted.append(head)
        if authorities is not None:
            noted += [head for one in stamped if (head := authorities.head(one, found))]
        elif stamped:
            found.notes.append(f"not checked: {counted(len(stamped), 'timestamp')}; name the authorities")
        head = read_head(told) if told is not None else None
        chain = follow(lines, [*noted, head] if head else noted)
        folders |= _sealed_meanwhile(outputs, lines, folders)
        found.notes += [f"{path}: {_NEVER_BEGAN}" for path in never_began if path not in lines.sealed]
        # It holds as much memory as all that follows.
        lines.sealed.clear()
        found.findings += chain.findings
        check_end(chain, told, noted, folders, found)
        records = check_records(outputs, chain, folders, signatures, found)
    signatures.end(chain)
    check_tail(files.torn, chain.head, folders.values(), found)
    if files.set_aside:
        found.notes.append(f"{TORN}: a line that was cut off while it was written was set aside")
    report = Report(
        records,
        len(lines),
        chain.head,
        tuple(sorted(set(found.findings))),
        tuple(sorted(set(found.notes))),
        signatures.best,
    )
    return report, files


def _look(outputs: Path) -> tuple[dict[str, Seen], list[str]]:
    """Every record's folder with its files, and the folders of runs that did not begin."""
    seen, never_began = {}, []
    for path in folders_in_days(outputs):
        if is_begun(f"{outputs}/{path}"):
            seen[path] = Seen.look(outputs, path)
        elif has_not_begun(outputs, path):
            never_began.append(path)
    return seen, never_began


def _with_our_ends(files: OpenLedger, found: Found) -> tuple[LineFile, str | None]:
    """The lines and the head as they were before git changed their line ends, if nothing else was changed."""
    head = files.head
    if head is not None and head.endswith("\r"):
        found.add(HEAD, FlawKind.LINE_ENDS, LINE_ENDS)
        head = head.removesuffix("\r")
    lines = LineFile(files.descriptor, files.end)
    if lines.changed_ends:
        ours = LineFile(files.descriptor, files.end, unix_ends=True)
        if not follow(ours, []).findings:
            found.add(LEDGER, FlawKind.LINE_ENDS, LINE_ENDS)
            return ours, head
    return lines, head


def _sealed_meanwhile(outputs: Path, lines: LineFile, folders: Mapping[str, Seen]) -> dict[str, Seen]:
    """Records whose ledger line has changed since they were read. A manifest is written before its line."""
    return {
        path: Seen.look(outputs, path)
        for path, manifest in lines.sealed.items()
        if (path not in folders or folders[path].manifest != manifest)
        and not is_link(outputs, path)
        and (outputs / path).is_dir()
    }


def _sealed_at(lines: LineFile, signed: SignedHead) -> float | None:
    """When the line of a signed head was written; None if there is no such line."""
    if signed.head is None or not 0 < signed.head.count <= len(lines):
        return None
    entry = lines.entry(signed.head.count)
    try:
        return from_iso(entry.sealed_at) if entry else None
    except ValueError:
        return None


def verify_record(outputs: Path, entry: LedgerEntry) -> list[Flaw]:
    """Compare one record's files with its ledger line. The ledger itself is not verified.

    Raises:
        RecordError: the folder cannot be read.
    """
    if is_link(outputs, entry.path):
        return [Flaw(entry.path, FlawKind.LINK, STANDS_IN)]
    if not is_begun(f"{outputs}/{entry.path}"):
        return [
            Flaw(entry.path, FlawKind.RECORD_MISSING, f"number {entry.place.count} of the ledger sealed it")
        ]
    folder = Folder.read(outputs, entry.path)
    if folder.manifest != entry.manifest or folder.own is None:
        kind = FlawKind.MANIFEST_CHANGED if folder.manifest else FlawKind.MANIFEST_MISSING
        return [
            Flaw(f"{entry.path}/{MANIFEST}", kind, f"number {entry.place.count} of the ledger sealed another")
        ]
    return folder.wrong()
