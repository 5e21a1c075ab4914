"""Holds off: a request that never ends because each silence in it is shorter than the limit.

Each server here goes on for as long as anybody listens: without a limit for the whole, no test would end.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from vergeos_nb import errors
from vergeos_nb.client.transport import deadline
from vergeos_nb.client.transport.decoding import TooLongError
from vergeos_nb.client.transport.outside import post
from vergeos_nb.settings import AmbientNetwork, Secret

BODY = {"running": False}
LIMIT_S = 0.6
# Where several connect at once.
TOGETHER_S = 1.5
PIECE_S = 0.02


def slowly(connection, *parts):
    """Send these bytes for ever, a little at a time."""
    with contextlib.suppress(OSError):
        for part in parts:
            connection.sendall(part)
        while True:
            time.sleep(PIECE_S)
            connection.sendall(parts[-1])


def headers_that_drip(server, connection):
    server.read(connection)
    slowly(connection, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")


def early_hints_without_end(server, connection):
    server.read(connection)
    slowly(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


def a_body_that_drips(server, connection):
    server.read(connection)
    slowly(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")


def chunks_that_drip(server, connection):
    server.read(connection)
    slowly(connection, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;x=\r\n \r\n")


def trailers_that_drip(server, connection):
    server.read(connection)
    slowly(connection, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Slow: ", b"x")


PHASES = [
    headers_that_drip,
    early_hints_without_end,
    a_body_that_drips,
    chunks_that_drip,
    trailers_that_drip,
]


@pytest.fixture
def wire_to(make_wire, make_profile, ca_file, monkeypatch):
    # A read is repeated as long as its own time lasts; once is enough here.
    monkeypatch.setattr("vergeos_nb.client.transport.retries.READ_ATTEMPTS", 1)

    def connect(host, network=None, **settings):
        profile = make_profile(host, ca_file=ca_file, **{"timeout_s": LIMIT_S, **settings})
        return make_wire(profile=profile, network=network)

    return connect


def failures(*calls):
    """What each of these calls ends with, all of them at once: each only waits for its time limit."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [asked.exception() for asked in [pool.submit(call) for call in calls]]


def test_a_change_that_is_answered_without_end_counts_as_sent_and_unanswered(raw_server, wire_to):
    servers = [raw_server(behave) for behave in PHASES]
    wires = [wire_to(server.host, timeout_s=TOGETHER_S) for server in servers]
    ends = failures(*(partial(wire.change, "PUT", "machine_status/61", BODY) for wire in wires))
    assert [(type(end), end.may_have_executed) for end in ends] == [(errors.AnswerTimeout, True)] * 5
    assert [server.methods() for server in servers] == [["PUT"]] * 5


@pytest.mark.parametrize("kind", ["basic", "session"])
def test_a_read_and_a_login_that_are_answered_without_end_are_given_up(raw_server, wire_to, kind):
    hosts = [raw_server(behave).host for behave in PHASES]
    wires = [wire_to(host, kind=kind, timeout_s=TOGETHER_S) for host in hosts]
    ends = failures(*(partial(wire.read, "vms") for wire in wires))
    assert [type(end) for end in ends] == [errors.AnswerTimeout] * 5


