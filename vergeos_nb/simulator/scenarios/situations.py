"""The situation at a scenario's beginning: functions that change the base fleet around one VM.

Each takes the world and the vms row of the subject. The API's statement and the truth differ on purpose: the
scenarios are about this difference.
"""

from __future__ import annotations

from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.tables import base
from vergeos_nb.simulator.world import life
from vergeos_nb.simulator.world.world import Row, World

ODD_NAMES = (
    "O'Brien {x} 50% \\ <b>",
    "O'Brien  50% \\ <b>",
    "it's",
    "back\\slash",
    "tmpl-{x}",
    "tmpl-",
    "100%",
    "<script>alert(1)</script>",
    "bücher-łódź-数据-🙂",
    "n" * 128,
    "trailing ",
    "trailing",
    "Web-01",
    "WEB-01",
    "a\"b`c&d;e,f#g?h=i+j",
    "null",
    "007",
)  # fmt: skip
"""The names of `odd_names`. The second is what the first becomes when its `{x}` is taken for a macro."""

STALE_SECONDS = 900
"""How long before the simulator's start a stuck status row was last refreshed."""


def healthy(world: World, vm: Row) -> None:
    """Leave everything as it is."""


def stuck(world: World, vm: Row) -> None:
    """The process is gone, the row does not know, poweroff and kill do nothing."""
    machine = vm["machine"]
    vitals = world.vitals[machine]
    vitals.behave(acpi=None, kill=None, migrate=None, hibernate=None, unresponsive=None, ha_restart=None)
    vitals.heartbeat = False
    vitals.active = float(base.STARTED % 100_000)
    vitals.copies = []
    stale = int(world.now) - STALE_SECONDS
    world.set_status(machine, **life.UNRESPONSIVE, last_update=stale)


def zombie(world: World, vm: Row) -> None:
    """The process lives and cannot be ended; its agent corrects a row that says otherwise."""
    machine = vm["machine"]
    vitals = world.vitals[machine]
    vitals.behave(acpi=None, kill=None, migrate=None, hibernate=None)
    vitals.heartbeat = False
    world.set_status(machine, **life.UNRESPONSIVE, last_update=int(world.now) - STALE_SECONDS)


def slow(world: World, vm: Row) -> None:
    """Stuck, and a PUT shows only after three seconds."""
    stuck(world, vm)
    world.vitals[vm["machine"]].behave(override_lag=3.0)


def twins(world: World, vm: Row) -> None:
    """A second VM of the same name, alive and well."""
    stuck(world, vm)
    many_vms.add_vm(world, vm["name"], cores=4, ram=8192, node=2)


def gone(world: World, vm: Row) -> None:
    """The machine row has vanished since the VM was listed."""
    stuck(world, vm)
    world.remove("machines", vm["machine"])


def wrong_row(world: World, vm: Row) -> None:
    """The machine points to the status row of web-02."""
    stuck(world, vm)
    other = world.tables["vms"][many_vms.key_of(1, "vms")]
    status = world.status_row(other["machine"]) or {}
    world.update("machines", vm["machine"], status=status["$key"])


def snapshot_only(world: World, vm: Row) -> None:
    """The name belongs to a snapshot's row and to no VM."""
    world.update("vms", vm["$key"], is_snapshot=True)
    life.end_process(world, vm["machine"])


def odd_names(world: World, vm: Row) -> None:
    """Names that bend filters, shells, markup and eyes; the first of them is stuck."""
    for position, name in enumerate(ODD_NAMES):
        made = many_vms.add_vm(world, name, cores=4, ram=8192, node=1 + position % 3)
        if position == 0:
            stuck(world, made)


def deaf(world: World, vm: Row) -> None:
    """The guest ignores ACPI; everything else is well."""
    world.vitals[vm["machine"]].behave(acpi=None)


def kill_stuck(world: World, vm: Row) -> None:
    """A shutdown hangs. kill ends the process, but the row still says `stopping`."""
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, row_follows=False, unresponsive=None)
    world.set_status(machine, status="stopping", state="warning")


def node_dead(world: World, vm: Row) -> None:
    """The VM's node has lost its power, and the process with it. No node can report that."""
    _lose_node(world, vm, power=True)


def node_unreachable(world: World, vm: Row) -> None:
    """The VM's node is cut off; the process lives on there, unseen."""
    _lose_node(world, vm, power=False)


def _lose_node(world: World, vm: Row, *, power: bool) -> None:
    node = (world.status_row(vm["machine"]) or {})["node"]
    affected = [machine for machine, vitals in world.vitals.items() if node in vitals.copies]
    for machine in affected:
        world.vitals[machine].behave(unresponsive=None)
    life.take_node_down(world, node, power=power, ago=STALE_SECONDS)
    for machine in affected:
        if world.vm_of_machine(machine) is not None:
            world.set_status(machine, **life.UNRESPONSIVE, last_update=int(world.now) - STALE_SECONDS)


def node_maintenance(world: World, vm: Row) -> None:
    """Stuck, on a node that is in maintenance and waits for it."""
    stuck(world, vm)
    node = (world.status_row(vm["machine"]) or {})["node"]
    world.update("nodes", node, maintenance=True)
    world.set_status(world.tables["nodes"][node]["machine"], status="maintenance", state="warning")


def migrating(world: World, vm: Row) -> None:
    """A live migration from node1 to node2 that does not end; the process lives."""
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, kill=None)
    world.set_status(machine, status="migrating", migration_destination=2)


def hibernating(world: World, vm: Row) -> None:
    """A hibernation that does not end; the process lives."""
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, kill=None, hibernate=None)
    world.set_status(machine, status="hibernating")


def stale_cores(world: World, vm: Row) -> None:
    """Stopped; the row keeps cores and RAM of a run before the VM was changed."""
    machine = vm["machine"]
    life.end_process(world, machine)
    world.set_status(machine, running_cores=8, running_ram=16384)


def edited(world: World, vm: Row) -> None:
    """Stuck, and the VM was given other cores and RAM since it was started."""
    stuck(world, vm)
    world.update("vms", vm["$key"], cpu_cores=8, ram=16384, need_restart=True)


def status_missing(world: World, vm: Row) -> None:
    """The machine points to a status row that does not exist."""
    stuck(world, vm)
    row = world.status_row(vm["machine"])
    world.remove("machine_status", row["$key"] if row else 0)
