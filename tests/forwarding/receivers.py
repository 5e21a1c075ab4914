"""Receivers on loopback: syslog in its four ways, and an HTTP collector. They can be down, and come back."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HEADER = re.compile(
    rb"<(\d+)>1 (\S+) (\S+) vergeos-nb (\S+) (\S+) "
    rb"\[origin software=\"vergeos-nb\" swVersion=\"[^\"]+\"\] (\{.*\})"
)
CLOSED = 0.01


def frames(stream: bytes) -> list[bytes]:
    """The messages of a stream, each of which is preceded by its length (RFC 6587, 3.4.1)."""
    found = []
    while stream:
        length, _, rest = stream.partition(b" ")
        found.append(rest[: int(length)])
        stream = rest[int(length) :]
    return found


def told(line: bytes) -> dict[str, Any]:
    """The message of one RFC 5424 line, whose header must agree with it."""
    match = HEADER.fullmatch(line)
    assert match is not None, line
    message: dict[str, Any] = json.loads(match[6])
    at, run, event = (str(message[name]).encode() for name in ("at", "run", "event"))
    assert (match[2], match[4], match[5]) == (at, run, event)
    return message


class Received:
    """What came, in its order; a test waits for it and never sleeps."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._change = threading.Condition()

    def add(self, messages: list[dict[str, Any]]) -> None:
        with self._change:
            self.messages += messages
            self._change.notify_all()

    def wait_for(self, event: str, count: int = 1, within_s: float = 20.0) -> None:
        """Until so many messages of this event have come."""
        with self._change:
            assert self._change.wait_for(lambda: self.events.count(event) >= count, within_s), self.events

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.messages]

    @property
    def ids(self) -> list[str]:
        return [message["id"] for message in self.messages]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def stream_receiver(
    received: Received, port: int = 0, context: ssl.SSLContext | None = None, *, closes: bool = True
) -> Iterator[int]:
    """Syslog over TCP, or over TLS with a context. Yields its port.

    Args:
        closes: whether it ends a connection that the sender has ended.
    """
    open_ones = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if context is not None:
                try:
                    self.request = context.wrap_socket(self.request, server_side=True)
                except OSError:
                    return
                self.rfile = self.request.makefile("rb")
            received.add([told(line) for line in frames(self.rfile.read())])
            if not closes:
                open_ones.wait()

    with _Server(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(CLOSED,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            open_ones.set()
            server.shutdown()
            thread.join()


@contextmanager
def datagram_receiver(received: Received, path: Path | None = None) -> Iterator[int]:
    """Syslog over UDP, or over a Unix socket at a path. Yields its port."""
    family = socket.AF_UNIX if path else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind(str(path) if path else ("127.0.0.1", 0))
        port = 0 if path else server.getsockname()[1]

        def receive() -> None:
            while (line := server.recv(65_536)) != b"end":
                received.add([told(line)])

        thread = threading.Thread(target=receive, daemon=True)
        thread.start()
        try:
            yield port
        finally:
            with socket.socket(family, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", str(path) if path else ("127.0.0.1", port))
            thread.join()


@contextmanager
def line_receiver(received: Received, path: Path) -> Iterator[None]:
    """Syslog at a Unix socket that is a stream of lines, as an older daemon has it."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            received.add([told(line) for line in self.rfile.read().splitlines()])

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    with Server(str(path), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(CLOSED,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def collector(received: Received, status: int = 200) -> Iterator[str]:
    """An HTTP collector that takes JSON arrays. Yields its URL, which holds a token."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if status < 300:
                received.add(content)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(CLOSED,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/in/canary0collector0token"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def silent_listener() -> Iterator[int]:
    """A port that takes a connection and never answers, as a host behind a broken firewall does."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128)
        yield server.getsockname()[1]


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
