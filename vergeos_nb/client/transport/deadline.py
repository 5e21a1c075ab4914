"""One time limit for a whole request: name, connection, TLS, proxy, sending, headers and body together.

httpx and httpcore limit each single read and write. So a server that sends one byte, or a ``103``, just
before each limit keeps a request open for ever. Here each read and write may take only the time that is
left of one limit.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

_ends: ContextVar[float | None] = ContextVar("when the request ends", default=None)


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """In this block and thread, every request over a `limited.Transport` ends within this time in all."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


def rest(limit: float | None) -> float | None:
    """Seconds that the next wait may take: this limit, or the rest of the request's limit if that is less.

    Raises:
        TimeoutError: nothing is left of the request's limit.
    """
    ends = _ends.get()
    if ends is None:
        return limit
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("the whole request took too long")
    return left if limit is None else min(limit, left)


def addresses(host: str, port: int, limit: float | None) -> list[str]:
    """The addresses of a name, in the resolver's order.

    The system's resolver has no time limit, so a thread asks it. After the limit the thread is left running.

    Raises:
        OSError, UnicodeError: the name has no address; TimeoutError if the resolver does not answer in time.
    """
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return [host]
    told: list[Any] = []

    def ask() -> None:
        try:
            told.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=ask, daemon=True, name=f"resolving {host}")
    thread.start()
    thread.join(limit)
    if not told:
        raise TimeoutError(f"the name service gave no address of {host} in time")
    if isinstance(told[0], Exception):
        raise told[0]
    return list(dict.fromkeys(str(address[4][0]) for address in told[0]))
