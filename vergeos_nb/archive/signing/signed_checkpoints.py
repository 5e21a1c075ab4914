"""Signed heads: ``signed/COUNT-KEY.head`` is a copy of ``ledger.head``, with its signature beside it.

A signed head covers every line up to it. The newest of each key is kept. So a person who rewrites the ledger
must remove or forge another person's signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import Head, read_head
from vergeos_nb.archive.ledger.strays import is_litter, with_unix_ends
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.signing.sshsig import Signature, read_signature
from vergeos_nb.errors import RecordError
from vergeos_nb.files import make_folder, put
from vergeos_nb.layout import HEAD_SUFFIX, SIGNED, ArchiveLayout

_UNTAME = re.compile("[^A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """One signed head as it is found.

    Attributes:
        where: its path below the archive's folder.
        content: the bytes that were signed.
        head: their content, or None.
        signature: or None, if it is missing or not a signature.
        changed_ends: whether line ends of either file were changed.
    """

    where: str
    content: bytes
    head: Head | None
    signature: Signature | None
    changed_ends: bool = False


def sign_head(outputs: Path, head: Head, signer: Signer) -> None:
    """Sign where the ledger ends, and drop what this key has signed before. Under the ledger's lock.

    Raises:
        RecordError: the key cannot be used, or the disk does not take it.
    """
    content = f"{head}\n".encode()
    key = _UNTAME.sub("", signer.fingerprint().removeprefix("SHA256:"))[:16]
    signature = signer.sign(content)
    paths = ArchiveLayout(outputs)
    path, draft = paths.signed(f"{head.count}-{key}"), paths.draft
    try:
        make_folder(path.parent)
        # First the signature: a head without one would be found wanting.
        put(_beside(path), signature, draft)
        put(path, content, draft)
        for older in path.parent.glob(f"*-{key}{HEAD_SUFFIX}"):
            if older != path:
                older.unlink()
                _beside(older).unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(
            "signing the ledger's head",
            f"{error.filename or path.parent}: {error.strerror}",
            "all is sealed, but not signed; make the folder writable, then run `vergeos-nb audit sign`",
        ) from error


def signed_heads(outputs: Path) -> Iterator[SignedHead]:
    """Every signed head of an archive.

    Raises:
        RecordError: one cannot be read.
    """
    for path in sorted((outputs / SIGNED).glob(f"*{HEAD_SUFFIX}")):
        if is_litter(path.name):
            continue
        try:
            raw, signed = content_of(path), content_of(_beside(path))
        except OSError as error:
            raise RecordError(
                f"verifying {outputs}", f"{path}: {error.strerror}", "make it readable"
            ) from error
        if raw is None:
            continue  # a newer one has just taken its place
        content = with_unix_ends(raw)
        told = content.decode("utf-8", "replace").removesuffix("\n")
        changed = b"\r\n" in raw + (signed or b"")
        yield SignedHead(f"{SIGNED}/{path.name}", content, read_head(told), _signature(signed), changed)


def _signature(content: bytes | None) -> Signature | None:
    try:
        return read_signature(with_unix_ends(content)) if content is not None else None
    except ValueError:
        return None


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sig")
