"""An answer of many TLS records is read in few pieces, and nothing of it stays behind."""

from __future__ import annotations

import gc
import json
import socket
import struct
import weakref

import pytest

from vergeos_nb import errors
from vergeos_nb.client.transport import wire
from vergeos_nb.client.transport.answer import TABLE, Taking

ROWS = [{"$key": key, "name": "x" * 100} for key in range(1, 3001)]


def all_at_once(server, connection):
    """Every request of this connection is answered with a body of twenty records."""
    body = json.dumps(ROWS).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    while server.read(connection):
        connection.sendall(head + body)


def broken_off(server, connection):
    """The connection is reset after most of the body."""
    server.read(connection)
    body = json.dumps(ROWS).encode()
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-9])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture
def wire_to(make_wire, make_profile, ca_file, monkeypatch):
    monkeypatch.setattr("vergeos_nb.client.transport.retries.READ_ATTEMPTS", 1)
    return lambda server: make_wire(profile=make_profile(server.host, ca_file=ca_file, timeout_s=5.0))


def test_a_long_answer_comes_whole_again_and_again(raw_server, wire_to):
    """Holds off: a read that waits for more than has been sent, until the limit of the request."""
    reader = wire_to(raw_server(all_at_once))
    assert [reader.read("vms", bounds=TABLE) == ROWS for _ in range(3)] == [True] * 3


def test_a_long_answer_that_breaks_off_is_none(raw_server, wire_to):
    with pytest.raises(errors.ApiError):
        wire_to(raw_server(broken_off)).read("vms", bounds=TABLE)


def test_an_answer_is_out_of_memory_as_soon_as_it_is_read(raw_server, wire_to, monkeypatch):
    """Holds off: httpx's circle of objects kept megabytes until the garbage collector came."""
    taken = []

    class Watched(Taking):
        def __init__(self, *given):
            super().__init__(*given)
            taken.append(weakref.ref(self))

    monkeypatch.setattr(wire, "Taking", Watched)
    reader = wire_to(raw_server(all_at_once))
    gc.disable()
    try:
        reader.read("vms", bounds=TABLE)
        assert [one() for one in taken] == [None]
    finally:
        gc.enable()
