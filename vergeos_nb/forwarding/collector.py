"""Send to an HTTP collector. Each batch is one POST of a JSON array, which common collectors accept."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from vergeos_nb.client.transport.outside import post
from vergeos_nb.forwarding.target import ForwardTarget
from vergeos_nb.forwarding.told_lines import Message, as_json


def send_to_collector(target: ForwardTarget, messages: Iterable[Message], limit_s: float) -> None:
    """Send a batch, in its order.

    Args:
        limit_s: the time until the complete answer is there.

    Raises:
        OSError: the collector cannot be reached, or did not confirm the batch. The text contains no part of
            the URL.
        SettingsError: the machine's certificate authorities or its proxy cannot be used.
    """
    body = b"[" + b",".join(as_json(message) for message in messages) + b"]"
    try:
        status, _ = post(target.url.reveal(), body, "application/json", limit_s=limit_s)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        # The error's own text may contain the URL.
        raise OSError(type(error).__name__) from None
    if not 200 <= status < 300:
        raise OSError(f"the answer was {status}")
