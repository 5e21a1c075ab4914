"""The simulator core's inputs and outputs: requests, answers, errors, log entries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

Drop = Literal["before", "after", "truncate"]
"""How an answer fails to arrive: connection closed before executing, after executing, or mid-answer."""


class Headers(Mapping[str, str]):
    """Header names in lower case; looking one up ignores the case it was asked for in."""

    def __init__(self, items: Mapping[str, str] | None = None) -> None:
        self._items = {name.lower(): value for name, value in (items or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True)
class Request:
    """One HTTP request as a door received it.

    `path` is percent-decoded; `query` is the raw text after the `?`, still encoded.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=Headers)
    body: bytes = b""

    def __post_init__(self) -> None:
        if not isinstance(self.headers, Headers):
            object.__setattr__(self, "headers", Headers(self.headers))

    @property
    def params(self) -> dict[str, str]:
        """The decoded query parameters; of a repeated name the last one counts."""
        return decode_query(self.query)


@dataclass(frozen=True)
class Response:
    """One answer. `delay` is in seconds; a `drop` tells the door not to deliver it whole.

    `hints` answers of status 103 come before it, and `drip` seconds between any two bytes.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    drop: Drop | None = None
    hints: int = 0
    drip: float = 0.0

    def json(self) -> Any:
        """Return the body read as JSON (for tests)."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RequestLogEntry:
    """One request that reached the simulator, answered or not.

    `query` is raw; `status` is the sent or prepared status (None if there was none); `at` is simulator time
    in seconds; `executed` says whether the core ran it.
    """

    method: str
    path: str
    query: str
    body: bytes
    status: int | None
    at: float
    executed: bool

    @property
    def params(self) -> dict[str, str]:
        """The decoded query parameters."""
        return decode_query(self.query)

    @property
    def json(self) -> Any:
        """The body read as JSON, or None when there was none."""
        return json.loads(self.body) if self.body else None


class ApiError(Exception):
    """A refusal as an HTTP answer: status code, the text under `err`, and seconds to wait before it."""

    def __init__(self, status: int, text: str, *, delay: float = 0.0) -> None:
        super().__init__(text)
        self.delay = delay
        self.status = status
        self.text = text


def invalid_argument() -> ApiError:
    """The platform's 422 for a query it cannot read (pyvergeos 1.7.1 filters.py, measured)."""
    return ApiError(422, "Invalid argument")


def decode_query(query: str) -> dict[str, str]:
    """Decode a raw query string; `+` is a blank, undecodable bytes are replaced."""
    return dict(parse_qsl(query, keep_blank_values=True, errors="replace"))
