"""Check one exported record without its archive, and say what its own files can vouch for and what not.

It is the zip of ``audit export``, the same unpacked, or a copy of a record's folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vergeos_nb.archive.export.exporting import ALLOWED, ENVELOPE, GUIDE
from vergeos_nb.archive.exported.agreement import check_agreement
from vergeos_nb.archive.exported.statement import Attested, check_statement
from vergeos_nb.archive.exported.unpacking import unpacked
from vergeos_nb.archive.folders.record_folders import Folder, folders_of, wrong_files
from vergeos_nb.archive.ledger.chain import Flaw, FlawKind, Found
from vergeos_nb.archive.ledger.disk import content_unless_linked
from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, read_line
from vergeos_nb.archive.ledger.manifest import Manifest, bundle, read_manifest
from vergeos_nb.archive.signing.allowed_signers import AllowedSigners
from vergeos_nb.archive.signing.timestamps import Authorities
from vergeos_nb.archive.verify.signature_check import Signatures, Voucher
from vergeos_nb.archive.verify.verify import verify_only
from vergeos_nb.errors import RecordNotFound, UsageError
from vergeos_nb.files import disk_errors
from vergeos_nb.layout import (
    ATTRIBUTES,
    HEAD,
    JOURNAL,
    LEDGER,
    MANIFEST,
    RECORD,
    SIGNATURE,
    SIGNED,
    TIMESTAMPS,
    TORN,
    ArchiveLayout,
    is_day,
)
from vergeos_nb.shapes import is_file, is_folder

README = "README.md"
GUIDES = (README, ATTRIBUTES, GUIDE, ALLOWED)
"""The files of an export that nothing vouches for."""
_KNOWN = (*GUIDES, LEDGER, HEAD, TORN, SIGNED, TIMESTAMPS, ENVELOPE)


@dataclass(frozen=True, slots=True)
class Trust:
    """What the auditor trusts.

    Attributes:
        head: a head of the archive's ledger that was noted elsewhere.
        allowed: the trusted signers.
        authorities: the trusted timestamp authorities.
    """

    head: Head | None = None
    allowed: AllowedSigners | None = None
    authorities: Authorities | None = None


@dataclass(slots=True)
class Evidence:
    """What was found about one record.

    Attributes:
        own: its manifest; None if it is missing or damaged.
        files: how many files the manifest names.
        journal_lines: how many lines the journal has.
        journal_open: why the journal cannot confirm the record's end; "" if it does.
        sealer: who signed the manifest, or None.
        attested: who signed the export's statement, or None.
        ledger_lines: how many lines the ledger in the export has; None without a ledger.
        guides: files beside the record that nothing vouches for.
    """

    own: Manifest | None = None
    files: int = 0
    journal_lines: int = 0
    journal_open: str = ""
    sealer: Voucher | None = None
    attested: Attested | None = None
    ledger_lines: int | None = None
    guides: tuple[str, ...] = ()
    found: Found = field(default_factory=Found)

    @property
    def findings(self) -> tuple[Flaw, ...]:
        """What is wrong, in order."""
        return tuple(sorted(set(self.found.findings)))


def check_one(path: Path, trust: Trust) -> Evidence:
    """Check an exported record.

    Raises:
        UsageError: there is nothing at this path, or it is a whole archive.
        RecordNotFound: it holds no record.
        Refused: the zip is damaged, too large, or would write outside of its folder.
        RecordError: a file cannot be read.
    """
    # No pipe either, because reading it could wait for ever.
    if not (is_file(path) or is_folder(path)):
        hint = "name the zip of `vergeos-nb audit export`, the folder that it unpacks to, or a copied record"
        raise UsageError("verifying one record", f"there is no file or folder {path}", hint)
    with disk_errors(f"verifying {path}", "make it readable"), _opened(path) as folder:
        root, record = _located(folder, path)
        return _checked(root, record, trust)


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path
    else:
        with unpacked(path) as folder:
            yield folder


def _located(folder: Path, told: Path) -> tuple[Path | None, Path]:
    """The root of the export, or None for a record's folder alone; and the record's folder."""
    if any((folder / name).is_file() for name in (MANIFEST, RECORD, JOURNAL)):
        return None, folder
    inner = [one for one in folder.iterdir() if one.is_dir()]
    if not (folder / LEDGER).exists() and len(inner) == 1 and not is_day(inner[0].name):
        return _located(inner[0], told)
    records = list(folders_of(folder))
    if len(records) > 1:
        hint = f"verify it as an archive: `vergeos-nb audit verify --outputs {told}`"
        raise UsageError(f"verifying {told}", f"it holds {len(records)} records, not one", hint)
    if not records:
        hint = "name the zip of `vergeos-nb audit export`, the folder that it unpacks to, or a copied record"
        raise RecordNotFound(f"verifying {told}", "it holds no record", hint)
    return folder, folder / records[0]


def _checked(root: Path | None, record: Path, trust: Trust) -> Evidence:
    evidence = Evidence()
    found = evidence.found
    content = content_unless_linked(str(record / MANIFEST))
    try:
        evidence.own = own = read_manifest(content or b"")
    except ValueError:
        kind = FlawKind.MANIFEST_CHANGED if content else FlawKind.MANIFEST_MISSING
        found.add(f"{record.name}/{MANIFEST}", kind, "without it nobody can say what was sealed")
        return evidence
    evidence.files = len(own.files)
    found.findings += wrong_files(str(record), own)
    if not found.findings:
        evidence.journal_lines, evidence.journal_open = check_agreement(record, own, found)
    digest = hashlib.sha256(content or b"").hexdigest()
    signatures = Signatures(trust.allowed, found)
    signatures.record(Folder(record, own.path, digest, own, finished=True))
    evidence.sealer = signatures.best
    if root is not None:
        _check_around(root, record, own, evidence, trust)
    if trust.allowed is not None and evidence.sealer is None and evidence.ledger_lines is None:
        found.add(own.path, FlawKind.UNSIGNED, "no allowed signer vouches for it")
    return evidence


def _check_around(root: Path, record: Path, own: Manifest, evidence: Evidence, trust: Trust) -> None:
    """Check what an export holds beside its record."""
    found = evidence.found
    path = record.relative_to(root).as_posix()
    if path != own.path:
        found.add(path, FlawKind.SWAPPED, f"here stands {own.path}")
        return
    day = record.parent
    # Folders that exist if somebody has used the unpacked export as an archive.
    used = ArchiveLayout(root)
    known = {root / name for name in _KNOWN} | {used.lock, used.index}
    for one in sorted([*root.iterdir(), *day.iterdir()]):
        if one.is_symlink():
            found.add(one.relative_to(root).as_posix(), FlawKind.LINK, "an export holds no links")
        elif one not in known | {day, record}:
            detail = "it is no part of an export"
            found.add(one.relative_to(root).as_posix(), FlawKind.FILE_ADDED, detail)
    if found.findings:
        return
    evidence.guides = tuple(name for name in GUIDES if (root / name).exists())
    entry = read_line(own.line())
    assert isinstance(entry, LedgerEntry)
    if (envelope := content_unless_linked(str(root / ENVELOPE))) is not None:
        files = bundle(record)
        files |= {name: record / name for name in (MANIFEST, SIGNATURE) if (record / name).is_file()}
        members = {f"{path}/{name}": file.read_bytes() for name, file in files.items()}
        evidence.attested = check_statement(envelope, entry, members, trust.allowed, found)
    if not (root / LEDGER).exists() and not (root / HEAD).exists():
        return
    try:
        report = verify_only(root, own.record, trust.head, trust.allowed, trust.authorities)
    except RecordNotFound:
        found.add(LEDGER, FlawKind.UNSEALED, f"no line of it seals {own.record}")
        return
    evidence.ledger_lines = report.lines
    found.findings += report.findings
    found.notes += report.notes
