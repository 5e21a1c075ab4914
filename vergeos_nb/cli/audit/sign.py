"""``vergeos-nb audit sign``."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.ledger.chain import FlawKind
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.signing.signed_checkpoints import sign_head
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import Refused, UsageError
from vergeos_nb.shapes import is_folder


def sign_archive(outputs: str | None, key: str | None, output: Output) -> int:
    """Sign the end of the ledger, and so everything before. Returns the exit code.

    Raises:
        UsageError: no key was named, or there is no such archive.
        Refused: something in the archive is not as it was sealed.
        RecordError: the key cannot be used, or the archive cannot be read or written.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    path = Path(key) if key else settings.archive_settings().signing_key
    if path is None:
        hint = "name it with --key, or with VERGEOS_NB_SIGNING_KEY"
        raise UsageError("signing the archive", "no key was named", hint)
    if not is_folder(folder):
        raise UsageError("signing the archive", f"there is no folder {folder}", "name it with --outputs")
    signer, ledger = Signer(path), Ledger(folder)
    # A record that waits for its seal has no line yet, so the signature does not cover it.
    wrong = [finding for finding in verify(folder).findings if finding.kind is not FlawKind.UNSEALED]
    if wrong:
        raise Refused(
            f"signing the archive {folder}",
            f"{len(wrong)} things are not as they were sealed",
            "run `vergeos-nb audit verify` first: a signature would confirm them",
        )
    with ledger.locked():
        head, raw = ledger.newest()
        ledger.head_that_does_not_fit(head, raw)
        sign_head(folder, head, signer)
    output.line(f"✔ Signed {head} with {signer.fingerprint()}.")
    output.result({"head": str(head), "signer": signer.fingerprint(), "exit_code": 0})
    return 0
