"""A record taken out of the archive: as a page, or as a zip with everything that proves it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from vergeos_nb.archive.export.attestation import envelope_of
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.ledger.manifest import bundle
from vergeos_nb.archive.ledger.strays import ATTRIBUTES_SAY
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify_record
from vergeos_nb.clock import from_iso
from vergeos_nb.errors import Refused
from vergeos_nb.files import disk_errors
from vergeos_nb.layout import ATTRIBUTES, HEAD, HEAD_SUFFIX, LEDGER, MANIFEST, PAGE, SIGNATURE, SIGNED
from vergeos_nb.runbook_files import doc_path

ALLOWED = "allowed_signers"
ENVELOPE = "record.intoto.jsonl"
GUIDE = "verify-by-hand.md"

README = """\
# A record, with its proof

The record is in `{path}/`: open its `{page}` first; it needs no network. It was sealed at
{sealed_at} as number {count} of the ledger.

With vergeos-nb installed, in this folder, offline:

    vergeos-nb audit verify --outputs . --only {record}{signers}

Without it: `{guide}` shows each step with `sha256sum`, `jq` and `ssh-keygen`; mind its section on an export.

The ledger is whole, because each line holds the hash of the line before. So it also names records that are
not in this export: their VMs, people, tickets and outcomes, but no more of them.
{trust}{attested}"""

TRUST = f"""
`{ALLOWED}` says whom the exporter trusts. Compare it with what you know before you rely on it.
"""

ATTESTED = f"""
`{ENVELOPE}` says the same in a form that other tools check: an in-toto statement in a DSSE envelope,
signed by whoever exported this. `{GUIDE}` shows how, in its section on an export.
"""


def whole(outputs: Path, entry: LedgerEntry) -> Path:
    """The folder of a record, after checking that its files are as they were sealed.

    Raises:
        Refused: they are not as they were sealed.
        RecordError: the folder cannot be read.
    """
    findings = verify_record(outputs, entry)
    if findings:
        told = "; ".join(f"{finding.kind} {finding.where}" for finding in findings[:3])
        raise Refused(
            f"exporting the record {entry.record}",
            f"it is not as it was sealed: {told}",
            "run `vergeos-nb audit verify`, and restore the record from a copy",
        )
    return outputs / entry.path


def outside(target: Path, outputs: Path) -> Path:
    """Check that the target of an export is outside of the archive, and return it.

    Raises:
        Refused: the target is inside the archive.
    """
    if target.absolute().resolve().is_relative_to(outputs.absolute().resolve()):
        raise Refused(
            f"exporting to {target}",
            "that is inside the archive, where a new file counts as tampering",
            "name a file elsewhere with -o",
        )
    return target


def as_zip(
    outputs: Path, entry: LedgerEntry, allowed: Path | None = None, signer: Signer | None = None
) -> bytes:
    """A zip of all files of a record, the whole ledger, the signatures, and a guide to verify them.

    Args:
        allowed: a file of allowed signers, which is added.
        signer: signs the statement about the record. Without a signer there is no statement.

    Raises:
        Refused: the record is not as it was sealed.
        RecordError: something cannot be read, or the key cannot be used.
    """
    folder = whole(outputs, entry)
    made = datetime.fromtimestamp(from_iso(entry.sealed_at), UTC).timetuple()[:6]
    file = io.BytesIO()
    with (
        disk_errors(f"exporting the record {entry.record}", "make it readable", where=folder),
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name, content in _members(outputs, folder, entry, allowed, signer):
            # With the time of the seal, every export of a record has the same bytes.
            info = zipfile.ZipInfo(f"{entry.record}/{name}", made)
            info.external_attr = 0o644 << 16
            target.writestr(info, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _members(
    outputs: Path, folder: Path, entry: LedgerEntry, allowed: Path | None, signer: Signer | None
) -> Iterator[tuple[str, bytes]]:
    told = README.format(
        path=entry.path,
        sealed_at=entry.sealed_at,
        count=entry.place.count,
        record=entry.record,
        page=PAGE,
        guide=GUIDE,
        signers=f" --allowed-signers {ALLOWED}" if allowed else "",
        trust=TRUST if allowed else "",
        attested=ATTESTED if signer else "",
    )
    yield "README.md", told.encode()
    yield ATTRIBUTES, ATTRIBUTES_SAY
    yield GUIDE, doc_path(GUIDE).read_bytes()
    if allowed:
        yield ALLOWED, allowed.read_bytes()
    # Read before the ledger, which can grow meanwhile: no signed head may be newer than the ledger.
    heads = sorted((outputs / SIGNED).glob(f"*{HEAD_SUFFIX}*"))
    signed = [(f"{SIGNED}/{path.name}", path.read_bytes()) for path in heads]
    with Ledger(outputs).opened() as ledger:
        yield LEDGER, b"".join(ledger.lines())
        if ledger.head is not None:
            yield HEAD, f"{ledger.head}\n".encode()
    yield from signed
    files = bundle(folder)
    for name in (MANIFEST, SIGNATURE):
        if (folder / name).is_file():
            files[name] = folder / name
    members = {f"{entry.path}/{name}": path.read_bytes() for name, path in files.items()}
    yield from members.items()
    if signer is not None:
        yield ENVELOPE, envelope_of(entry, members, signer)
