"""A sealed record's files, only if they are what the ledger says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger_lines import Digest, LedgerEntry
from vergeos_nb.layout import JOURNAL, MANIFEST, RECORD


class _Files(msgspec.Struct):
    files: dict[str, Digest]


_MANIFEST = msgspec.json.Decoder(_Files)


def sealed_record(outputs: Path, entry: LedgerEntry) -> bytes | None:
    """The bytes of ``record.json``; None if they are missing, or not those that were sealed."""
    content = _content(outputs / entry.path / MANIFEST)
    if hashlib.sha256(content).hexdigest() != entry.manifest:
        return None
    try:
        # It has the ledger's hash, so that its one spelling need not be compared again.
        digest = _MANIFEST.decode(content).files.get(RECORD)
    except msgspec.MsgspecError:
        return None
    return _as_sealed(outputs / entry.path / RECORD, digest)


def sealed_journal(outputs: Path, entry: LedgerEntry) -> bytes | None:
    """The journal's bytes; None if they are missing, or not those that were sealed."""
    return _as_sealed(outputs / entry.path / JOURNAL, entry.journal)


def _as_sealed(path: Path, digest: Digest | None) -> bytes | None:
    content = _content(path)
    return content if digest is not None and Digest.of(content) == digest else None


def _content(path: Path) -> bytes:
    try:
        return b"" if path.is_symlink() else content_of(path) or b""
    except OSError:
        return b""