def test_a_logout_that_is_answered_without_end_keeps_no_run_from_ending(raw_server, wire_to):
    def behave(server, connection):
        request = server.read(connection)
        if request.startswith(b"DELETE"):
            slowly(connection, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x")
        body = b'{"$key": "token-of-a-session"}' if request.startswith(b"POST") else b"[]"
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    server = raw_server(behave)
    wire = wire_to(server.host, kind="session")
    assert wire.read("vms") == []
    wire.close()
    assert server.methods() == ["POST", "GET", "DELETE"]


def test_a_tls_handshake_that_drips_is_given_up_and_nothing_was_sent(raw_server, wire_to):
    def drip(server, connection):
        # The head of a long TLS record, and then its content byte by byte.
        slowly(connection, b"\x16\x03\x03\x40\x00", b"\x02")

    with pytest.raises(errors.ConnectTimeout) as caught:
        wire_to(raw_server(drip, tls=False).host).change("PUT", "machine_status/61", BODY)
    assert not caught.value.may_have_executed


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nX-Slow: x", b"HTTP/1.1 103 Early Hints\r\n\r\n"])
def test_a_proxy_whose_answer_has_no_end_is_given_up_and_nothing_was_sent(raw_server, wire_to, answer):
    def drip(server, connection):
        server.read(connection)
        slowly(connection, answer)

    proxy = raw_server(drip, tls=False)
    network = AmbientNetwork(https_proxy=Secret(f"http://{proxy.host}"))
    with pytest.raises(errors.ConnectTimeout) as caught:
        wire_to("vergeos.example", network).change("PUT", "machine_status/61", BODY)
    assert caught.value.next_step.startswith("Nothing was sent, so nothing has changed.")
    assert proxy.methods() == ["CONNECT"]


def test_a_proxy_that_ends_the_connection_has_sent_nothing_on(raw_server, wire_to):
    """Holds off: a change that never left was called one that may have been carried out."""
    proxy = raw_server(lambda server, connection: server.read(connection), tls=False)
    network = AmbientNetwork(https_proxy=Secret(f"http://{proxy.host}"))
    with pytest.raises(errors.NotConnected):
        wire_to("vergeos.example", network).change("PUT", "machine_status/61", BODY)


def test_tls_that_drips_within_the_tls_of_a_proxy_is_given_up(raw_server, wire_to, authority, tmp_path):
    def drip(server, connection):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        slowly(connection, b"\x16\x03\x03\x40\x00", b"\x02")

    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    proxy = raw_server(drip)
    network = AmbientNetwork(https_proxy=Secret(f"https://{proxy.host}"), ca_file=tmp_path / "ca.pem")
    with pytest.raises(errors.ConnectTimeout) as caught:
        wire_to("vergeos.example", network).change("PUT", "machine_status/61", BODY)
    assert not caught.value.may_have_executed
    assert proxy.methods() == ["CONNECT"]


def test_a_name_service_that_does_not_answer_is_given_up(wire_to, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **settings: asked.wait(30))
    with pytest.raises(errors.ConnectTimeout):
        wire_to("vergeos.example").change("PUT", "machine_status/61", BODY)
    asked.set()


def test_the_first_address_that_swallows_everything_leaves_time_for_the_next(
    raw_server, wire_to, monkeypatch
):
    server = raw_server(lambda server, connection: (server.read(connection), connection.sendall(ANSWER)))
    host, port = server.host.split(":")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, int(port))) for one in ("127.0.0.2", host)]
    connect = socket.create_connection

    def swallowed(address, *args, **settings):
        if address[0] == "127.0.0.2":
            raise TimeoutError
        return connect(address, *args, **settings)

    monkeypatch.setattr(socket, "create_connection", swallowed)
    monkeypatch.setattr(
        "vergeos_nb.client.transport.limited.addresses",
        lambda host, port, limit: [one[4][0] for one in found],
    )
    assert wire_to(f"localhost:{port}", verify=False).change("PUT", "machine_status/61", BODY) == {}


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def test_a_webhook_and_a_timestamp_authority_that_answer_without_end_are_given_up(raw_server):
    servers = [raw_server(behave, tls=False) for behave in PHASES]
    given = {"limit_s": TOGETHER_S, "network": AmbientNetwork()}
    urls = [f"http://{server.host}/hook?x=1" for server in servers]
    ends = failures(*(partial(post, url, b"{}", "text/plain", **given) for url in urls))
    assert [type(end) for end in ends] == [httpx.ReadTimeout] * 5
    assert all(server.requests[0].startswith(b"POST /hook?x=1 HTTP/1.1") for server in servers)


def test_a_webhook_s_answer_without_end_is_not_read_to_its_end(raw_server):
    def flood(server, connection):
        server.read(connection)
        with contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)

    with pytest.raises(TooLongError):
        post(
            f"http://{raw_server(flood, tls=False).host}/",
            b"",
            "text/plain",
            limit_s=30,
            network=AmbientNetwork(),
        )


def test_outside_of_a_request_with_a_limit_each_wait_keeps_its_own():
    assert deadline.rest(5.0) == 5.0
    assert deadline.rest(None) is None
    with deadline.within(-1.0), pytest.raises(TimeoutError):
        deadline.rest(5.0)
