"""Scenarios about the node that the VM runs on."""

from __future__ import annotations

from vergeos_nb.simulator.scenarios.process_scenarios import STALE_SECONDS, stuck
from vergeos_nb.simulator.scenarios.scenario import Scenarios
from vergeos_nb.simulator.world import life
from vergeos_nb.simulator.world.world import Row, World

DECLARED = Scenarios()

DARK = "04:33. node1 went dark. web-01 was on it and still shows as running."
"""A dead node and one that is cut off cannot be told apart, so their drills begin alike."""


@DECLARED.declare(
    story=DARK,
    seen="The statistics were old. Old statistics are no evidence that the process is gone: unknown, until "
    "a person has looked at the node itself and says so.",
)
def node_dead(world: World, vm: Row) -> None:
    """The VM's node has lost its power and the process with it. Its statistics are old: nothing on the API
    proves the death. An overridden row stays.
    """
    _lose_node(world, vm, power=True)


@DECLARED.declare(
    story=DARK,
    seen="It looked exactly like a dead node, and the process lived on behind a cut cable. An engineer who "
    "called it off and powered it on elsewhere has two copies on one disk now.",
)
def node_unreachable(world: World, vm: Row) -> None:
    """The VM's node is cut off and the process lives on there. Looks exactly like node_dead. An overridden
    row stays, and a poweron then starts a second copy.
    """
    _lose_node(world, vm, power=False)


@DECLARED.declare(
    switches={"relay_to_a_dead_node": "refused"},
    story="04:36. web-01 hangs. Power Off answers with an error at once.",
    seen="The error came from the way to the node, so it said that the method had failed, and nothing more. "
    "The run watched, tried the next one, and the last step was right.",
)
def relay_refused(world: World, vm: Row) -> None:
    """Stuck, and its node takes no power actions: poweroff and kill answer 422 `Error sending action to
    node`.
    """
    stuck(world, vm)
    world.vitals[vm["machine"]].behave(takes_actions=False)


@DECLARED.declare(
    switches={"relay_to_a_dead_node": "hangs"},
    story="04:38. web-01 hangs. The one who sent Power Off is still waiting for an answer.",
    seen="No answer is no refusal: the action may have been carried out. The run sent nothing twice, and "
    "looked.",
)
def relay_hangs(world: World, vm: Row) -> None:
    """Stuck, and its node takes no power actions: poweroff and kill wait for longer than a client does."""
    relay_refused(world, vm)


@DECLARED.declare(
    story="04:48. node1 is being emptied for service, and web-01 does not leave it.",
    seen="The migration had no destination any more and gave no error. The VM lived. The run refused, "
    "because nobody knows which node may hold it.",
)
def migration_stalled(world: World, vm: Row) -> None:
    """A migration without a destination that does not end, on a node in maintenance; the process lives.
    Recorded on real systems (Ansible collection 2.2.0, roles/node_drain).
    """
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, kill=None)
    node = (world.status_row(machine) or {})["node"]
    world.update("nodes", node, maintenance=True)
    world.set_status(machine, status="migrating", migration_destination=None)


@DECLARED.declare(
    story="04:41. web-01 hangs on a node that is being serviced.",
    seen="The node was in maintenance: its VMs may be moved at any moment. The evidence says whether this "
    "one still ran.",
)
def maintenance(world: World, vm: Row) -> None:
    """Stuck, on a node that is in maintenance."""
    stuck(world, vm)
    node = (world.status_row(vm["machine"]) or {})["node"]
    world.update("nodes", node, maintenance=True)
    world.set_status(world.tables["nodes"][node]["machine"], status="maintenance", state="warning")


def _lose_node(world: World, vm: Row, *, power: bool) -> None:
    node = (world.status_row(vm["machine"]) or {})["node"]
    affected = [machine for machine, vitals in world.vitals.items() if node in vitals.copies]
    for machine in affected:
        world.vitals[machine].behave(unresponsive=None)
    life.take_node_down(world, node, power=power, ago=STALE_SECONDS)
    for machine in affected:
        if world.vm_of_machine(machine) is not None:
            world.set_status(machine, **life.UNRESPONSIVE, last_update=int(world.now) - STALE_SECONDS)
