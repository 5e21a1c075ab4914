"""Seal a finished record: search it for secrets, hash its files, and write its line into the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vergeos_nb.archive.folders.lost import lost_ledger, why_lost
from vergeos_nb.archive.folders.sealable import refuse_removed, refuse_rewritten
from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import SEAL_LATER, Head, Ledger
from vergeos_nb.archive.ledger.ledger_lines import (
    Digest,
    LedgerEntry,
    LedgerPlace,
    hash_of,
    read_line,
    record_of,
)
from vergeos_nb.archive.ledger.manifest import (
    Manifest,
    bundle,
    fields_of,
    is_grown,
    read_manifest,
)
from vergeos_nb.archive.ledger.strays import is_litter
from vergeos_nb.archive.scan import Cleaned, clean
from vergeos_nb.archive.signing.signed_checkpoints import sign_head
from vergeos_nb.clock import Clock, SystemClock, iso
from vergeos_nb.errors import RecordError
from vergeos_nb.files import disk_errors, put
from vergeos_nb.layout import JOURNAL, MANIFEST, RECORD, SIGNATURE, archive_of
from vergeos_nb.record.record_file import object_of
from vergeos_nb.shapes import Unfit
from vergeos_nb.views.text import visible

if TYPE_CHECKING:
    from vergeos_nb.archive.signing.signer import Signer
    from vergeos_nb.client.scrub import Scrubber


def seal(
    folder: Path, scrubber: Scrubber, clock: Clock | None = None, signer: Signer | None = None
) -> Manifest:
    """Seal a finished record. A record that is sealed and unchanged is not sealed again.

    Secrets that its files still hold are masked, and ``record.json`` lists the masked files.

    Args:
        folder: the record's folder, two levels below the archive's.
        scrubber: knows the secrets that must not be sealed.
        signer: signs the manifest, and the new head of the ledger.

    Raises:
        RecordError: it holds a secret that cannot be masked; or it was sealed before, and its journal was
            changed in another way than by adding lines; or a file cannot be written. Then it is not sealed.
            If only the key cannot be used, the record is sealed without a signature before this is raised.
    """
    asked = f"sealing the record {folder.name}"
    paths = archive_of(folder)
    outputs = paths.outputs
    path = folder.absolute().relative_to(outputs).as_posix()
    contents = _read(folder, asked)
    _record(contents, asked)
    found = _cleaned(contents, scrubber, None, asked)
    ledger = Ledger(outputs)
    lost = why_lost(outputs)
    with ledger.locked():
        newest, raw = ledger.newest()
        if lost and not newest.count:
            raise lost_ledger(asked, lost)
        before = ledger.sealed_before(folder.name)
        if before is not None:
            refuse_removed(ledger, folder.name, asked)
            refuse_rewritten(contents[JOURNAL], before, asked)
            if found.changed:
                found = _cleaned(contents, scrubber, before, asked)
        if found.changed:
            contents = _masked(contents, found.changed, asked)
            _put_masked(folder, {name: contents[name] for name in (*found.changed, RECORD)}, asked)
        files = {name: Digest.of(content) for name, content in contents.items()}
        fields = fields_of(_record(contents, asked))
        if before and (same := _unchanged(folder, before, path, fields, files)) is not None:
            ledger.head_that_does_not_fit(newest, raw)
            return same
        place = LedgerPlace(
            count=newest.count + 1,
            previous=newest.hash,
            supersedes=before.place.count if before else None,
            head_was=ledger.head_that_does_not_fit(newest, raw),
        )
        plain = Manifest(folder.name, path, iso((clock or SystemClock()).now()), place, fields, files)
        manifest, signature, failure = _signed(plain, signer)
        with _whole(asked):
            # The manifest first: a line of the ledger must not refer to a missing manifest.
            put(folder / MANIFEST, manifest.encoded(), paths.draft)
            if signature:
                put(folder / SIGNATURE, signature, paths.draft)
            else:
                (folder / SIGNATURE).unlink(missing_ok=True)
        line = manifest.line()
        ledger.append(line)
        head = Head(place.count, hash_of(line))
        ledger.put_head(head)
        if failure is not None:
            raise failure
        if signer is not None:
            sign_head(outputs, head, signer)
    return manifest


def _signed(plain: Manifest, signer: Signer | None) -> tuple[Manifest, bytes, RecordError | None]:
    """The manifest with its signer, and the signature. If the key fails: without a signer, and the error."""
    if signer is None:
        return plain, b"", None
    try:
        manifest = msgspec.structs.replace(plain, signer=signer.fingerprint())
        return manifest, signer.sign(manifest.encoded()), None
    except RecordError as failure:
        return plain, b"", failure


def _read(folder: Path, asked: str) -> dict[str, bytes]:
    with _whole(asked):
        # Files of desktops and editors come and go. They are not part of the record.
        files = {name: path for name, path in bundle(folder).items() if not is_litter(name)}
        contents = {name: path.read_bytes() for name, path in files.items()}
    odd = [name for name in contents if not name.isprintable()]
    odd += [folder.name] if "\\" in folder.name else []
    if odd:
        raise RecordError(
            asked,
            f"a file's name cannot be written down as it is: {', '.join(visible(name) for name in odd)}",
            "rename the file, or move it out of the folder",
        )
    missing = [name for name in (JOURNAL, RECORD) if name not in contents]
    if missing:
        raise RecordError(asked, f"{' and '.join(missing)} is not there", "give the folder of a finished run")
    return contents


def _record(contents: Mapping[str, bytes], asked: str) -> Mapping[str, Any]:
    try:
        return object_of(contents[RECORD])
    except Unfit as unfit:
        again = "`vergeos-nb audit recover` makes it anew"
        raise RecordError(asked, f"{RECORD} is damaged: {unfit.why}", again) from None


def _cleaned(
    contents: Mapping[str, bytes], scrubber: Scrubber, before: LedgerEntry | None, asked: str
) -> Cleaned:
    """The record's files without secrets.

    Raises:
        RecordError: one holds a secret that cannot be masked.
    """
    # Sealed files stay unchanged.
    found = clean(contents, scrubber, {JOURNAL: before.journal.size} if before else None)
    if found.stuck:
        more = f", and {len(found.stuck) - 5} more" if len(found.stuck) > 5 else ""
        raise RecordError(
            asked,
            visible("; ".join(found.stuck[:5])) + more,
            "it cannot be masked there, so nothing was sealed: move that file out of the folder or rename "
            "it, then run `vergeos-nb audit recover`",
        )
    return found


def _masked(contents: Mapping[str, bytes], changed: Mapping[str, bytes], asked: str) -> dict[str, bytes]:
    """The record's files with these new contents. ``record.json`` lists the changed files."""
    masked = {**contents, **changed}
    told = dict(_record(masked, asked))
    told["masked"] = sorted({*_names(told.get("masked")), *changed})
    if isinstance(told.get("files"), dict):
        digests = {name: hashlib.sha256(masked[name]).hexdigest() for name in changed}
        told["files"] = {name: digests.get(name, digest) for name, digest in told["files"].items()}
    masked[RECORD] = (json.dumps(told, indent=2) + "\n").encode()
    return masked


