"""Check the text after the ledger's last line feed: is it the beginning of a line whose writer was killed?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

from vergeos_nb.archive.folders.seen import Seen
from vergeos_nb.archive.ledger.chain import FlawKind, Found
from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.layout import LEDGER

_TEXT = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
# Our lines have no blanks. The last word of a torn line can be cut anywhere.
_BEGINNING = re.compile(
    rf'(?:[{{}}\[\],:]|{_TEXT}|-?\d+|true|false|null)*(?:"(?:[^"\\\x00-\x1f]|\\.)*\\?|t|tr|tru|f|fa|fal|fals|n|nu|nul|-)?'
)
_MARK = b'{"at":"'


def check_tail(torn: bytes, end: Head, folders: Iterable[Seen], found: Found) -> None:
    """Tell a line that was cut off while it was written from bytes that somebody else has added."""
    if not torn:
        return
    if _is_torn(torn, end, folders):
        found.notes.append(
            f"{LEDGER}: its last line was cut off while it was written; the next seal sets it aside"
        )
        return
    detail = f"{len(torn)} bytes follow its last line that are no beginning of number {end.count + 1}"
    found.add(LEDGER, FlawKind.TAIL_ADDED, f"{detail}: keep a copy, then take them away")


def _is_torn(torn: bytes, end: Head, folders: Iterable[Seen]) -> bool:
    if set(torn) == {0}:
        return True  # what some file systems leave of a write that a power failure cut short
    begins = (f'{{"count":{end.count + 1},'.encode(), _MARK)
    if not any(torn.startswith(one[: len(torn)]) for one in begins):
        return False
    text = torn.decode("utf-8", "ignore")
    if len(torn) - len(text.encode()) > 3 or not _BEGINNING.fullmatch(text):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return True
    # Only the line feed is missing. Then the record of the line exists, or the line is a decision about one.
    whole = hashlib.sha256(torn + b"\n").digest()
    return any(seen.line == whole for seen in folders) or torn.startswith(_MARK)
