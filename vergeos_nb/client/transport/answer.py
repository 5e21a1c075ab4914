"""The answer to one request: received piece by piece, decoded once, and judged in one place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import httpx
from msgspec import Struct

from vergeos_nb.client.error_bodies import said_in
from vergeos_nb.client.scrub import visible
from vergeos_nb.client.transport import decoding, failures
from vergeos_nb.clock import Clock
from vergeos_nb.masking import cut

LONGEST_KEPT_TEXT = 4000
"""The most characters that the record keeps of an answer that is not JSON."""

KEPT_WHOLE_BYTES = 64 * 1024
"""Of an answer with more bytes, or with many values, the record keeps size, hash and first rows. Reason:
every answer of a run is held in memory and in its notebook. The rows of one VM have a few thousand bytes."""

_KEPT_VALUES = 4000
_KEPT_ROW_BYTES = 8 * 1024

_LIST = re.compile(rb"\s*\[")
_FIRST_YEAR_S, _LAST_YEAR_S = 946_684_800.0, 4_102_444_800.0
"""The years 2000 and 2100, in seconds since 1970. A server's time outside of them is ignored."""


class Bounds(Struct, frozen=True):
    """The bounds of one answer.

    Attributes:
        rows: the most rows that the request can match.
        size: bytes, before and after decoding.
    """

    rows: int
    size: int


