"""One request to somebody else's host, such as a webhook or a timestamp authority. Sent once."""

from __future__ import annotations

from vergeos_nb.client.transport.answer import FEW
from vergeos_nb.client.transport.deadline import within
from vergeos_nb.client.transport.decoding import Inflating
from vergeos_nb.client.transport.network import outside_client
from vergeos_nb.settings import AmbientNetwork


def post(
    url: str, content: bytes, kind: str, *, limit_s: float, network: AmbientNetwork | None = None
) -> tuple[int, bytes]:
    """Send it, and return the answer's status and body. Its length and the whole time are bounded.

    As for all requests, the machine's authorities and proxy are used, and redirects are not followed.

    Args:
        kind: the content's type.

    Raises:
        httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError: there is no answer. The error's
        text may repeat the URL.
        SettingsError: the machine's authorities or its proxy cannot be used.
    """
    headers = {"Content-Type": kind, "Accept": "*/*"}
    with (
        within(limit_s),
        outside_client(url, limit_s, network) as client,
        client.stream("POST", url, content=content, headers=headers) as answer,
    ):
        body = Inflating(answer.headers.get("content-encoding", ""), FEW.size)
        for piece in answer.iter_raw():
            body.take(piece)
        body.end()
        return answer.status_code, bytes(body.content)
