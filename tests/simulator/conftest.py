"""What the simulator's tests share: a caller on a stepped clock, and real clients' environment kept clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.simulator.simhelp import Caller
from vergeos_nb.simulator import Simulator, SteppedClock


@pytest.fixture
def make() -> Iterator[Callable[..., Caller]]:
    """Make a caller for a scenario on a stepped clock."""
    opened: list[Caller] = []

    def maker(scenario: str = "stuck", **options: Any) -> Caller:
        caller = Caller(Simulator(scenario, clock=SteppedClock(), **options))
        opened.append(caller)
        return caller

    yield maker
    for caller in opened:
        caller.http.close()


@pytest.fixture(autouse=True)
def _no_foreign_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CA bundle in the environment wins over what a client is told; the vendor's SDK trips over it."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
