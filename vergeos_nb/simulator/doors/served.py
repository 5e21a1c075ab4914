"""The part of the simulator that the doors, the control prefix and a recording use."""

from __future__ import annotations

from typing import Any, Protocol

from vergeos_nb.simulator.api.core import Core
from vergeos_nb.simulator.api.logins import Accounts
from vergeos_nb.simulator.api.messages import Request, RequestLogEntry, Response
from vergeos_nb.simulator.faults.rules import Faults
from vergeos_nb.simulator.faults.switches import Switches
from vergeos_nb.simulator.scenarios.scenario import Scenario
from vergeos_nb.simulator.tables.system_rows import System
from vergeos_nb.simulator.world.world_clock import Clock


class Served(Protocol):
    """A simulator, as whatever lets requests in sees it."""

    core: Core
    accounts: Accounts
    world: System
    clock: Clock
    scenario: Scenario
    switches: Switches
    faults: Faults
    control_token: str
    username: str
    password: str
    vms: int
    seed: int

    @property
    def vm_name(self) -> str:
        """The name of the VM that the scenario is about."""

    @property
    def api_key(self) -> str:
        """The key that opens the API."""

    @property
    def requests(self) -> list[RequestLogEntry]:
        """Everything that reached the imitated API."""

    def handle(self, request: Request) -> Response:
        """Answer a request."""

    def set_role(self, role: str) -> None:
        """Let the user change everything, or only read."""

    def reset(self, scenario: str | None = None) -> None:
        """Restart the scenario."""

    def load(self, state: dict[str, Any]) -> None:
        """Take a dumped state."""

    def extra_rules(self) -> list[dict[str, object]]:
        """The rules that it was made with, as data."""

    def live_secrets(self) -> list[str]:
        """The tokens that are valid now, besides password and key."""
