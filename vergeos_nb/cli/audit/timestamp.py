"""``vergeos-nb audit timestamp``."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.signing.timestamping import stamp
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.layout import ArchiveLayout


def timestamp_archive(outputs: str | None, url: str, output: Output) -> int:
    """Have an authority timestamp the end of the ledger. Returns the exit code.

    Raises:
        UsageError: there is no such archive, or nothing in it.
        RecordError: the authority does not answer, or the archive cannot be written.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    if not ArchiveLayout(folder).ledger.exists():
        raise UsageError(
            "timestamping the archive", f"there is no ledger in {folder}", "name it with --outputs"
        )
    ledger = Ledger(folder)
    with ledger.locked():
        head, raw = ledger.newest()
        ledger.head_that_does_not_fit(head, raw)
    when = stamp(folder, head, url).isoformat()
    output.line(f"✔ {head} stood at {when}.")
    output.result({"head": str(head), "time": when, "exit_code": 0})
    return 0
