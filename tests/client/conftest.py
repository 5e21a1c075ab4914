"""What the client's tests share: a stepped clock, profiles with canary secrets, and a raw TLS server."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.settings import AmbientNetwork, Credentials, Profile, Secret
from vergeos_nb.vergeos.exchange import Exchange, Request

CANARY = "canary-S3cret/+ü{x}'"


class StepClock:
    """Time that passes only by sleeping, and keeps what was slept."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.time = start
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def canary() -> str:
    return CANARY


@pytest.fixture
def make_profile() -> Callable[..., Profile]:
    def make(host: str = "vergeos.example", kind: str = "basic", **settings: object) -> Profile:
        secret = Secret("canary-bearer-token" if kind == "bearer" else CANARY)
        credentials = Credentials(kind, None if kind == "bearer" else "operator", secret)
        return Profile("lab", host, credentials, **settings)

    return make


class Recorder:
    """Keeps exchanges and intents in the order they came."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.events: list[str] = []

    def intent(self, request: Request) -> None:
        self.events.append(f"intent {request.method} {request.path}")

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        self.events.append(f"exchange {exchange.method} {exchange.path} {exchange.status}")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make_wire(clock, recorder, make_profile) -> Iterator[Callable[..., Wire]]:
    """A wire with the recorder and the stepped clock, on a transport or on a profile that is given."""
    with contextlib.ExitStack() as stack:

        def make(transport=None, profile=None, network=None, **settings) -> Wire:
            settings = {"clock": clock, **settings}
            wire = Wire(
                profile or make_profile(),
                network=network or AmbientNetwork(),
                on_intent=recorder.intent,
                on_exchange=recorder.exchange,
                transport=transport,
                **settings,
            )
            return stack.enter_context(wire)

        yield make


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


class RawServer:
    """A TLS server below HTTP: each connection goes to `behave`, each request read is kept as bytes."""

    def __init__(self, authority: trustme.CA, behave, *, name: str = "127.0.0.1", tls: bool = True) -> None:
        self._behave = behave
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if tls else None
        if self._context:
            authority.issue_cert(name).configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(plain,), daemon=True).start()

    def _one(self, plain: socket.socket) -> None:
        self._open.append(plain)
        # Otherwise the end of a longer answer waits 40 ms for the client's word that its beginning came.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            self.connections += 1
            self._open.append(connection)
            try:
                self._behave(self, connection)
            finally:
                connection.close()

    def read(self, connection: socket.socket) -> bytes:
        """One request, head and body; empty when the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = (line.lower() for line in head.split(b"\r\n"))
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")]
        length = lengths[0] if lengths else 0
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def methods(self) -> list[str]:
        return [request.split(b" ", 1)[0].decode() for request in self.requests]

    def close(self) -> None:
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.close()


@pytest.fixture
def raw_server(authority) -> Iterator[Callable[..., RawServer]]:
    servers: list[RawServer] = []

    def start(behave, **settings) -> RawServer:
        servers.append(RawServer(authority, behave, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
