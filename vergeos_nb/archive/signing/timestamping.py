"""Ask a timestamp authority to confirm where the ledger ends."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import httpx

from vergeos_nb.archive.ledger.ledger import Head, Ledger
from vergeos_nb.archive.signing.kept_heads import proof_of
from vergeos_nb.archive.signing.timestamps import TSR, rfc3161
from vergeos_nb.client.transport.outside import post
from vergeos_nb.errors import RecordError
from vergeos_nb.files import disk_errors, make_folder, put
from vergeos_nb.layout import ArchiveLayout

TIMEOUT_S = 20.0
"""Time limit for the whole request, in seconds."""
_ASKED = "having the ledger's head timestamped"


def stamp(outputs: Path, head: Head, url: str) -> datetime:
    """Have an authority timestamp a head, and keep the answer. Returns its time. The ledger is not locked.

    Raises:
        RecordError: the authority does not answer, its answer is not valid, or it cannot be written.
    """
    client = rfc3161()
    content = f"{head}\n".encode()
    request = client.TimestampRequestBuilder().data(content).build()
    answer = _ask(url, request.as_bytes())
    try:
        told = client.decode_timestamp_response(answer)
        imprint = told.tst_info.message_imprint.message
        same = (told.tst_info.nonce, imprint) == (request.nonce, request.message_imprint.message)
    except ValueError as error:
        raise RecordError(_ASKED, "the answer is not a timestamp", "look at the authority's URL") from error
    if not same:
        raise RecordError(_ASKED, "the answer is for something else", "do not use this authority")
    paths = ArchiveLayout(outputs)
    path, draft = paths.timestamp(str(head.count)), paths.draft
    hint = "make the folder writable, then try again"
    with disk_errors(_ASKED, hint, where=path.parent), Ledger(outputs).locked():
        make_folder(path.parent)
        # The answer first: verifying reports a head without its answer.
        put(proof_of(path, TSR), answer, draft)
        put(path, content, draft)
    when: datetime = told.tst_info.gen_time
    return when


def _ask(url: str, request: bytes) -> bytes:
    try:
        status, answer = post(url, request, "application/timestamp-query", limit_s=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        raise RecordError(_ASKED, f"{type(error).__name__}: {error}", "try again later") from error
    if status != 200:
        raise RecordError(_ASKED, f"the answer was {status}", "look at the authority's URL")
    return answer
