"""The socket door: HTTPS on loopback, in its own thread, with a throw-away certificate authority."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
import socket
import ssl
import tempfile
import threading
import warnings
from http.client import responses
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import trustme
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine
from tornado.iostream import SSLIOStream
from tornado.netutil import add_accept_handler, bind_sockets

from vergeos_nb.simulator.api.messages import Headers, Request, Response
from vergeos_nb.simulator.simulation import Simulation
from vergeos_nb.simulator.world.world_clock import WallClock

CERTIFICATE_NAMES = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Whether only this machine itself can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door:
    """A running HTTPS server; open it with `with`.

    Attributes:
        host: "address:port", as clients of the API want it.
        url: "https://address:port".
        ca_file: The path of the certificate to verify against (PEM). It is removed when the door is closed.
        port: The port in use.
    """

    def __init__(self, simulator: Simulation, *, port: int, host: str, allow_remote: bool = False) -> None:
        if not is_loopback(host):
            if not allow_remote:
                raise ValueError(f"{host!r} is not a loopback address; binding it needs allow_remote=True")
            warnings.warn(
                f"the simulator can be reached by other machines at {host}; its credentials are all it has",
                stacklevel=3,
            )
        self._simulator = simulator
        self._address = host
        self._folder: Path | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._stop: asyncio.Event | None = None
        self.port = port
        self.ca_file = ""

    @property
    def host(self) -> str:
        """Address and port, joined."""
        return f"[{self._address}]:{self.port}" if ":" in self._address else f"{self._address}:{self.port}"

    @property
    def url(self) -> str:
        """The root URL."""
        return f"https://{self.host}"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def open(self) -> None:
        """Make the certificates, bind the port and begin to answer.

        Raises:
            OSError: If the address cannot be bound.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="vergeos-nb-simulator-"))
        try:
            context = self._certificates(self._folder)
            sockets = bind_sockets(self.port, self._address)
            self.port = int(sockets[0].getsockname()[1])
            self._thread = threading.Thread(
                target=self._run, args=(sockets, context), name="vergeos-nb-simulator", daemon=True
            )
            self._thread.start()
            self._ready.wait()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop answering, close every connection and remove the certificate file."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _certificates(self, folder: Path) -> ssl.SSLContext:
        authority = trustme.CA(organization_name="vergeos-nb simulator (throw-away)")
        names = list(CERTIFICATE_NAMES)
        if self._address not in names:
            names.append(self._address)
        # Not `ssl.create_default_context`, which would log the keys where ``SSLKEYLOGFILE`` says.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        path = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        path.chmod(0o644)
        self.ca_file = str(path)
        return context

    def _run(self, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
        try:
            asyncio.run(self._serve(sockets, context))
        except BaseException as error:
            self._failure = error
        finally:
            for listener in sockets:
                listener.close()
            self._ready.set()

    async def _serve(self, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def receive(request: HTTPServerRequest) -> None:
            task = asyncio.ensure_future(self._answer(request))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = HTTPServer(receive, max_body_size=500_000_000, max_header_size=200_000)

        def take(connection: socket.socket, address: Any) -> None:
            # Tornado's own way makes a default context beside ours, which opens what ``SSLKEYLOGFILE`` names.
            try:
                wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            except OSError:
                connection.close()  # it was gone again before it was taken
                return
            server.handle_stream(SSLIOStream(wrapped, ssl_options=context), address)

        removers = [add_accept_handler(listener, take) for listener in sockets]
        self._ready.set()
        await self._stop.wait()
        for remove in removers:
            remove()
        server.stop()
        for task in list(tasks):
            task.cancel()
        await server.close_all_connections()

    async def _answer(self, request: HTTPServerRequest) -> None:
        response = self._simulator.handle(Request(
            request.method or "GET", unquote(_utf8(request.path), errors="replace"), _utf8(request.query),
            Headers(dict(request.headers.get_all())), request.body,
        ))  # fmt: skip
        if response.delay > 0:
            await self._wait(response.delay)
        connection: Any = request.connection
        try:
            if response.hints or response.drip:
                await _crawl(connection, response)
            elif response.drop is None:
                await _deliver(connection, response, with_body=request.method != "HEAD")
            else:
                await _break_off(connection, response)
        except (OSError, RuntimeError):
            pass  # the client has gone, or its stream is closed

    async def _wait(self, seconds: float) -> None:
        if isinstance(self._simulator.clock, WallClock):
            await asyncio.sleep(seconds)
        else:
            self._simulator.clock.sleep(seconds)


def _utf8(text: str) -> str:
    """Read bytes that a client sent unencoded, and tornado took for Latin-1, as UTF-8."""
    return text.encode("latin-1", "replace").decode("utf-8", "replace")


async def _deliver(connection: Any, response: Response, *, with_body: bool) -> None:
    headers = HTTPHeaders({**response.headers, "Content-Length": str(len(response.body))})
    reason = responses.get(response.status, "Unknown")
    start = ResponseStartLine("HTTP/1.1", response.status, reason)
    await connection.write_headers(start, headers, response.body if with_body else None)
    connection.finish()


async def _break_off(connection: Any, response: Response) -> None:
    """Close the connection without an answer, or in the middle of an answer."""
    stream = connection.detach()
    if response.drop == "truncate":
        await stream.write(_head(response) + response.body[: len(response.body) // 2])
    stream.close()


async def _crawl(connection: Any, response: Response) -> None:
    """Answer after so many hints, or byte by byte, until the client goes away."""
    stream = connection.detach()
    try:
        for _ in range(response.hints):
            await stream.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await asyncio.sleep(0.001)
        for byte in _head(response) + response.body if response.drip else b"":
            await stream.write(bytes([byte]))
            await asyncio.sleep(response.drip)
        if not response.drip:
            await stream.write(_head(response) + response.body)
    finally:
        stream.close()


def _head(response: Response) -> bytes:
    reason = responses.get(response.status, "Unknown")
    lines = [f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append(f"Content-Length: {len(response.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"
