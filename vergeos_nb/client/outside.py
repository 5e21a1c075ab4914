"""One request to somebody else's host, such as a webhook or a timestamp authority. Sent once."""

from __future__ import annotations

from urllib.parse import urlsplit

from vergeos_nb.client.answer import FEW
from vergeos_nb.client.deadline import within
from vergeos_nb.client.decoding import Inflating
from vergeos_nb.client.network import new_client, proxy_for, tls_context
from vergeos_nb.settings import AmbientNetwork, Profile, ambient_network


def post(
    url: str, content: bytes, kind: str, *, limit_s: float, network: AmbientNetwork | None = None
) -> tuple[int, bytes]:
    """Status and body of the answer, which is bounded in length and, from the start on, in time.

    The way there is that of all other requests: the machine's authorities and proxy, no redirects.

    Args:
        kind: the content's type.

    Raises:
        httpx.HTTPError, httpx.InvalidURL, OSError, ValueError: there is none. Their texts may repeat the URL.
        SettingsError: the machine's authorities or its proxy cannot be used.
    """
    ambient = ambient_network() if network is None else network
    host = urlsplit(url).netloc.rpartition("@")[2]
    somebody = Profile("somebody else", host, None, timeout_s=limit_s)
    tls, proxy = tls_context(somebody, ambient), proxy_for(host, ambient)
    with (
        within(limit_s),
        new_client(somebody, proxy, tls, keep_alive=False, transport=None) as client,
        client.stream(
            "POST", url, content=content, headers={"Content-Type": kind, "Accept": "*/*"}
        ) as answer,
    ):
        body = Inflating(answer.headers.get("content-encoding", ""), FEW.size)
        for piece in answer.iter_raw():
            body.take(piece)
        body.end()
        return answer.status_code, bytes(body.content)
