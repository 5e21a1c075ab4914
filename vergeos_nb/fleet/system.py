"""The system of a fleet: opened once, read for all its VMs, with one budget of requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from vergeos_nb import settings
from vergeos_nb.client.transport.wire import MIN_GAP_S
from vergeos_nb.clock import Clock
from vergeos_nb.connect.simulated import open_profile
from vergeos_nb.fleet.pace import Pace
from vergeos_nb.fleet.selection import FleetVm
from vergeos_nb.fleet.shared_readings import FleetReader, sharing
from vergeos_nb.masking import masked_data
from vergeos_nb.procedure.engine.case import Target
from vergeos_nb.procedure.engine.system_identity import in_plan, lease_names
from vergeos_nb.session.cases import target_of
from vergeos_nb.session.connection import Connect
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import Columns, SystemInfo


@dataclass(frozen=True, slots=True)
class FleetSystem:
    """One open system.

    Attributes:
        told: the system as a plan describes it.
    """

    profile: settings.Profile
    target: Target
    info: SystemInfo
    told: Mapping[str, Any]
    reader: FleetReader
    pace: Pace
    clock: Clock
    transport: Any

    def connect(self, vms: tuple[FleetVm, ...]) -> Connect:
        """Connect the runs of these VMs to it."""
        # A name that no filter accepts would break the shared reading. The VM's own run is refused.
        names = {vm.name: vm.machine for vm in vms if filters.is_name(vm.name)}
        return sharing(self.profile, self.reader, self.pace, names, self.transport)

    def leases_of(self, vm: int) -> Sequence[str]:
        """The names of all leases of the VM with this key."""
        return lease_names(settings.normal_host(self.profile.host), self.info, vm)

    def inventory(self) -> Columns:
        """Every VM with the columns that a selector can use, except verdict and suggestion. Reads only."""
        vms = self.reader.api.fleet_vms()
        nodes = {node.key: node.name for node in self.reader.api.all_nodes()}
        return {**vms, "node": [nodes.get(key, "") for key in vms["node"]]}


@contextmanager
def open_system(profile: settings.Profile, clock: Clock, transport: Any = None) -> Iterator[FleetSystem]:
    """The system behind a profile, while the context lasts.

    Args:
        transport: replaces the network.
    """
    with ExitStack() as stack:
        opened = profile if transport else stack.enter_context(open_profile(profile))
        pace = Pace(clock, MIN_GAP_S if opened.paced else 0.0)
        reader = FleetReader(opened, clock, pace, transport)
        stack.callback(reader.close)
        info = reader.api.system()
        target = target_of(opened)
        # Masked, because a secret in the system's name must not prevent a plan from being kept.
        told = masked_data(in_plan(target, info))
        yield FleetSystem(opened, target, info, told, reader, pace, clock, transport)
