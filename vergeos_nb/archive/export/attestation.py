"""An export's statement about its record, for other tools: an in-toto statement in a DSSE envelope.

The formats are in-toto's Statement v1 and DSSE v1. An envelope can hold several signatures of the same bytes,
which are the pre-authentication encoding of the statement:

``sshsig:SHA256:…``  an SSH signature, as ``ssh-keygen -Y sign`` makes it. Every key can make it.
``SHA256:…``         the bare Ed25519 signature that in-toto's own tools check. Only a key file without a
                     passphrase can make it.

The person who exports signs. The signature of the person who sealed the record is also in the export.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from vergeos_nb.archive.ledger.ledger_lines import Digest, LedgerEntry, hash_of
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.canonical import canonical
from vergeos_nb.errors import RecordError

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:vergeos-nb:record:1"
"""The type of the predicate, with the version of its fields. ``docs/archive.md`` describes them."""
PAYLOAD = "application/vnd.in-toto+json"
SSHSIG = "sshsig:"


def envelope_of(entry: LedgerEntry, files: Mapping[str, bytes], signer: Signer) -> bytes:
    """The envelope as one line of JSON.

    Args:
        entry: the record's ledger line.
        files: the files that the statement is about, by their names in the export.

    Raises:
        RecordError: the key cannot be used.
    """
    statement = statement_of(entry, files)
    message = encoded_for_signing(statement)
    try:
        key, bare = signer.fingerprint(), signer.sign_bare(message)
        signatures = [{"keyid": f"{SSHSIG}{key}", "sig": _base64(signer.sign(message))}]
    except RecordError as error:
        hint = "make the key usable, or unset VERGEOS_NB_SIGNING_KEY to export without a statement"
        raise RecordError(
            f"signing the export of {entry.record} with {signer.path}", error.came_back, hint
        ) from error
    if bare is not None:
        signatures.append({"keyid": key, "sig": _base64(bare)})
    told = {"payload": _base64(statement), "payloadType": PAYLOAD, "signatures": signatures}
    return canonical(told) + b"\n"


def statement_of(entry: LedgerEntry, files: Mapping[str, bytes]) -> bytes:
    """The statement: the files by their SHA-256, and what the ledger says of the record."""
    subjects = [
        {"name": name, "digest": {"sha256": Digest.of(content).sha256}} for name, content in files.items()
    ]
    predicate: dict[str, Any] = {
        "record": entry.record,
        "sealed_at": entry.sealed_at,
        "manifest": {"sha256": entry.manifest},
        "journal": msgspec.to_builtins(entry.journal),
        "ledger": {"count": entry.count, "line": {"sha256": hash_of(entry.line())}},
        "fields": entry.fields,
    }
    return canonical(
        {"_type": STATEMENT, "subject": subjects, "predicateType": PREDICATE, "predicate": predicate}
    )


def encoded_for_signing(statement: bytes) -> bytes:
    """The bytes to sign: DSSE's pre-authentication encoding, which includes the payload's type and length."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD), PAYLOAD.encode(), len(statement), statement)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
