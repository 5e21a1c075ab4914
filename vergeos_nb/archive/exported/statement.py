"""Check the statement of an export: does it say what these files are, and who signed it?"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from vergeos_nb.archive.export.attestation import PAYLOAD, SSHSIG, encoded_for_signing, statement_of
from vergeos_nb.archive.export.exporting import ENVELOPE
from vergeos_nb.archive.ledger.chain import FlawKind, Found
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.archive.signing.allowed_signers import AllowedSigners
from vergeos_nb.archive.signing.sshsig import (
    ED25519,
    CannotCheck,
    Signature,
    fields_of_key,
    fits,
    read_signature,
)
from vergeos_nb.canonical import canonical
from vergeos_nb.shapes import Unfit, fit, json_of


class _Signed(Struct, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(Struct, forbid_unknown_fields=True):
    payload: str
    payloadType: str  # noqa: N815 — DSSE's name
    signatures: list[_Signed]


@dataclass(frozen=True, slots=True)
class Attested:
    """Who signed an export.

    Attributes:
        who: a principal of the allowed signers, or the key's fingerprint.
        trusted: whether the allowed signers name the key.
    """

    who: str
    trusted: bool


def check_statement(
    content: bytes,
    entry: LedgerEntry,
    files: Mapping[str, bytes],
    allowed: AllowedSigners | None,
    found: Found,
) -> Attested | None:
    """Who signed the statement; None if a signature is wrong, unknown, or cannot be checked here.

    Args:
        content: the envelope.
        entry: the ledger line that the record's manifest makes.
        files: the record's files by their names in the export, with the manifest and its signature.
        found: takes the faults.
    """
    try:
        envelope = fit(json_of(content), _Envelope)
        payload = _decoded(envelope.payload)
        if envelope.payloadType != PAYLOAD or canonical(json_of(content)) + b"\n" != content:
            raise ValueError("it is no envelope as an export has it")
    except (Unfit, ValueError) as error:
        found.add(ENVELOPE, FlawKind.STATEMENT_WRONG, str(error))
        return None
    if payload != statement_of(entry, files):
        detail = "it is about other files, or says something else of the record than its manifest"
        found.add(ENVELOPE, FlawKind.STATEMENT_WRONG, detail)
        return None
    return _signer(envelope.signatures, encoded_for_signing(payload), allowed, found)


def _signer(
    signatures: list[_Signed], message: bytes, allowed: AllowedSigners | None, found: Found
) -> Attested | None:
    keys: dict[str, Signature] = {}
    try:
        for one in signatures:
            if one.keyid.startswith(SSHSIG):
                signature = read_signature(_decoded(one.sig))
                if one.keyid != SSHSIG + signature.fingerprint or not fits(signature, message):
                    raise ValueError("its signature does not fit its content, or is by another key")
                keys[signature.fingerprint] = signature
        for one in signatures:
            if not one.keyid.startswith(SSHSIG) and not _bare_fits(one, keys.get(one.keyid), message):
                raise ValueError("its bare signature does not fit its content, or is by another key")
        if not keys:
            raise ValueError("nobody signed it")
    except CannotCheck as error:
        found.notes.append(f"{ENVELOPE}: {error}")
        return None
    except ValueError as error:
        found.add(ENVELOPE, FlawKind.SIGNATURE_WRONG, str(error))
        return None
    fingerprint = next(iter(keys))
    if allowed is None:
        return Attested(fingerprint, trusted=False)
    # The time of an export's signature is unknown.
    who = next((who for key in keys if (who := allowed.who(key, None))), None)
    if who is None:
        detail = f"{fingerprint} is not one of the allowed signers, or only for a time"
        found.add(ENVELOPE, FlawKind.SIGNER_UNKNOWN, detail)
        return None
    return Attested(who, trusted=True)


def _bare_fits(one: _Signed, beside: Signature | None, message: bytes) -> bool:
    """Whether a bare signature holds. Its key is known from the SSH signature beside it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if beside is None or beside.key_type != ED25519:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(fields_of_key(beside.key)[1]).verify(_decoded(one.sig), message)
    except (ValueError, IndexError, InvalidSignature):
        return False
    return True


def _decoded(text: str) -> bytes:
    """Base64, accepted only in its canonical spelling, so that no other text stands for the same bytes."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it holds something else than base64") from error
    if base64.b64encode(content).decode() != text:
        raise ValueError("its base64 is not as it is written")
    return content
