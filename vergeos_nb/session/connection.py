"""Connect a run to its system, and keep its API calls until their step ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from vergeos_nb import settings
from vergeos_nb.client.transport.wire import OnExchange, OnIntent, Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.clock import Clock
from vergeos_nb.connect.simulated import open_profile
from vergeos_nb.journal.alike import sharing
from vergeos_nb.procedure.values.protocols import Platform
from vergeos_nb.vergeos.exchange import Exchange

if TYPE_CHECKING:
    import httpx


class CallLog:
    """The run's API calls.

    Attributes:
        first: how many calls an earlier process of the run has made. The numbers continue after them.
    """

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self._calls: list[Exchange] = []
        self._newest: dict[tuple[str, str], Exchange] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def numbered(self, exchange: Exchange) -> Exchange:
        """The call with its number in the whole run."""
        return replace(exchange, number=exchange.number + self.first) if self.first else exchange

    def add(self, exchange: Exchange) -> None:
        """Keep one call. Values that equal those of its path's last call are kept once, to save memory."""
        way = (exchange.method, exchange.path)
        if (before := self._newest.get(way)) is not None:
            query, answer = sharing(before.query, exchange.query), sharing(before.answer, exchange.answer)
            exchange = replace(exchange, path=before.path, query=query, answer=answer)
        self._newest[way] = exchange
        self._calls.append(exchange)

    def since(self, start: int, /) -> Sequence[Exchange]:
        """The calls from this position on."""
        return tuple(self._calls[start:])


class Connection(Struct, frozen=True):
    """The system that a run is connected to.

    Attributes:
        secrets: returns all texts that must not be written, as far as they are known.
    """

    profile: settings.Profile
    platform: Platform
    secrets: Callable[[], Sequence[str]]


class Connect(Protocol):
    """Connects a run to its system while the context lasts. The callbacks get every intent and exchange."""

    def __call__(
        self, clock: Clock, on_intent: OnIntent, on_exchange: OnExchange, /
    ) -> AbstractContextManager[Connection]: ...


def connect_to(load: Callable[[], settings.Profile], transport: httpx.BaseTransport | None = None) -> Connect:
    """Connect over a `Wire` of the run's own.

    Args:
        load: returns the profile when the run is connected.
        transport: replaces the network.
    """

    @contextmanager
    def connect(clock: Clock, on_intent: OnIntent, on_exchange: OnExchange) -> Iterator[Connection]:
        with ExitStack() as stack:
            profile = load()
            opened = profile if transport else stack.enter_context(open_profile(profile))
            wire = stack.enter_context(
                Wire(opened, clock=clock, on_intent=on_intent, on_exchange=on_exchange, transport=transport)
            )
            yield Connection(opened, VergeApi(wire), lambda: wire.secrets)

    return connect
