"""``vergeos-nb audit sign``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb import settings
from vergeos_nb.archive.ledger.chain import FlawKind
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.signing.signed_checkpoints import sign_head
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import archive_option, json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import Refused, UsageError


@click.command(cls=Command)
@click.option("--key", metavar="FILE", help="An SSH key. [default: VERGEOS_NB_SIGNING_KEY]")
@archive_option
@json_option
def sign(key: str | None, outputs: Path, output: Output) -> int:
    """Verify the archive and sign the end of its ledger. With VERGEOS_NB_SIGNING_KEY every seal is signed."""
    path = Path(key) if key else settings.archive_settings().signing_key
    if path is None:
        hint = "name it with --key, or with VERGEOS_NB_SIGNING_KEY"
        raise UsageError("signing the archive", "no key was named", hint)
    signer, ledger = Signer(path), Ledger(outputs)
    # A record that is not sealed yet has no line in the ledger, so the signature does not cover it.
    wrong = [finding for finding in verify(outputs).findings if finding.kind is not FlawKind.UNSEALED]
    if wrong:
        raise Refused(
            f"signing the archive {outputs}",
            f"{len(wrong)} things are not as they were sealed",
            "run `vergeos-nb audit verify` first: a signature would confirm them",
        )
    with ledger.locked():
        head, raw = ledger.newest()
        ledger.head_that_does_not_fit(head, raw)
        sign_head(outputs, head, signer)
    output.line(f"✔ Signed {head} with {signer.fingerprint()}.")
    output.result({"head": str(head), "signer": signer.fingerprint(), "exit_code": 0})
    return 0
