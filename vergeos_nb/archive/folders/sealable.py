"""Find out whether a record could be sealed now, by doing everything that sealing does.

Checking permissions is not enough: the superuser passes every check, and permissions do not show locks,
links, quotas and mounts.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_lines import Digest, LedgerEntry
from vergeos_nb.archive.ledger.manifest import bundle, is_grown
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.errors import RecordError
from vergeos_nb.files import draft_of, put
from vergeos_nb.layout import (
    JOURNAL,
    MANIFEST,
    NOTEBOOK,
    PAGE,
    PNG,
    PROBE,
    RECORD,
    SIGNATURE,
    SIGNED,
    SVG,
    archive_of,
)
from vergeos_nb.settings import archive_settings

# Longer than another process needs to seal, and shorter than evidence stays fresh.
LOCK_WITHIN_S = 10.0
# Files that finishing and sealing write into a record's folder, replacing existing ones.
WRITTEN = (MANIFEST, SIGNATURE, RECORD, NOTEBOOK, PAGE, PNG, SVG)
# Keys that have signed in this process: some ask for a touch each time.
_KEYS_TRIED: set[Path] = set()


def try_to_seal(folder: Path) -> None:
    """Try everything that sealing needs, and leave nothing behind. Can be repeated.

    Args:
        folder: the record's, two levels below the archive's.

    Raises:
        OSError, RecordError: the record could not be sealed now.
    """
    paths = archive_of(folder)
    ledger = Ledger(paths.outputs)
    _try_record(folder)
    if any(os.path.lexists(path) for path in (paths.ledger, paths.head, paths.lock)):
        with ledger.locked(LOCK_WITHIN_S):
            _try_ledger(ledger, folder)
            _try_putting(folder, paths.draft)
    else:
        # Nothing was sealed here yet. The first writer makes the lock.
        _try_putting(folder, paths.probe(secrets.token_hex(4)))


def try_to_sign(outputs: Path) -> None:
    """Try the signing key, where one is set up.

    Raises:
        OSError, RecordError: the key cannot be used, or a signature cannot be stored.
    """
    key = archive_settings().signing_key
    if key is None:
        return
    folder = outputs / SIGNED
    if os.path.lexists(folder) and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    if key not in _KEYS_TRIED:
        signer = Signer(key)
        signer.fingerprint()
        signer.sign(b"tried before a request is sent\n")
        _KEYS_TRIED.add(key)


def refuse_rewritten(journal: bytes, before: LedgerEntry, asked: str) -> None:
    """Refuse a journal that is not the one sealed before, nor that one with lines added.

    Raises:
        RecordError: it was changed otherwise.
    """
    if Digest.of(journal) != before.journal and not is_grown(journal, before.journal):
        raise RecordError(
            asked,
            f"its journal is not the one that line {before.place.count} of the ledger sealed, with or "
            "without lines that a recovery added",
            "somebody changed it: run `vergeos-nb audit verify`, and restore the record from a copy",
        )


def refuse_removed(ledger: Ledger, record: str, asked: str) -> None:
    """Refuse a record that was removed. Under the ledger's lock.

    Raises:
        RecordError: it has a tombstone.
    """
    if ledger.was_removed(record):
        hint = "its tombstone says by whom and why: see `vergeos-nb audit list --removed`"
        raise RecordError(asked, "it was removed, and is not sealed again", hint)


def _try_record(folder: Path) -> None:
    for path in bundle(folder).values():
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    for name in WRITTEN:
        for path in (folder / name, draft_of(folder / name)):
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))


def _try_ledger(ledger: Ledger, folder: Path) -> None:
    newest, raw = ledger.newest()
    if not ledger.paths.ledger.exists() and ledger.paths.ledger.is_symlink():
        raise FileNotFoundError(errno.ENOENT, "a link to nowhere", str(ledger.paths.ledger))
    ledger.head_that_does_not_fit(newest, raw)
    if (before := ledger.sealed_before(folder.name)) is not None:
        asked = f"sealing the record {folder.name}"
        refuse_removed(ledger, folder.name, asked)
        refuse_rewritten(content_of(folder / JOURNAL) or b"", before, asked)
    if (head := content_of(ledger.paths.head)) is not None:
        put(ledger.paths.head, head, ledger.paths.draft)


def _try_putting(folder: Path, draft: Path) -> None:
    probe = folder / PROBE
    try:
        put(probe, b"", draft)
    finally:
        for path in (probe, draft):
            if path.is_file():
                path.unlink()
