"""After a seal: mirror, notification, forwarding. A failure is a warning. A run waits at most `WAIT_S`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from vergeos_nb.archive.ledger.manifest import Manifest
from vergeos_nb.archive.mirror import mirror
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.layout import archive_of
from vergeos_nb.settings import ArchiveSettings

WAIT_S = 10.0
"""Seconds that a run waits at most. Unfinished work continues as long as the process lives."""

_log = logging.getLogger(__name__)


def after_seal(
    folder: Path, account: RunState, manifest: Manifest, archive: ArchiveSettings, scrubber: Scrubber
) -> None:
    """Copy the record to the mirror, send the notification and forward the seal, where they are set up."""
    outputs = archive_of(folder).outputs
    work: list[tuple[Callable[[], object], float]] = []
    if archive.webhook is not None or archive.forward is not None:
        # Loads the HTTP client, which the process that makes a record needs for nothing else.
        from vergeos_nb.archive.telling import telling

        work += telling(folder, account, manifest, archive, scrubber, WAIT_S)
    if (target := archive.mirror) is not None:
        work.append((lambda: _say_spoiled(mirror(outputs, target).spoiled), WAIT_S))
    if work:
        _bounded(work, scrubber)


def _say_spoiled(records: Sequence[str]) -> None:
    if records:
        _log.warning("not mirrored, because not as sealed: %s", ", ".join(records))


def _told(work: Callable[[], object], scrubber: Scrubber) -> Callable[[], None]:
    def safely() -> None:
        try:
            work()
        except RecordError as error:
            _log.warning("%s", scrubber.text(str(error)))
        except Exception as error:
            _log.warning("after the seal: %s", type(error).__name__)

    return safely


def _bounded(work: Sequence[tuple[Callable[[], object], float]], scrubber: Scrubber) -> None:
    """Do all tasks at the same time, and wait for each at most its own number of seconds."""
    threads = [
        threading.Thread(target=_told(one, scrubber), daemon=True, name="after the seal") for one, _ in work
    ]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError:
        # A kernel that is ending starts no threads. The mirror catches up after the next seal.
        _log.warning("after the seal: not done, because this process is ending")
        return
    began = time.monotonic()
    for thread, (_, limit_s) in zip(threads, work, strict=True):
        thread.join(max(began + limit_s - time.monotonic(), 0.0))
        if thread.is_alive():
            _log.warning("after the seal: not done within %g s; it goes on meanwhile", limit_s)
