"""Changes to the platform that a test or an engineer makes without the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.tables import totals
from vergeos_nb.simulator.world import counters, history, life
from vergeos_nb.simulator.world.vitals import Vitals
from vergeos_nb.simulator.world.world import Row, World

# Imported because these three register columns and tables that are computed when they are read.
__all__ = ["System", "Vm", "counters", "history", "totals"]


@dataclass(frozen=True)
class Vm:
    """A VM's four keys and its name, for looking things up."""

    name: str
    key: int
    machine: int
    status: int
    stats: int


class System(World):
    """A world whose state a test or an engineer can change without the API.

    Methods that take a VM accept its name (which must belong to exactly one VM that is no snapshot) or
    its VM key.
    """

    handlers = life.HANDLERS

    def vms(self, name: str) -> list[Vm]:
        """Return every VM with this name, snapshots left out, in key order."""
        with self.lock:
            found = [row for row in self.tables["vms"].values() if row["name"] == name]
            return sorted(
                (self._handle(row) for row in found if not row.get("is_snapshot", False)),
                key=lambda vm: vm.key,
            )

    def vm(self, wanted: str | int) -> Vm:
        """Return one VM.

        Raises:
            KeyError: If the name or key belongs to none, or the name to several.
        """
        with self.lock:
            if isinstance(wanted, int):
                return self._handle(self.tables["vms"][wanted])
            found = self.vms(wanted)
            if len(found) != 1:
                raise KeyError(f"{len(found)} VMs are called {wanted!r}")
            return found[0]

    def _handle(self, row: Row) -> Vm:
        machine = row["machine"]
        status = self.status_row(machine) or {"$key": 0}
        stats = self.rows_behind("machine_stats", "machine", machine) or [{"$key": 0}]
        return Vm(row["name"], row["$key"], machine, status["$key"], stats[0]["$key"])

    def truth(self, vm: str | int) -> Vitals:
        """Return the truth about a VM: where its process lives and how it behaves."""
        return self.vitals[self.vm(vm).machine]

    def add_vm(self, name: str, **columns: Any) -> Vm:
        """Add a running VM; keywords are those of `fleet.add_vm` (cores, ram, node, running, ...)."""
        with self.settled():
            return self._handle(many_vms.add_vm(self, name, **columns))

    def remove_row(self, table: str, key: int | str) -> None:
        """Remove a row without the API."""
        with self.settled():
            self.remove(table, key)

    def status_of(self, vm: str | int) -> Row:
        """Return a VM's own machine_status row as it reads now, even if its machine points to another."""
        return self.row("machine_status", self.vm(vm).status)

    def set_status_of(self, vm: str | int, **fields: Any) -> None:
        """Set columns of a VM's machine_status row without the API. No process is touched."""
        self.set_row("machine_status", self.vm(vm).status, **fields)

    def behave(self, vm: str | int, **changes: Any) -> None:
        """Change how a VM behaves from now on (fields of `Behaviour`: acpi, kill, rewrite, ...)."""
        with self.settled():
            self.truth(vm).behave(**changes)

    def kill_process(self, vm: str | int) -> None:
        """End the process now. The status row stays unchanged."""
        with self.settled():
            life.crash(self, self.vm(vm).machine)

    def revive_process(self, vm: str | int, node: int | None = None) -> None:
        """Let a process live (again), with a heartbeat and a status row that says so."""
        with self.settled():
            found = self.vm(vm)
            self.next_action(found.machine)
            self.vitals[found.machine].stop(self.now)
            chosen = node or life.pick_node(self, found.machine) or 1
            life.start_process(self, found.machine, chosen)

    def move(self, vm: str | int, node: int) -> None:
        """Let the process and the status row be on another node at once, as after a migration."""
        with self.settled():
            found = self.vm(vm)
            self.next_action(found.machine)
            if self.vitals[found.machine].alive:
                self.vitals[found.machine].copies = [node]
            self.set_status(found.machine, node=node)

    def take_node_down(self, node: int, *, power: bool = True) -> None:
        """Lose a node. With `power` its processes die; otherwise the node is cut off and they live on."""
        with self.settled():
            life.take_node_down(self, node, power=power)
