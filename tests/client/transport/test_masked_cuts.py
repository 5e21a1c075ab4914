"""What comes back is masked before it is cut: in the exchange, in its error and in what is raised."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.client.conftest import CANARY
from vergeos_nb.errors import ApiError
from vergeos_nb.settings import spellings

FORMS = spellings(CANARY, "operator")
# What an error repeats, and what a record keeps. One function cuts both.
ERROR, RECORD = 300, 4000
SENT = [("GET", 404), ("PUT", 200)]


def cells() -> Iterator[Any]:
    """By day each form with each method and each limit, in one of the two pairings of those; the longer limit
    at fewer places."""
    for number, form in enumerate(FORMS):
        for (method, status), limit in itertools.product(SENT, (ERROR, RECORD)):
            by_day = ((method == "GET") == (limit == ERROR)) == (number % 2 == 0)
            marks = () if by_day else (pytest.mark.nightly,)
            every = 1 if limit == ERROR else 5
            yield pytest.param(form, status, method, limit, every, marks=marks)
            if limit == RECORD:
                yield pytest.param(form, status, method, limit, 1, marks=pytest.mark.nightly)


@pytest.mark.parametrize(("form", "status", "method", "limit", "every"), cells())
def test_no_piece_of_a_secret_is_kept_wherever_the_cut_falls(
    make_wire, recorder, form, status, method, limit, every
):
    """Holds off: all but the last character of a password is sealed, because an answer is cut first."""
    bodies: list[str] = []
    wire = make_wire(transport=httpx.MockTransport(lambda request: httpx.Response(status, text=bodies[-1])))
    for kept in sorted({*range(0, len(form) + 2, every), 3, len(form) - 1, len(form)}):
        before = "y" * (limit - kept)
        for body in (f"{before}{form}zzz", f"{before}{form[:kept]}"):
            bodies.append(body)
            raised = ""
            try:
                if method == "GET":
                    wire.read("system")
                else:
                    wire.change("PUT", "machine_status/46", {"running": False})
            except ApiError as error:
                raised = str(error)
            exchange = recorder.exchanges[-1]
            said = json.dumps([exchange.answer, exchange.error, raised], ensure_ascii=False)
            assert form[:3] not in said, (limit, kept)


def test_a_secret_across_the_cut_of_a_connection_error_is_masked(make_wire, recorder):
    def fails(request):
        raise httpx.ConnectError("x" * 290 + CANARY + "y" * 50)

    wire = make_wire(transport=httpx.MockTransport(fails))
    with pytest.raises(ApiError) as error:
        wire.change("PUT", "machine_status/46", {"running": False})
    assert CANARY[:3] not in f"{error.value} {recorder.exchanges[-1]}"
