"""Signed heads: ``signed/COUNT-KEY.head`` is a copy of ``ledger.head``, with its signature beside it.

A signed head covers every line up to it. The newest of each key is kept. So a person who rewrites the ledger
must remove or forge another person's signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.archive.ledger.strays import with_unix_ends
from vergeos_nb.archive.signing.kept_heads import kept_heads, proof_of
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.signing.sshsig import Signature, read_signature
from vergeos_nb.files import disk_errors, make_folder, put
from vergeos_nb.layout import HEAD_SUFFIX, SIGNED, ArchiveLayout

_UNTAME = re.compile("[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A signed head as it was found on disk.

    Attributes:
        where: its path below the archive's folder.
        content: the bytes that were signed.
        head: the head in them, or None.
        signature: None if it is missing or not a signature.
        changed_ends: whether the line ends of one of the two files were changed.
    """

    where: str
    content: bytes
    head: Head | None
    signature: Signature | None
    changed_ends: bool = False


def sign_head(outputs: Path, head: Head, signer: Signer) -> None:
    """Sign the ledger's head, and remove earlier signed heads of this key. Call it under the ledger's lock.

    Raises:
        RecordError: the key cannot be used, or a file cannot be written.
    """
    content = f"{head}\n".encode()
    key = _UNTAME.sub("", signer.fingerprint().removeprefix("SHA256:"))[:16]
    signature = signer.sign(content)
    paths = ArchiveLayout(outputs)
    path, draft = paths.signed(f"{head.count}-{key}"), paths.draft
    hint = "all is sealed, but not signed; make the folder writable, then run `vergeos-nb audit sign`"
    with disk_errors("signing the ledger's head", hint, where=path.parent):
        make_folder(path.parent)
        # The signature first: verifying reports a head without its signature.
        put(proof_of(path, ".sig"), signature, draft)
        put(path, content, draft)
        for older in path.parent.glob(f"*-{key}{HEAD_SUFFIX}"):
            if older != path:
                older.unlink()
                proof_of(older, ".sig").unlink(missing_ok=True)


def signed_heads(outputs: Path) -> Iterator[SignedHead]:
    """Every signed head of an archive.

    Raises:
        RecordError: one cannot be read.
    """
    for kept in kept_heads(outputs, SIGNED, ".sig"):
        ends = b"\r\n" in kept.raw + (kept.proof or b"")
        yield SignedHead(kept.where, kept.content, kept.head, _signature(kept.proof), ends)


def _signature(content: bytes | None) -> Signature | None:
    try:
        return read_signature(with_unix_ends(content)) if content is not None else None
    except ValueError:
        return None
