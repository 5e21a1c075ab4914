"""The end of a run: its record is made, and then sealed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vergeos_nb.audit.account import Account
from vergeos_nb.audit.record import finish
from vergeos_nb.audit.seal import seal
from vergeos_nb.audit.signer import Signer
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock
from vergeos_nb.settings import archive_settings

if TYPE_CHECKING:
    from vergeos_nb.nb import NotebookNode


def close_record(folder: Path, base: NotebookNode, scrubber: Scrubber, clock: Clock | None = None) -> Account:
    """Make the record of the run whose journal is in the folder, and seal it. Can be repeated.

    Args:
        base: the runbook, or the notebook that came of running it.

    Raises:
        RecordError: the record cannot be made, or it cannot be sealed and stays as it is.
    """
    account = finish(folder, base, scrubber)
    key = archive_settings().signing_key
    seal(folder, scrubber, clock, Signer(key) if key else None)
    return account
