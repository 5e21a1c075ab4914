"""httpx's transport with one time limit for the whole request. `deadline` holds the limit.

A module of its own, because httpcore loads slowly and the built-in simulator does not need it.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from vergeos_nb.client.transport.deadline import addresses, rest

_PIECE = 64 * 1024
# The most bytes of a TLS record (RFC 8446, 5.1).
_RECORD = 16 * 1024


class Transport(httpx.HTTPTransport):
    """httpx's own transport. All its waits end with `deadline.within`. Takes the same arguments."""

    def __init__(self, *, proxy: httpx.Proxy | None = None, **settings: Any) -> None:
        if proxy is not None and proxy.url.scheme == "https":
            # httpcore reads TLS within TLS from the outer socket itself, past any stream of ours.
            context = proxy.ssl_context or httpcore.default_ssl_context()
            context.sslsocket_class = _TlsSocket
            proxy = httpx.Proxy(proxy.url, ssl_context=context, auth=proxy.auth, headers=proxy.headers)
        super().__init__(proxy=proxy, **settings)
        # httpcore takes another backend as an argument; httpx has none to pass it on.
        self._pool._network_backend = _Backend()


class _TlsSocket(ssl.SSLSocket):
    """A socket that keeps the limit by itself."""

    def recv(self, *args: Any) -> bytes:
        self.settimeout(rest(self.gettimeout()))
        return super().recv(*args)

    def sendall(self, *args: Any) -> None:
        self.settimeout(rest(self.gettimeout()))
        super().sendall(*args)


class _Stream(httpcore.NetworkStream):
    """A stream of httpcore whose waits end when the time for the whole request is over."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._ends: OSError | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._ends is not None:
            raise httpcore.ReadError(str(self._ends)) from self._ends
        try:
            piece = self._inner.read(max_bytes, rest(timeout))
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        return piece if len(piece) < _RECORD else self._with_what_is_there(piece, max_bytes)

    def _with_what_is_there(self, piece: bytes, max_bytes: int) -> bytes:
        """The piece, and the data that has arrived after it.

        TLS gives one record at a time, and a read costs httpcore more time than decoding the record.
        """
        connection = self._inner.get_extra_info("socket")
        # TLS within TLS: the socket holds what is still encoded.
        within = isinstance(self._inner.get_extra_info("ssl_object"), ssl.SSLObject)
        if within or not isinstance(connection, ssl.SSLSocket):
            return piece
        pieces, length = [piece], len(piece)
        connection.settimeout(0)
        try:
            while length < max_bytes and (more := connection.recv(max_bytes - length)):
                pieces.append(more)
                length += len(more)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass  # nothing more is here yet
        except OSError as error:
            self._ends = error  # the next read says so
        return b"".join(pieces)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: a peer that takes one byte at a time would restart the limit with each byte.
        try:
            for start in range(0, len(buffer), _PIECE):
                self._inner.write(buffer[start : start + _PIECE], rest(timeout))
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            # Python gives a handshake one limit as a whole.
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, rest(timeout)))
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    """Connects within one limit, however many addresses a name has and however slow the name service is."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            found = addresses(host, port, rest(timeout))
            for at, address in enumerate(found):
                # Each address gets its share of the time, so that a silent one leaves time for the next.
                left, others = rest(None), len(found) - at
                limits = [limit for limit in (timeout, left and left / others) if limit is not None]
                try:
                    return _Stream(
                        super().connect_tcp(
                            address, port, min(limits, default=None), local_address, socket_options
                        )
                    )
                except (httpcore.ConnectError, httpcore.ConnectTimeout):
                    if others == 1:
                        raise
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        raise httpcore.ConnectError(f"{host} has no address")
