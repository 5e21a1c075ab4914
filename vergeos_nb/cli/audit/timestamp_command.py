"""``vergeos-nb audit timestamp``."""

from __future__ import annotations

from pathlib import Path

import click

from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.signing.timestamping import stamp
from vergeos_nb.cli.commands import Command
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.layout import ArchiveLayout


@click.command(cls=Command)
@click.option("--tsa", "url", metavar="URL", required=True, help="URL of the RFC 3161 authority.")
@outputs_option
@json_option
def timestamp(url: str, outputs: Path, output: Output) -> int:
    """Ask a timestamp authority to confirm the ledger. The timestamp proves when its lines existed."""
    if not ArchiveLayout(outputs).ledger.exists():
        raise UsageError(
            "timestamping the archive", f"there is no ledger in {outputs}", "name it with --outputs"
        )
    ledger = Ledger(outputs)
    with ledger.locked():
        head, raw = ledger.newest()
        ledger.head_that_does_not_fit(head, raw)
    when = stamp(outputs, head, url).isoformat()
    output.line(f"✔ {head} stood at {when}.")
    output.result({"head": str(head), "time": when, "exit_code": 0})
    return 0
