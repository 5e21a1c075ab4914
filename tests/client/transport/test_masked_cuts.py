"""What comes back is masked before it is cut: in the exchange, in its error and in what is raised."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.client.conftest import CANARY
from vergeos_nb.errors import ApiError
from vergeos_nb.settings import spellings

FORMS = spellings(CANARY, "operator")
# What an error repeats, and what a record keeps. One function cuts both.
# By day the longer one at fewer places.
LIMITS = [
    pytest.param(300, 1, id="error"),
    pytest.param(4000, 5, id="record"),
    pytest.param(4000, 1, id="record, everywhere", marks=pytest.mark.nightly),
]


@pytest.mark.parametrize(("limit", "every"), LIMITS)
@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("PUT", 200)])
@pytest.mark.parametrize("form", FORMS)
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
