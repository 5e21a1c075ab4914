"""Whatever answers a changing call: the journal has the exchange, and what is raised is an error of ours.

Holds off: an answer that broke the reader ended the run as a bug, and the exchange was not written down.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vergeos_nb import errors
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.client.transport import decoding
from vergeos_nb.client.transport.answer import KEPT_WHOLE_BYTES, NAMED
from vergeos_nb.client.transport.wire import KEPT_IN_ALL_BYTES, Wire
from vergeos_nb.clock import SystemClock
from vergeos_nb.journal.journal import RunJournal, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.settings import AmbientNetwork
from vergeos_nb.vergeos.rows import StatusKey

BODY = {"running": False}


def nested(depth: int, begin: str = "[", end: str = "]") -> bytes:
    return (begin * depth + ("1" if begin != "[" else "") + end * depth).encode()


LINES = st.sampled_from(
    [
        b"HTTP/1.1 %d X" % status
        for status in (100, 101, 103, 199, 200, 201, 204, 206, 301, 304, 307, 401, 422)
    ]
    + [b"HTTP/1.1 %d" % status for status in (500, 599, 600, 999)]
    + [b"HTTP/1.0 200 OK", b"HTTP/2 200", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"ICY 200 OK", b""]
)
HEADERS = st.lists(
    st.sampled_from(
        [
            b"Date: Fri, 31 Dec 9999 23:59:59 GMT", b"Date: Fri, 31 Dec 9999 23:59:59 -2359",
            b"Date: Mon, 01 Jan 0001 00:00:00 +2359", b"Date: 99999999999999999999", b"Date: \xff\xfe",
            b"Date: Mon, 99 Foo 2026 99:99:99 +99999999999", b"Date: -, - - -",
            b"Retry-After: " + b"9" * 5000, b"Retry-After: \xb2",
            b"Content-Encoding: gzip", b"Content-Encoding: gzip, gzip",
            b"Content-Encoding: br", b"Content-Encoding: deflate", b"Content-Encoding: \xff",
            b"Content-Type: text/html; charset=utf-7", b"Content-Type: application/json; charset=\xff",
            b"Content-Type: x; charset=rot13", b"Content-Length: 5", b"Content-Length: 999999",
            b"Content-Length: -1", b"Content-Length: 1e9", b"Transfer-Encoding: chunked",
            b"Transfer-Encoding: gzip", b"Connection: close", b"Connection: upgrade",
            b"Location: https://[bad", b"Location: https://\xff\xfe/", b"Location: /" + b"x" * 5000,
            b"Server: " + b"\xe2\x80\xae" * 100, b"Set-Cookie: a=b; expires=Fri, 99 Dec 99999 99:99:99 GMT",
            b"Set-Cookie: \xff\xff=\xfe; domain=..; max-age=1e999", b"X: " + b"y" * 20_000,
            b"no header at all",
        ]
    ),
    max_size=4,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["err", "$key", "x"]), inner),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda data: json.dumps(data).encode()),
    JSON.map(lambda data: json.dumps(data).encode("utf-16")),
    st.sampled_from(
        [
            b"", nested(480), nested(950), nested(100_000), nested(480, '{"a":', "}"), b"9" * 5000,
            nested(950, '{"err":', "}"), b'{"err": {"message": ["\\ud800"]}}', b'{"err": ""}',
            b'{"err": null}',
            b'{"$key": 1e999}', b'{"$key": -0.0}', b'{"$key": ' + b"9" * 4000 + b"}", b"\xef\xbb\xbf{}",
            b"[" + b"[]," * 200_000 + b"[]]", b"5\r\n[1,2\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx",
            gzip.compress(b"{}"), gzip.compress(b"{}")[:-4], gzip.compress(b"{}") * 3,
            gzip.compress(b" " * 50_000_000), gzip.compress(gzip.compress(b"[]" * 9_000_000)),
            zlib.compress(b"{}"), b"\x1f\x8b\x08",
        ]
    ),
)  # fmt: skip


@pytest.fixture
def answered(raw_server, make_profile, ca_file, tmp_path):
    """Send a PUT that is answered with these bytes; the error, if any, and the account of the journal."""
    script: list[bytes] = []

    def say(server, connection):
        server.read(connection)
        connection.sendall(script[-1])

    server = raw_server(say)
    profile = make_profile(server.host, ca_file=ca_file, timeout_s=5)
    runs: list[int] = []

    def send(answer: bytes):
        script.append(answer)
        runs.append(1)
        path = tmp_path / f"{len(runs)}.jsonl"
        journal = RunJournal(path, SystemClock(), Scrubber(["canary"]))
        caught = None
        with Wire(
            profile, network=AmbientNetwork(), on_intent=journal.intent, on_exchange=journal.exchange
        ) as wire:
            try:
                wire.change("PUT", StatusKey.path(StatusKey(61)), BODY)
            except errors.VergeNbError as error:
                caught = error
        journal.close()
        assert len(server.requests) == len(runs), "sent more than once"
        return caught, run_state_of(read_journal(path)), path.stat().st_size

    return send


def http(line: bytes, headers: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([line, *headers, b"", body])


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(line=LINES, headers=HEADERS, body=BODIES)
@example(b"HTTP/1.1 200 OK", [], nested(480))
@example(b"HTTP/1.1 200 OK", [], nested(950, '{"a":', "}"))
@example(b"HTTP/1.1 422 No", [], nested(480, '{"err":', "}"))
@example(b"HTTP/1.1 200 OK", [b"Date: Fri, 31 Dec 9999 23:59:59 GMT"], b"{}")
@example(b"HTTP/1.1 101 X", [b"Connection: upgrade", b"Upgrade: x"], b"{}")
@example(b"HTTP/1.1 200 OK", [b"Content-Encoding: gzip"], gzip.compress(b" " * 50_000_000))
def test_whatever_answers_a_change_its_exchange_is_in_the_journal_and_what_is_raised_is_ours(
    answered, line, headers, body
):
    error, account, size = answered(http(line, headers, body))
    [call] = account.changing_calls
    assert call.exchange is not None
    assert (call.exchange.body, call.exchange.changing) == (BODY, True)
    assert (error is None) == (not call.exchange.error or call.exchange.error.startswith("accepted"))
    assert size < 3 * KEPT_WHOLE_BYTES + 10_000
    if error is not None and call.exchange.status is None:
        assert error.may_have_executed or isinstance(error, errors.NotConnected)


@pytest.mark.parametrize("status", [200, 201, 204, 422, 500])
def test_an_answer_that_is_nested_too_deep_is_kept_as_its_text(answered, status):
    error, account, _ = answered(http(b"HTTP/1.1 %d X" % status, [b"Connection: close"], nested(900)))
    [call] = account.changing_calls
    kept = None if status == 204 else "[" * 900 + "]" * 900
    assert (call.exchange.status, call.exchange.answer) == (status, kept)
    assert (error is None) == (status < 300)


def test_a_secret_is_masked_before_a_long_text_is_cut(answered, canary):
    """Holds off: all but the end of a password was kept, because the text was cut in the middle of it."""
    said = b"x" * 3990 + canary.encode()
    _, account, _ = answered(http(b"HTTP/1.1 200 OK", [b"Connection: close"], said))
    assert account.changing_calls[0].exchange.answer == "x" * 3990 + "•••"


def test_a_large_answer_is_kept_in_brief_and_so_is_every_answer_once_they_have_come_to_much(
    raw_server, make_profile, ca_file, recorder
):
    """Holds off: a notebook of 133 MB, and a run that held every answer in memory."""
    rows = [{"$key": at, "name": f"vm-{at}"} for at in range(900)]
    large = json.dumps([{**row, "note": "n" * 300} for row in rows]).encode()
    small = json.dumps([{"$key": 1, "note": "n" * (KEPT_WHOLE_BYTES - 100)}]).encode()
    script = [large]

    def say(server, connection):
        while server.read(connection):
            body = script[0]
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    profile = make_profile(raw_server(say).host, ca_file=ca_file, paced=False)
    with Wire(profile, network=AmbientNetwork(), on_exchange=recorder.exchange) as wire:
        assert len(wire.read("vms", bounds=NAMED)) == 900
        kept = recorder.exchanges[0].answer
        assert (kept["kept"], kept["bytes"], kept["rows"]) == ("in brief", len(large), 900)
        assert [row["name"] for row in kept["first"]] == ["vm-0", "vm-1", "vm-2"]
        script[0] = small
        for _ in range(KEPT_IN_ALL_BYTES // KEPT_WHOLE_BYTES + 2):
            wire.read("vms")
    assert isinstance(recorder.exchanges[1].answer, list)
    assert recorder.exchanges[-1].answer["kept"] == "in brief"


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b'{"$key":1},' * 50_000 + b"{}]",
        b'["\xf0\x9f\x98\x80' + b"x" * 800_000 + b'"]',
        b'["' + "\u4e2d".encode() * 260_000 + b'"]',
    ],
    ids=["small rows", "wide text", "Chinese text"],
)
def test_the_memory_that_values_need_is_not_estimated_too_low(body):
    tracemalloc.start()
    try:
        data = json.loads(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert data
    assert 0.99 * peak <= decoding.held(body) <= 2.5 * peak


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * 2_500_000 + b"1]",
        b"[" + b'{"$key":1},' * 300_000 + b"{}]",
        b'["\xf0\x9f\x98\x80' + b"x" * 8_000_000 + b'"]',
        b'["' + b"," * 2_000_000 + b'"]',
        b"[" + b'{"$key":1,"name":"vm-1"},' * 10_000 + b"{}]",
    ],
    ids=["numbers", "small rows", "wide text", "commas in a text", "few rows"],
)
def test_an_answer_is_too_heavy_exactly_if_its_values_need_too_much(body, request):
    size = decoding.held(body)
    assert decoding.too_heavy(body) in (0, size)
    assert bool(decoding.too_heavy(body)) is (size > decoding.MOST_HELD)
    assert bool(decoding.too_heavy(body)) is ("few" not in request.node.callspec.id)


def test_a_page_of_a_large_system_is_far_below_the_limit_of_memory():
    row = {
        "$key": 123456, "name": "\u4e2d\U0001f600-web-frontend-0001", "machine": 123456,
        "status": "running", **{f"machine#stats#column_{at}": 1_700_000_000 for at in range(16)},
    }  # fmt: skip
    page = json.dumps([row] * 4000, ensure_ascii=False).encode()
    assert decoding.held(page) < decoding.MOST_HELD * 0.75
