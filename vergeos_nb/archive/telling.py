"""The messages after a seal: the notification, and everything that still has to be forwarded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from vergeos_nb.archive.ledger.manifest import Manifest
from vergeos_nb.archive.webhook import message, notify
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.forwarding.delivery import Delivery
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.layout import archive_of, run_id_of
from vergeos_nb.settings import ArchiveSettings, Secret

FORWARD_WAIT_S = 1.0
"""Seconds that a run waits at most for a target that works. It does not wait for one in an outage."""

_log = logging.getLogger(__name__)


def telling(
    folder: Path,
    account: RunState,
    manifest: Manifest,
    archive: ArchiveSettings,
    scrubber: Scrubber,
    wait_s: float,
) -> list[tuple[Callable[[], object], float]]:
    """The tasks, and how many seconds a run may wait for each.

    Args:
        wait_s: for the notification.
    """
    work: list[tuple[Callable[[], object], float]] = []
    if archive.webhook is not None:
        work.append((partial(notify, archive.webhook, scrubber.data(message(account, manifest))), wait_s))
    if archive.forward is not None and (one := _forwarding(folder, archive.forward)) is not None:
        work.append(one)
    return work


def _forwarding(folder: Path, url: Secret) -> tuple[Callable[[], object], float] | None:
    delivery, run = Delivery(archive_of(folder).outputs, url), run_id_of(folder)
    doubt = delivery.in_doubt()
    if doubt is None:
        return partial(delivery.run, run, within_s=FORWARD_WAIT_S), FORWARD_WAIT_S
    _log.warning(
        "not forwarded: %s; the next run or `vergeos-nb audit forward` delivers it",
        doubt.why or "the target does not answer",
    )
    if delivery.is_too_early():
        return None
    return partial(delivery.run, run), 0.0