_MB = 1024 * 1024
FEW = Bounds(50, _MB // 4)
"""Rows that are found by a key, or one row."""

NAMED = Bounds(1000, _MB)
"""Rows that are found by a name: the snapshots of a VM have its name."""

OF_MANY = Bounds(20_000, 4 * _MB)
"""Rows of up to a hundred machines."""

TABLE = Bounds(100_000, 8 * _MB)
"""A whole table, or a page of one."""


class Answer(Struct, frozen=True):
    """A good answer.

    Attributes:
        data: the decoded JSON; None where a changing call was answered with nothing or with no JSON; bytes
            where they were asked for.
        server: the ``Server`` header, or "".
        server_time: the ``Date`` header in seconds since 1970, or None.
        sent_at: our clock at the sending, seconds since 1970.
        elapsed_s: from the sending to the whole answer.
    """

    status: int
    data: Any
    server: str
    server_time: float | None
    sent_at: float
    elapsed_s: float


class Tracing:
    """Learns from httpcore how far a request has got.

    It is a separate object, because httpx keeps it in a reference cycle. Everything that it refers to stays
    in memory until the garbage collector runs.

    Attributes:
        connecting: whether the last event came before the connection was made. Then nothing was sent.
    """

    def __init__(self) -> None:
        self.connecting = False

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """A request is sent once its headers are, but not by a CONNECT to a proxy."""
        if event == "connection.connect_tcp.started":
            self.connecting = True
        elif event == "http11.send_request_headers.started":
            self.connecting = info["request"].method == b"CONNECT"


class Taking:
    """The answer to one request while it is received. Its clock starts when it is made.

    Attributes:
        trace: how far the request has got.
        remark: a remark on a good answer, or "".
    """

    def __init__(self, clock: Clock, bounds: Bounds) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._bounds = bounds
        self.sent_at = clock.now()
        self.elapsed_s = 0.0
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.content: bytes | bytearray = b""
        self.trace = Tracing()
        self.remark = ""

    def take(self, response: httpx.Response, call: failures.CallContext) -> None:
        """Read the answer to its end.

        Raises:
            BadAnswer: it is longer than it may be, needs more memory, or is not encoded as it says.
        """
        self.status, self.headers = response.status_code, response.headers
        # A transport in this process may have read and decoded it already.
        whole = response.is_stream_consumed
        coding = "" if whole else response.headers.get("content-encoding", "")
        try:
            body = decoding.Inflating(coding, self._bounds.size)
            try:
                for piece in [response.content] if whole else response.iter_raw():
                    body.take(piece)
                body.end()
            finally:
                self.content = body.content
        except decoding.TooLongError:
            raise failures.too_long(self._bounds.size, decoding.first_rows(self.content), call) from None
        except ValueError as error:
            raise failures.not_decoded(str(error), call) from None
        if size := decoding.too_heavy(self.content):
            first = decoding.first_rows(self.content)
            raise failures.too_heavy(size, decoding.MOST_HELD, first, call)

    def end(self) -> None:
        """Stop its clock."""
        self.elapsed_s = self._clock.monotonic() - self._began

    @property
    def server_time(self) -> float | None:
        """The ``Date`` header in seconds since 1970, or None; a time without a zone is read as UTC."""
        try:
            moment = parsedate_to_datetime(self.headers.get("date", ""))
            told = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except Exception:  # the standard library's reader fails in more ways than it says
            return None
        return told if _FIRST_YEAR_S <= told < _LAST_YEAR_S else None

    @cached_property
    def decoded(self) -> tuple[Any, bool]:
        """The answer's JSON, and whether the answer is JSON."""
        try:
            return decoding.decoded(self.content), True
        except ValueError:
            return None, False

    def for_record(self, mask: Callable[[str], str], kept: int | None = KEPT_WHOLE_BYTES) -> Any:
        """The answer's JSON, in brief if it is large; its text if it is not JSON; None if it is empty.

        Args:
            mask: removes secrets from a text. JSON is returned unmasked.
            kept: bytes up to which an answer is kept whole; None for no limit.
        """
        data, readable = self.decoded
        if not readable:
            return self.text(mask) or None
        few = decoding.values_in(self.content) <= _KEPT_VALUES
        if kept is None or (few and len(self.content) <= kept):
            return data
        brief: dict[str, Any] = {"kept": "in brief", **self.in_brief()}
        if isinstance(data, list):
            first = decoding.first_rows(self.content[:_KEPT_ROW_BYTES])
            return {**brief, "rows": len(data), "first": first}
        return brief

    def text(self, mask: Callable[[str], str]) -> str:
        """The text of an answer that is not JSON, masked and then cut. It may be the beginning of JSON."""
        return cut(mask(self.content.decode("utf-8", "replace")), LONGEST_KEPT_TEXT, torn=True)

    def in_brief(self) -> Any:
        """Size and SHA-256 of the answer; None if it is empty."""
        if not self.content:
            return None
        return {"bytes": len(self.content), "sha256": hashlib.sha256(self.content).hexdigest()}

    def judge(self, call: failures.CallContext, *, raw: bool = False) -> Answer:
        """The answer, if it is a good one. No other code decides this.

        Args:
            raw: return a successful answer undecoded if it can be a list.

        Raises:
            ApiError, AuthError: its status is not a success, it holds an error, it has more rows than the
                request can match, or the answer to a read is not JSON.
        """
        status = self.status or 0
        server = visible(self.headers.get("server", ""))
        good = 200 <= status < 300
        if raw and good and _LIST.match(self.content):
            return Answer(status, self.content, server, self.server_time, self.sent_at, self.elapsed_s)
        data, readable = self.decoded
        if not good:
            text = "" if readable or call.confidential else self.text(call.mask)
            raise failures.from_status(status, self.headers, data, text, call)
        if (said := said_in(data)) is not None:
            raise failures.error_in_answer(status, said, call)
        if not readable and not call.changing:
            raise failures.not_json(self.text(call.mask), call)
        if isinstance(data, list) and len(data) > self._bounds.rows:
            raise failures.too_many(len(data), self._bounds.rows, data[:3], call)
        if not readable and self.content:
            text = visible(call.mask(visible(str(self.for_record(call.mask)))))
            self.remark = f"accepted; the answer is not JSON: {text}"
        data = self.content if raw else data
        return Answer(status, data, server, self.server_time, self.sent_at, self.elapsed_s)
