"""The end of a run: its record is made, and then sealed; what is told to others comes after that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vergeos_nb.audit.account import Account
from vergeos_nb.audit.afterwards import after_seal
from vergeos_nb.audit.disk import content_of
from vergeos_nb.audit.manifest import NAME
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
    archive = archive_settings()
    scrubber.add(archive.secrets)
    account = finish(folder, base, scrubber)
    before = _content(folder / NAME)
    manifest = seal(folder, scrubber, clock, Signer(archive.signing_key) if archive.signing_key else None)
    if manifest.encoded() != before:
        after_seal(folder.absolute().parent.parent, account, manifest, archive, scrubber)
    return account


def _content(path: Path) -> bytes:
    try:
        return content_of(path) or b""
    except OSError:
        return b""
