"""Copies of ``ledger.head`` that are kept with a proof beside them: a signature, or a timestamp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import Head, read_head
from vergeos_nb.archive.ledger.strays import is_litter, with_unix_ends
from vergeos_nb.files import disk_errors
from vergeos_nb.layout import HEAD_SUFFIX


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A copy as it was found on disk.

    Attributes:
        where: its path below the archive's folder.
        raw: its bytes.
        head: the head that it holds, or None.
        proof: the bytes of its proof, or None.
    """

    where: str
    raw: bytes
    head: Head | None
    proof: bytes | None

    @property
    def content(self) -> bytes:
        """Its bytes with the line ends that we write."""
        return with_unix_ends(self.raw)


def kept_heads(outputs: Path, folder: str, suffix: str) -> Iterator[KeptHead]:
    """Every copy in one folder of an archive.

    Args:
        suffix: the suffix of proofs.

    Raises:
        RecordError: one cannot be read.
    """
    for path in sorted((outputs / folder).glob(f"*{HEAD_SUFFIX}")):
        if is_litter(path.name):
            continue
        with disk_errors(f"verifying {outputs}", "make it readable", where=path):
            raw, proof = content_of(path), content_of(proof_of(path, suffix))
        if raw is not None:  # otherwise a newer copy has just replaced it
            told = with_unix_ends(raw).decode("utf-8", "replace").removesuffix("\n")
            yield KeptHead(f"{folder}/{path.name}", raw, read_head(told), proof)


def proof_of(head: Path, suffix: str) -> Path:
    """The file of a head's proof."""
    return head.with_name(head.name + suffix)
