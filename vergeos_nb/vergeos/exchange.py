"""An API call: the request as plans and records hold it, and the exchange, which adds the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

API_PATH = "/api/v4"
# Seconds since 1970 that a ``datetime`` can hold.
Time = Annotated[float, Meta(ge=-62_135_596_800, le=253_402_300_799)]


def api_path(table_path: str) -> str:
    """The full path of a request, from its path below ``/api/v4``."""
    return f"{API_PATH}/{table_path}"


class Request(Struct, frozen=True):
    """A request that will be sent, or may have been sent. It has no headers and so no credentials.

    Attributes:
        path: below the host, such as ``/api/v4/machine_status/61``.
        query: decoded; empty for a request that changes something.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def table_path(self) -> str:
        """The path below ``/api/v4``, such as ``vm_actions``."""
        return self.path.removeprefix(f"{API_PATH}/")

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body; empty if there is none."""
        return self.body or {}

    @property
    def key(self) -> str:
        """A text that is the same for equal requests. It shows whether a request was sent before."""
        return json.dumps([self.method, self.path, self.body], sort_keys=True)

    def as_sent(self) -> dict[str, Any]:
        """The request as plain JSON, for a plan, a journal or a record."""
        body = None if self.body is None else dict(self.body)
        return {"method": self.method, "path": self.path, "body": body}

    def __str__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body, sort_keys=True, ensure_ascii=False)}"


class Exchange(Request, frozen=True, kw_only=True):
    """One API call as it went over the wire.

    Attributes:
        number: counts the calls of a run from 1.
        changing: whether the call can change something on the platform.
        attempt: 1 for the first sending, 2 for a read's first repetition, …
        sent_at: our clock, seconds since 1970.
        server_time: the answer's Date header, seconds since 1970, or None.
        elapsed_s: the time from sending to the complete answer or the failure.
        status: the HTTP status; None if there was no answer.
        answer: the decoded JSON of the answer, or its text if it was not JSON.
        error: what went wrong with the call, in words, or "".
    """

    number: Annotated[int, Meta(ge=1)]
    changing: bool
    attempt: int
    sent_at: Time
    server_time: Time | None
    elapsed_s: float
    status: int | None
    answer: Any
    error: str

    def as_dict(self) -> dict[str, Any]:
        """The exchange as plain JSON, for a journal."""
        data = {name: getattr(self, name) for name in EXCHANGE_FIELDS}
        body = None if self.body is None else dict(self.body)
        return {**data, "query": dict(self.query), "body": body}


EXCHANGE_FIELDS = (
    "number", "method", "path", "query", "body", "changing", "attempt", "sent_at", "server_time", "elapsed_s",
    "status", "answer", "error",
)  # fmt: skip


def exchange_of(data: Mapping[str, Any]) -> Exchange:
    """The exchange in plain JSON, such as a line of a journal.

    Raises:
        KeyError: a field is missing.
    """
    return Exchange(**{name: data[name] for name in EXCHANGE_FIELDS})
