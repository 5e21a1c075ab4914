"""What came back for one request: taken in piece by piece, then judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from vergeos_nb.client import failures
from vergeos_nb.client.scrub import visible
from vergeos_nb.clock import Clock
from vergeos_nb.masking import cut

LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""More than any answer this package asks for; a host that sends more is not what it should be."""

LONGEST_KEPT_TEXT = 4000
"""How many characters of an answer that is no JSON are kept for the record."""


@dataclass(frozen=True, slots=True)
class Answer:
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


class Taking:
    """The answer to one request while it comes in; begins its clock when it is made."""

    def __init__(self, clock: Clock, limit_s: float) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._limit_s = limit_s
        self.sent_at = clock.now()
        self.elapsed_s = 0.0
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.content = b""
        self.remark = ""

    def take(self, response: httpx.Response, call: failures.Call) -> None:
        """Read the answer to its end.

        Raises:
            httpx.ReadTimeout: the whole of it takes longer than one request may; httpx itself only limits the
                silence between two pieces.
            BadAnswer: it is longer than `LONGEST_ANSWER_BYTES`.
        """
        self.status, self.headers = response.status_code, response.headers
        pieces, length = [], 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            length += len(piece)
            if length > LONGEST_ANSWER_BYTES:
                raise failures.too_long(LONGEST_ANSWER_BYTES, call)
            if self._clock.monotonic() - self._began > self._limit_s:
                raise httpx.ReadTimeout("the whole answer took too long")
        self.content = b"".join(pieces)

    def end(self) -> None:
        """Stop its clock."""
        self.elapsed_s = self._clock.monotonic() - self._began

    @property
    def server_time(self) -> float | None:
        """The ``Date`` header in seconds since 1970; a time without a zone is read as UTC."""
        try:
            moment = parsedate_to_datetime(self.headers.get("date", ""))
        except (TypeError, ValueError):
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def decoded(self) -> Any:
        """The JSON of the answer.

        Raises:
            ValueError: it is none.
        """
        try:
            return json.loads(self.content)
        except RecursionError:
            raise ValueError("nested too deep") from None

    def for_record(self) -> Any:
        """The JSON of the answer; its text, masked and cut, where it is none; None where there is nothing."""
        try:
            return self.decoded()
        except ValueError:
            return self.text() or None

    def text(self) -> str:
        """The text of an answer that is no JSON, masked and then cut. It may be the beginning of some."""
        return cut(self.content.decode("utf-8", "replace"), LONGEST_KEPT_TEXT, torn=True)

    def in_brief(self) -> Any:
        """Size and SHA-256 of the answer, or None where there is nothing."""
        if not self.content:
            return None
        return {"bytes": len(self.content), "sha256": hashlib.sha256(self.content).hexdigest()}

    def judge(self, call: failures.Call, *, raw: bool = False) -> Answer:
        """The answer, if it is a good one.

        Args:
            raw: take what came with a status of success as it is, undecoded.

        Raises:
            ApiError, AuthError: its status is no success, or a read was answered with what is no JSON.
        """
        status = self.status or 0
        server = visible(self.headers.get("server", ""))
        if raw and 200 <= status < 300:
            return Answer(status, self.content, server, self.server_time, self.sent_at, self.elapsed_s)
        try:
            data = self.decoded()
        except ValueError:
            data = None
            readable = False
        else:
            readable = True
        if not 200 <= status < 300:
            text = "" if readable or call.confidential else self.text()
            raise failures.from_status(status, self.headers, data, text, call)
        if not readable and not call.changing:
            raise failures.not_json(self.text(), call)
        if not readable and self.content:
            text = visible(call.mask(visible(str(self.for_record()))))
            self.remark = f"accepted; the answer is not JSON: {text}"
        return Answer(status, data, server, self.server_time, self.sent_at, self.elapsed_s)