def _put_masked(folder: Path, masked: Mapping[str, bytes], asked: str) -> None:
    with _whole(asked):
        for name, content in masked.items():
            put(folder / name, content, archive_of(folder).draft)


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _unchanged(
    folder: Path, before: LedgerEntry, path: str, fields: Mapping[str, Any], files: Mapping[str, Digest]
) -> Manifest | None:
    """The existing manifest, if it was sealed and a new one would be equal."""
    try:
        content = content_of(folder / MANIFEST) or b""
        manifest = read_manifest(content)
    except (OSError, ValueError):
        return None
    same = (manifest.path, manifest.fields, manifest.files) == (path, fields, files)
    return manifest if same and hashlib.sha256(content).hexdigest() == before.manifest else None


def _whole(asked: str) -> AbstractContextManager[None]:
    return disk_errors(asked, SEAL_LATER, where="the disk")


def newest_entries(outputs: Path, records: Collection[str]) -> dict[str, LedgerEntry]:
    """The newest line of each of these records by its id, as the ledger says; unverified.

    Raises:
        RecordError: the ledger cannot be read.
    """
    lines = Ledger(outputs).whole_lines()
    entries = (read_line(raw) for raw in lines if record_of(raw) in records)
    return {entry.record: entry for entry in entries if entry is not None}


def waits_for_its_seal(folder: Path, newest: Mapping[str, LedgerEntry]) -> bool:
    """Whether a finished record still has to be sealed: it is not in the ledger, or was finished again.

    This is false for a record that was changed in any other way, because a new seal would hide the change.
    """
    entry = newest.get(folder.name)
    if entry is None:
        return True
    try:
        manifest = read_manifest(content_of(folder / MANIFEST) or b"")
        if manifest.place.supersedes == entry.place.count:
            return True
        return is_grown(content_of(folder / JOURNAL) or b"", entry.journal)
    except (OSError, ValueError):
        return False
