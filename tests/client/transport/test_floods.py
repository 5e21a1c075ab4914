"""Answers that come fast and without sense, over real TLS: each ends soon, small, and in a clear error."""

from __future__ import annotations

import contextlib
import gzip
import json
import time
import tracemalloc

import pytest

from tests.at_night import at_night
from vergeos_nb import errors
from vergeos_nb.client.transport.answer import NAMED, TABLE
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.vergeos.rows import VmKey

# Seconds that a call may take, of which the whole answer has its limit.
LIMIT_S = 2.0
SOON_S = 10.0
SMALL = 40 << 20
OK = b"HTTP/1.1 200 OK\r\n"


def sized(body, more=b"", length=None):
    return OK + more + b"Content-Length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def headers_without_end(connection):
    connection.sendall(OK)
    while True:
        connection.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")


def one_header_without_end(connection):
    connection.sendall(OK + b"X-Header: ")
    while True:
        connection.sendall(b"x" * 16_000)


def chunks_of_one_byte(connection):
    connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n")
    while True:
        connection.sendall(b"1\r\n \r\n" * 2000)


def answers_after_the_answer(connection):
    connection.sendall(sized(b"[]") + sized(b'[{"$key": 1}]') * 1000)


FLOODS = {
    "headers without end": (headers_without_end, errors.BadAnswer, ""),
    "one header without end": (one_header_without_end, errors.BadAnswer, ""),
    "chunks of one byte": (chunks_of_one_byte, errors.ApiError, ""),
    "deep lists in a row": (sized(b'[{"$key":1,"name":' + b"[" * 400_000), errors.NotJson, "not JSON"),
    "gzip in gzip": (
        sized(gzip.compress(gzip.compress(b"[]" * 9_000_000)), b"Content-Encoding: gzip\r\n"),
        errors.NotJson,
        "not JSON",
    ),
    "gzip that was named twice": (
        sized(gzip.compress(gzip.compress(b"[]")), b"Content-Encoding: gzip, gzip\r\n"),
        errors.BadAnswer,
        "encoded in a way that was not asked for",
    ),
    "a length that is too large": (sized(b'[{"$key": 1}]', length=5000), errors.ApiError, ""),
    "a length that is too small": (sized(b'[{"$key": 1}]', length=5), errors.NotJson, "not JSON"),
    "two lengths": (
        OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n[]abc",
        errors.ApiError,
        "",
    ),
    "a redirect to itself": (
        b"HTTP/1.1 302 Found\r\nLocation: /api/v4/vms\r\nContent-Length: 0\r\n\r\n",
        errors.BadAnswer,
        "302 Found to a page of its own",
    ),
    "a cell of megabytes": (
        sized(json.dumps([{"$key": 1, "name": "x" * (3 << 20)}]).encode()),
        errors.ApiError,
        "longer than",
    ),
}


@pytest.fixture
def flooded(raw_server, make_wire, make_profile, ca_file, monkeypatch):
    """A wire to a server that answers like this, as often as it is asked."""
    monkeypatch.setattr("vergeos_nb.client.transport.retries.READ_ATTEMPTS", 1)

    def to(answer):
        def behave(server, connection):
            server.read(connection)
            with contextlib.suppress(OSError):
                connection.sendall(answer) if isinstance(answer, bytes) else answer(connection)

        server = raw_server(behave)
        return server, make_wire(profile=make_profile(server.host, ca_file=ca_file, timeout_s=LIMIT_S))

    return to


# The answer to a change is read by the same code. By day it meets what does not end, and one more.
CELLS = [
    (which, changing)
    if not changing or which in ("headers without end", "chunks of one byte", "gzip in gzip")
    else at_night(which, changing)
    for which in FLOODS
    for changing in (False, True)
]


@pytest.mark.parametrize(("which", "changing"), CELLS)
def test_whatever_floods_in_ends_soon_in_an_error_of_ours_and_takes_little_memory(flooded, which, changing):
    answer, kind, said = FLOODS[which]
    server, wire = flooded(answer)
    began = time.monotonic()
    tracemalloc.start()
    try:
        if changing:
            with contextlib.suppress(errors.ApiError):  # a change counts as sent whatever its answer holds
                wire.change("PUT", "machine_status/61", {"running": False})
        else:
            with pytest.raises(kind) as caught:
                wire.read(VmKey.table, bounds=NAMED)
            assert said in caught.value.came_back
            assert caught.value.next_step
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (time.monotonic() - began < SOON_S, peak < SMALL) == (True, True)
    assert server.methods() == ["PUT" if changing else "GET"]


def test_a_whole_table_in_chunks_of_one_byte_ends_soon(flooded):
    _, wire = flooded(chunks_of_one_byte)
    began = time.monotonic()
    with pytest.raises(errors.ApiError):
        wire.read(VmKey.table, bounds=TABLE)
    assert time.monotonic() - began < SOON_S


def test_an_answer_that_nobody_asked_for_is_never_taken_for_a_later_one(flooded):
    _, wire = flooded(answers_after_the_answer)
    assert [wire.read(VmKey.table, bounds=NAMED) for _ in range(2)] == [[], []]


def test_a_row_of_eighty_thousand_columns_is_read_by_the_few_that_were_asked_for(flooded):
    columns = b",".join(b'"%x":1' % number for number in range(80_000))
    _, wire = flooded(sized(b"[{" + columns + b"}]"))
    tracemalloc.start()
    try:
        with pytest.raises(errors.MissingField) as caught:
            VergeApi(wire).vms_named("web-01")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "has no field '$key'" in caught.value.came_back
    assert peak < SMALL
