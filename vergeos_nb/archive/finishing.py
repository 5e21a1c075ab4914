"""The one end of every run: make its record, seal it, then notify others."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from vergeos_nb.archive.after_seal import after_seal
from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.scan import masked_file
from vergeos_nb.archive.seal import newest_entries, seal
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.files import disk_errors, put
from vergeos_nb.forwarding.delivery_mark import enlist, sealed_as_it_is
from vergeos_nb.journal.journal import append_after_death, opened_of
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.layout import JOURNAL, MANIFEST, archive_of
from vergeos_nb.nb import NotebookNode, nbformat
from vergeos_nb.procedure.runbooks.catalog import notebook_of
from vergeos_nb.record.making import make_record
from vergeos_nb.settings import archive_settings


def finish_record(
    folder: Path, scrubber: Scrubber, base: NotebookNode | None = None, clock: Clock | None = None
) -> RunState:
    """Make the record of the run whose journal is in the folder, and seal it. Can be repeated.

    Secrets that the journal still holds are masked first, because the whole record is made from it. A journal
    can hold some if an older version wrote it, or if a line was written before the run knew the secret.

    Args:
        base: the notebook that the run has executed; by default the runbook's own.

    Raises:
        RecordError: the record cannot be made; or it was made and cannot be sealed.
        UsageError: the run is one of a runbook that is not installed.
    """
    archive = archive_settings()
    scrubber.add(archive.secrets)
    if archive.forward is not None and sealed_as_it_is(folder) is None:
        # Before the seal, which replaces the manifest that says what was delivered before.
        with suppress(OSError):
            enlist(folder)
    _mask_journal(folder, scrubber, clock or SystemClock())
    account = make_record(folder, base or _runbook(folder), scrubber)
    before = _content(folder / MANIFEST)
    manifest = seal(folder, scrubber, clock, Signer(archive.signing_key) if archive.signing_key else None)
    if manifest.encoded() != before:
        after_seal(folder, account, manifest, archive, scrubber)
    return account


def _runbook(folder: Path) -> NotebookNode:
    """The notebook of the run's runbook; if the journal names none, one with only a closing cell."""
    if runbook := opened_of(folder / JOURNAL).get("runbook"):
        return nbformat.read(notebook_of(str(runbook)), as_version=4)
    close = nbformat.v4.new_code_cell("", id="close", metadata={"tags": ["close"]})
    return nbformat.v4.new_notebook(cells=[close])


def _mask_journal(folder: Path, scrubber: Scrubber, clock: Clock) -> None:
    """Mask secrets in a journal that is not sealed yet, and add a line that says so."""
    path, outputs = folder / JOURNAL, archive_of(folder).outputs
    content = _content(path)
    masked = masked_file(JOURNAL, content, scrubber)
    if masked is None or masked == content or newest_entries(outputs, {folder.name}):
        return
    lines = zip(content.split(b"\n"), masked.split(b"\n"), strict=True)
    changed = [number for number, (was, is_now) in enumerate(lines, start=1) if was != is_now]
    hint = "the journal is whole; free space, and then `vergeos-nb audit recover`"
    with disk_errors(f"masking the journal {path}", hint):
        put(path, masked)
    append_after_death(path, clock, "masked", lines=changed)


def _content(path: Path) -> bytes:
    try:
        return content_of(path) or b""
    except OSError:
        return b""
