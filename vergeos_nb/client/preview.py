"""The requests that a call of `VergeApi` would send. The same code builds them, and nothing is sent."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any, cast

from vergeos_nb.client.transport.answer import Answer
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.errors import VergeNbError, WrongShape
from vergeos_nb.vergeos.exchange import Request, api_path


class _PreviewWire:
    """Takes requests in place of a `Wire` and answers each read with no rows."""

    def __init__(self) -> None:
        self.seen: list[Request] = []

    def read(
        self, table_path: str, /, *, asked: str | None = None, bounds: object = None, **query: str
    ) -> Any:
        self.seen.append(Request("GET", api_path(table_path), None, query))
        return []

    def read_answer(
        self, table_path: str, /, *, asked: str | None = None, bounds: object = None, **query: str
    ) -> Answer:
        self.read(table_path, asked=asked, **query)
        raise WrongShape("previewing", "nothing was sent", "nothing is to be done")

    def change(
        self, method: str, table_path: str, body: Mapping[str, Any], /, *, asked: str | None = None
    ) -> Any:
        self.seen.append(Request(method, api_path(table_path), dict(body)))
        return {}


def preview(call: Callable[[VergeApi], object]) -> tuple[Request, ...]:
    """The requests that this call makes, as far as they do not depend on an answer. Nothing is sent.

    Raises:
        UsageError: there is no such request, because an argument is not valid.
    """
    wire = _PreviewWire()
    try:
        call(VergeApi(cast(Wire, wire)))
    except VergeNbError:
        # The call may fail because no row comes. Its request was built before.
        if not wire.seen:
            raise
    return tuple(wire.seen)


def as_curl(host: str, request: Request, *, bearer: bool) -> str:
    """The request as a curl command for a shell. Secrets and the CA file are shell variables in it.

    Args:
        bearer: whether the profile sends a token or API key; otherwise a user name and a password.
    """
    login = '--oauth2-bearer "$VERGE_API_KEY"' if bearer else '--user "$VERGE_USERNAME:$VERGE_PASSWORD"'
    words = ["curl --fail-with-body --silent --show-error", '--cacert "$VERGE_CA_FILE"', login]
    if request.method == "GET":
        words.append("--get")
    else:
        words += [f"--request {request.method}", "--header 'Content-Type: application/json'"]
    words += [f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in request.query.items()]
    if request.body is not None:
        words.append(f"--data {shlex.quote(json.dumps(dict(request.body)))}")
    words.append(shlex.quote(f"https://{host}{request.path}"))
    return " \\\n  ".join(words)
