"""The notification hook: one POST with the sealed summary, for a ticket system or a chat.

It is sent once and never repeated, because the archive holds the same content. The URL is treated as a
secret, because it often holds a token.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from vergeos_nb.archive.ledger.manifest import Manifest
from vergeos_nb.client.transport.outside import post
from vergeos_nb.errors import RecordError, SettingsError
from vergeos_nb.journal.run_state import RunState
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.settings import Secret

TIMEOUT_S = 5.0
"""Time limit for the whole request, in seconds."""


def message(account: RunState, manifest: Manifest) -> dict[str, Any]:
    """The message: the record's search fields, its end in words, and the hash of its seal."""
    summary = summary_of(account)
    return {
        "event": "record-sealed",
        "record": manifest.record,
        "path": manifest.path,
        "sealed_at": manifest.sealed_at,
        "headline": summary.headline,
        "finding": str(summary.badge),
        "next_step": summary.next_step,
        "manifest": hashlib.sha256(manifest.encoded()).hexdigest(),
        "ledger_line": manifest.place.count,
        **manifest.fields,
    }


def notify(url: Secret, content: Mapping[str, Any]) -> None:
    """Send it.

    Raises:
        RecordError: the receiver did not accept it, or the URL cannot be used. The error never has the URL.
    """
    asked = "sending the notification"
    if not _is_usable(url.reveal()):
        raise RecordError(asked, "it is not a valid https URL", "correct VERGEOS_NB_WEBHOOK")
    try:
        body = json.dumps(dict(content), ensure_ascii=False).encode()
        status, _ = post(url.reveal(), body, "application/json", limit_s=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError, SettingsError) as error:
        # Its own text may repeat the URL.
        raise RecordError(
            asked, type(error).__name__, "the record is sealed; send the message yourself"
        ) from None
    if not 200 <= status < 300:
        raise RecordError(
            asked, f"the answer was {status}", "the record is sealed; check the receiver of the webhook"
        )


def _is_usable(url: str) -> bool:
    """Whether the URL is https, or plain http to this machine, where nobody can listen."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        here = host == "localhost" or (parts.scheme == "http" and ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and here))
