"""What a verification keeps of each record's folder after it has read all of it: a few hundred bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from msgspec import Struct

from vergeos_nb.archive.folders.record_folders import wrong_files
from vergeos_nb.archive.ledger.chain import Flaw
from vergeos_nb.archive.ledger.disk import content_unless_linked
from vergeos_nb.archive.ledger.manifest import read_manifest
from vergeos_nb.layout import MANIFEST, RECORD, SIGNATURE


class Seen(Struct, frozen=True, gc=False):
    """A record's folder as it was when it was read.

    Attributes:
        manifest: the SHA-256 of its manifest; empty without one.
        line: the SHA-256 of the ledger line that its manifest makes; empty if the manifest is damaged or was
            made for another folder.
        count: the number of that line.
        finished: whether it holds more than a run that has not ended.
        signature: whether there is a signature, or should be.
        wrong: which files are not as that manifest says.
    """

    manifest: bytes = b""
    line: bytes = b""
    count: int = 0
    finished: bool = True
    signature: bool = False
    wrong: tuple[Flaw, ...] = ()

    @classmethod
    def look(cls, outputs: Path, path: str) -> Seen:
        """Read a folder with all its files."""
        folder = f"{outputs}/{path}"
        content = content_unless_linked(f"{folder}/{MANIFEST}")
        if content is None:
            return cls(finished=Path(folder, RECORD).exists())
        digest = hashlib.sha256(content)
        try:
            own = read_manifest(content)
        except ValueError:
            return cls(digest.digest())
        if own.path != path:
            return cls(digest.digest())
        return cls(
            digest.digest(),
            hashlib.sha256(own.line(digest.hexdigest())).digest(),
            own.place.count,
            signature=own.signer is not None or os.path.lexists(f"{folder}/{SIGNATURE}"),
            wrong=wrong_files(folder, own),
        )
