"""The simulator: a simulated system with its doors and the control prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vergeos_nb.simulator.api.messages import Request, Response
from vergeos_nb.simulator.doors import control
from vergeos_nb.simulator.simulation import Simulation

if TYPE_CHECKING:
    import httpx

    # Its module loads tornado and trustme, which only an open door needs.
    from vergeos_nb.simulator.doors.socket_door import Door


class Simulator(Simulation):
    """A simulated VergeOS system, its doors and its control prefix."""

    def _answer(self, request: Request, now: float) -> Response:
        if request.path.startswith(control.PREFIX):
            return control.answer(self, request)
        return super()._answer(request, now)

    def transport(self) -> httpx.MockTransport:
        """Return the in-process door: a transport for an httpx client."""
        # A simulator that is only served needs no httpx.
        from vergeos_nb.simulator.doors.inprocess_door import transport

        return transport(self)

    def serve(self, port: int = 0, host: str = "127.0.0.1", *, allow_remote: bool = False) -> Door:
        """Return the TLS door as a context manager; port 0 takes a free one.

        Raises:
            ValueError: For an address that is not loopback, without `allow_remote`.
        """
        # A simulator that is used in process needs no tornado and no trustme.
        from vergeos_nb.simulator.doors.socket_door import Door

        return Door(self, port=port, host=host, allow_remote=allow_remote)
