"""On a real socket: how many requests arrive at a server that misbehaves."""

from __future__ import annotations

import time

import pytest

from vergeos_nb import errors
from vergeos_nb.client.transport.retries import READ_ATTEMPTS
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.settings import AmbientNetwork

BODY = {"running": False}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


def close_after_reading(server, connection):
    server.read(connection)


def half_an_answer(server, connection):
    server.read(connection)
    connection.sendall(ANSWER[:-1])


def no_answer_in_time(server, connection):
    server.read(connection)
    server.read(connection)


@pytest.fixture
def wire_to(make_wire, make_profile, ca_file):
    def connect(server, **settings):
        return make_wire(profile=make_profile(server.host, ca_file=ca_file, **settings))

    return connect


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (close_after_reading, errors.ConnectionDropped),
        (half_an_answer, errors.ConnectionDropped),
        (no_answer_in_time, errors.AnswerTimeout),
    ],
)
def test_a_change_arrives_exactly_once_and_counts_as_possibly_executed(raw_server, wire_to, behave, failure):
    server = raw_server(behave)
    with pytest.raises(failure) as caught:
        wire_to(server, timeout_s=1.0).change("PUT", "machine_status/61", BODY)
    time.sleep(0.2)  # a second sending would come on a connection of its own; give it the time to
    assert (server.methods(), server.connections) == (["PUT"], 1)
    assert caught.value.may_have_executed
    assert caught.value.next_step.startswith("The change may have been carried out. Do not send it again")


def test_a_read_at_the_same_server_is_repeated_within_its_count(raw_server, wire_to):
    server = raw_server(close_after_reading)
    with pytest.raises(errors.ConnectionDropped):
        wire_to(server).read("vms")
    assert server.methods() == ["GET"] * READ_ATTEMPTS


def test_a_change_never_uses_a_connection_that_the_server_may_have_closed_meanwhile(raw_server, wire_to):
    """Holds off: a PUT lost on a kept connection, which nobody can tell from one that was executed."""

    def one_answer_per_connection(server, connection):
        server.read(connection)
        connection.sendall(ANSWER)
        server.read(connection)  # closes just as a second request arrives, which the client cannot foresee

    server = raw_server(one_answer_per_connection)
    wire = wire_to(server)
    wire.read("vms")
    assert wire.change("PUT", "machine_status/61", BODY) == {}
    assert wire.change("PUT", "machine_status/62", BODY) == {}
    assert (server.methods(), server.connections) == (["GET", "PUT", "PUT"], 3)


def test_reads_share_a_connection_while_it_stands(raw_server, wire_to):
    def keep_alive(server, connection):
        while server.read(connection):
            connection.sendall(ANSWER)

    server = raw_server(keep_alive)
    wire = wire_to(server)
    wire.read("vms")
    wire.read("vms")
    assert (server.methods(), server.connections) == (["GET", "GET"], 1)


def test_an_answer_that_drips_ends_at_the_time_limit_as_a_whole(raw_server, make_profile, ca_file):
    """Holds off: a run that hangs because each piece comes just before the read timeout."""

    def drip(server, connection):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    server = raw_server(drip)
    profile = make_profile(server.host, ca_file=ca_file, timeout_s=1.0)
    with Wire(profile, network=AmbientNetwork()) as wire, pytest.raises(errors.AnswerTimeout):
        wire.change("PUT", "machine_status/61", BODY)


def test_the_bytes_of_the_request_are_what_the_api_wants(raw_server, wire_to):
    def answer(server, connection):
        server.read(connection)
        connection.sendall(ANSWER)

    server = raw_server(answer)
    wire_to(server).read("vms", fields="$key,machine#status as s", filter="name eq 'ü {'")
    wire_to(server).change("PUT", "machine_status/61", BODY)
    assert server.requests[0].split(b"\r\n")[0] == (
        b"GET /api/v4/vms?fields=%24key%2Cmachine%23status+as+s&filter=name+eq+%27%C3%BC+%7B%27 HTTP/1.1"
    )
    head, _, body = server.requests[1].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"PUT /api/v4/machine_status/61 HTTP/1.1"
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"running": false}'
