"""Apply fault rules: to a request before it is executed, and to its answer on the way."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from itertools import cycle, islice
from urllib.parse import urlencode

from vergeos_nb.simulator.api.messages import Request, Response
from vergeos_nb.simulator.faults.rules import Rule


def without(request: Request, parameters: tuple[str, ...]) -> Request:
    """Return the request without these query parameters, as if the platform ignored them."""
    if not parameters:
        return request
    kept = {name: value for name, value in request.params.items() if name not in parameters}
    return replace(request, query=urlencode(kept))


def spoilt(answer: Response, rule: Rule) -> Response:
    """Return the answer as the rule changes it."""
    body = _with_rows(answer.body, rule.rows) if rule.rows else answer.body
    headers = dict(answer.headers)
    if rule.gzip:
        body, headers["Content-Encoding"] = gzip.compress(body, 9), "gzip"
    return replace(
        answer,
        headers=headers,
        body=body,
        delay=rule.delay,
        drop=rule.drop,
        hints=rule.hints,
        drip=rule.drip,
    )


def _with_rows(body: bytes, count: int) -> bytes:
    """Repeat the rows of a list until there are so many, with new keys. Any other body is not changed."""
    try:
        rows = json.loads(body)
    except ValueError:
        return body
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return body
    more = islice(cycle(rows), max(0, count - len(rows)))
    keyed = ({**row, **({"$key": 10**6 + at} if "$key" in row else {})} for at, row in enumerate(more))
    return json.dumps([*rows, *keyed], separators=(",", ":")).encode()
