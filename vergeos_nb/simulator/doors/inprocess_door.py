"""The in-process door: an httpx transport without a socket.

Failures raise the same errors as over a network:

- a connection that is closed before the answer: `RemoteProtocolError`;
- a connection that is closed in the middle of the answer: `ReadError`;
- an answer later than the request's read timeout, byte by byte, or after endless hints: `ReadTimeout`. It is
  raised at once. The request was still executed.
"""

from __future__ import annotations

import httpx

from vergeos_nb.simulator.api.messages import Headers, Request
from vergeos_nb.simulator.simulation import Simulation

ENDLESS_HINTS = 1000
"""With more answers ``103`` than this before the answer, a client reaches its time limit."""


def transport(simulator: Simulation) -> httpx.MockTransport:
    """Return a transport that hands every request to `simulator.handle`."""

    def answer(request: httpx.Request) -> httpx.Response:
        response = simulator.handle(Request(
            request.method, request.url.path, request.url.query.decode("ascii"),
            Headers(dict(request.headers.items())), request.read(),
        ))  # fmt: skip
        if response.delay > 0:
            limit = request.extensions.get("timeout", {}).get("read")
            if limit is not None and response.delay > limit:
                raise httpx.ReadTimeout("The simulated answer comes after the read timeout", request=request)
            simulator.clock.sleep(response.delay)
        if response.drip > 0 or response.hints > ENDLESS_HINTS:
            raise httpx.ReadTimeout("The simulated answer takes longer than a request may", request=request)
        if response.drop in ("before", "after"):
            text = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(text, request=request)
        if response.drop == "truncate":
            raise httpx.ReadError("Connection closed in mid-answer", request=request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body)

    return httpx.MockTransport(answer)
