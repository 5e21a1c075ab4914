"""Detect a ledger that is gone or shorter than before, so that no run silently begins a new chain."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb.archive.folders.record_folders import Folder, folders_of
from vergeos_nb.archive.ledger.ledger import EMPTY, Ledger, read_head
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import HEAD, LEDGER
from vergeos_nb.shapes import is_folder


def why_lost(outputs: Path) -> str:
    """What the ledger has lost, in words; "" if nothing. Reads only its end and its head.

    Raises:
        RecordError: the archive cannot be read.
    """
    if not is_folder(outputs):
        return ""
    ledger = Ledger(outputs)
    end = ledger.end()
    if end.changed_ends:
        return f"the line ends of {LEDGER} were changed, as git on Windows does"
    head = (read_head(end.head.strip()) or EMPTY).count if end.head is not None else 0
    if head > end.count and not end.count:
        return f"{LEDGER} is gone, and {HEAD} says that it had {head} lines"
    if head > end.count:
        return f"{LEDGER} ends with number {end.count}, and {HEAD} says that there were {head} lines"
    if end.count:
        return ""
    # A manifest with number 1 proves nothing: it is written before the first line of the ledger.
    for path in folders_of(outputs):
        own = Folder.read(outputs, path).own
        if own is not None and own.place.count > 1:
            return f"{LEDGER} is gone, and {path} was sealed as number {own.place.count} of it"
    return ""


def lost_ledger(asked: str, why: str) -> RecordError:
    """The error for an action that needs the lost ledger."""
    return RecordError(
        asked,
        why,
        f"restore {LEDGER} from a copy or the mirror, run `vergeos-nb audit verify`, and seal the runs "
        "that wait with `vergeos-nb audit recover`; to work at once, use another archive with --outputs",
    )
