"""Check the signatures of an archive against the signers that the auditor trusts.

A signature of a record covers its manifest, its ledger line and every line before. A signed head covers every
line up to it. So the result is the highest number that a trusted person has signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vergeos_nb.archive.folders.record_folders import Folder
from vergeos_nb.archive.ledger.chain import Chain, FlawKind, Found
from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.archive.ledger.strays import LINE_ENDS, with_unix_ends
from vergeos_nb.archive.signing.allowed_signers import AllowedSigners
from vergeos_nb.archive.signing.signed_checkpoints import SignedHead
from vergeos_nb.archive.signing.sshsig import CannotCheck, Signature, fits, read_signature
from vergeos_nb.clock import from_iso
from vergeos_nb.layout import LEDGER, SIGNATURE


@dataclass(frozen=True, slots=True)
class Voucher:
    """The signature that covers the ledger up to the highest number.

    Attributes:
        who: a principal of the allowed signers, or the key's fingerprint if no principal has it.
        trusted: whether the allowed signers name the key.
    """

    count: int
    who: str
    trusted: bool


@dataclass
class Signatures:
    """Checks signatures one by one and keeps the results."""

    allowed: AllowedSigners | None
    found: Found
    best: Voucher | None = None
    _heads: list[tuple[Head, str]] = field(default_factory=list)

    def head(self, signed: SignedHead, moment: float | None) -> Head | None:
        """The head, if its signature is valid and its key is trusted (without allowed signers: any key)."""
        if signed.signature is None or signed.head is None:
            what = "its signature is missing or damaged" if signed.head else "it holds no head"
            self.found.add(signed.where, FlawKind.SIGNATURE_WRONG, what)
            return None
        who = self._whose(signed.where, signed.signature, signed.content, moment)
        if who is None:
            return None
        self._heads.append((signed.head, who))
        return signed.head

    def record(self, folder: Folder) -> None:
        """Check the signature of a record whose manifest is the one that the ledger sealed."""
        own = folder.own
        if own is None:
            return
        where = f"{folder.path}/{SIGNATURE}"
        content = _content(folder.folder / SIGNATURE)
        if content is None:
            if own.signer is not None:
                detail = f"{own.signer} signed it when it was sealed"
                self.found.add(where, FlawKind.SIGNATURE_MISSING, detail)
            return
        if own.signer is None:
            detail = "it was not there when the record was sealed"
            self.found.add(where, FlawKind.FILE_ADDED, detail)
            return
        if (unix := with_unix_ends(content)) != content:
            self.found.add(where, FlawKind.LINE_ENDS, LINE_ENDS)
        try:
            signature = read_signature(unix)
        except ValueError as error:
            self.found.add(where, FlawKind.SIGNATURE_WRONG, str(error))
            return
        if signature.fingerprint != own.signer:
            detail = f"it is of {signature.fingerprint}, and the record names {own.signer}"
            self.found.add(where, FlawKind.SIGNATURE_WRONG, detail)
            return
        who = self._whose(where, signature, own.encoded(), from_iso(own.sealed_at))
        if who is not None:
            self._vouch(own.place.count, who)

    def end(self, chain: Chain) -> None:
        """Report the ledger's lines that no trusted signature covers."""
        for head, who in self._heads:
            if chain.hash_after(head.count) == head.hash:
                self._vouch(head.count, who)
        last = chain.head.count
        if self.allowed is None or last <= (known := self.best.count if self.best else 0):
            return
        which = f"number {last}" if last == known + 1 else f"numbers {known + 1} to {last}"
        detail = f"no allowed signer vouches for {which}"
        self.found.add(LEDGER, FlawKind.UNSIGNED, detail)

    def _vouch(self, count: int, who: str) -> None:
        if self.best is None or count > self.best.count:
            self.best = Voucher(count, who, self.allowed is not None)

    def _whose(self, where: str, signature: Signature, message: bytes, moment: float | None) -> str | None:
        """The signer, if the signature is valid and trusted; else None."""
        try:
            holds = fits(signature, message)
        except CannotCheck as error:
            self.found.notes.append(f"{where}: {error}")
            return None
        if not holds:
            self.found.add(where, FlawKind.SIGNATURE_WRONG, "it does not fit the file beside it")
            return None
        if self.allowed is None:
            return signature.fingerprint
        who = self.allowed.who(signature.fingerprint, moment)
        if who is None:
            detail = f"{signature.fingerprint} is not one of the allowed signers, or not at that time"
            self.found.add(where, FlawKind.SIGNER_UNKNOWN, detail)
        return who


def _content(path: Path) -> bytes | None:
    try:
        return b"" if path.is_symlink() else content_of(path)
    except OSError:
        return b""
