"""Scenarios about the VM's process: whether it lives, and what ends it.

The status row and the truth differ on purpose. The scenarios are about this difference.
"""

from __future__ import annotations

from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.scenarios.scenario import Scenarios
from vergeos_nb.simulator.tables import base
from vergeos_nb.simulator.world import life
from vergeos_nb.simulator.world.world import Row, World

DECLARED = Scenarios()

STALE_SECONDS = 900
"""How long before the simulator's start a stuck status row was last refreshed."""


@DECLARED.declare(
    story="03:04. A colleague thinks that web-01 hangs. Nobody has tried anything yet. Look before you act.",
    seen="Nothing hangs: the row is fresh, CPU and counters move. If the VM had to be stopped at all, "
    "Power Off did it, and the harder methods had nothing to do.",
)
def healthy(world: World, vm: Row) -> None:
    """Everything works: poweroff takes 4 s, kill a second."""


@DECLARED.declare(
    story="03:12. web-01 answers no ping. In the UI it is unresponsive, and Power Off does nothing. The "
    "ticket asks you to free it.",
    seen="Fresh statistics at zero and counters that stand still: the process was gone, and only the "
    "record lagged. That is the one case for which the vendor's last step is meant. The three numbers "
    "41, 44 and 46 are three different keys.",
)
def stuck(world: World, vm: Row) -> None:
    """The process is gone, its statistics are fresh and zero, but the status row still says that it runs.
    poweroff and kill are accepted and change nothing. The row can be overridden and stays.
    """
    machine = vm["machine"]
    vitals = world.vitals[machine]
    vitals.behave(acpi=None, kill=None, migrate=None, hibernate=None, unresponsive=None, ha_restart=None)
    vitals.heartbeat = False
    vitals.active = float(base.STARTED % 100_000)
    vitals.copies = []
    vitals.ended_at, vitals.ended_seen = world.now - STALE_SECONDS, False
    world.set_status(machine, **life.UNRESPONSIVE, last_update=int(world.now) - STALE_SECONDS)


@DECLARED.declare(
    switches={"statistics_of_the_dead": "stale"},
    story="03:14. web-01 answers no ping, and Power Off does nothing. Its graphs ended a quarter of an hour "
    "ago.",
    seen="The statistics were old. Nobody outside the vendor knows whether the statistics of a dead process "
    "go on. Old ones prove nothing: unknown, until a person has looked at the node and says so.",
)
def stuck_stale(world: World, vm: Row) -> None:
    """Stuck, and the statistics ended with the process. Nothing on the API proves the death: the override
    needs the word of a person who looked at the node. As likely as `stuck`; no source says which one is real.
    """
    stuck(world, vm)


@DECLARED.declare(
    switches={"heartbeat_of_the_dead": "goes_on"},
    story="03:16. web-01 answers no ping. The record in the UI is fresh and says unresponsive.",
    seen="The status row was written on and on, and that looked like life. CPU, RAM and counters showed "
    "none. The run does not force what looks alive.",
)
def heartbeat_of_the_dead(world: World, vm: Row) -> None:
    """Stuck, and a controller goes on to write the status row of the dead machine, so that it looks alive."""
    stuck(world, vm)


@DECLARED.declare(
    story="03:20. web-01 does not answer. Power Off and Kill Power were accepted, and it still shows as "
    "running.",
    seen="The counters moved: the process lives, whatever the commands answered. The override was refused, "
    "with any approval. End the process at its node; do not power the VM on anywhere.",
)
def zombie(world: World, vm: Row) -> None:
    """The process lives and its counters move; poweroff and kill are accepted without effect. An overridden
    status row flips back to running after 2 s.
    """
    machine = vm["machine"]
    vitals = world.vitals[machine]
    vitals.behave(acpi=None, kill=None, migrate=None, hibernate=None)
    vitals.heartbeat = False
    world.set_status(machine, **life.UNRESPONSIVE, last_update=int(world.now) - STALE_SECONDS)


@DECLARED.declare(
    story="03:44. web-01 hangs. The system feels sluggish tonight.",
    seen="The row followed only seconds after the PUT. One reading would have said that it failed; "
    "watching says when it settled.",
)
def slow(world: World, vm: Row) -> None:
    """Stuck, and the status row follows a PUT only after 3 s."""
    stuck(world, vm)
    world.vitals[vm["machine"]].behave(override_lag=3.0)


@DECLARED.declare(
    story="04:20. web-01 ignores Power Off. Its guest has no ACPI driver.",
    seen="It lived, so the override was closed. Kill Power ended it, and the last step had nothing to do.",
)
def deaf(world: World, vm: Row) -> None:
    """The guest ignores ACPI, so poweroff does nothing; kill works."""
    world.vitals[vm["machine"]].behave(acpi=None)


@DECLARED.declare(
    story="04:26. web-01 has been shutting down for an hour.",
    seen="Kill Power ended the process and the row stayed. Then the evidence was fresh and showed no life, "
    "and the override was right.",
)
def kill_stuck(world: World, vm: Row) -> None:
    """A shutdown hangs in `stopping`. kill is accepted and ends the process, but the row stays as it is and
    needs the PUT.
    """
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, row_follows=False, unresponsive=None)
    world.set_status(machine, status="stopping", state="warning")


@DECLARED.declare(
    story="04:46. web-01 has been migrating since midnight.",
    seen="During a migration two nodes hold the VM. If it is forced off then, both copies may write. The "
    "run refused.",
)
def migrating(world: World, vm: Row) -> None:
    """A live migration that does not end; the process lives."""
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, kill=None)
    world.set_status(machine, status="migrating", migration_destination=2)


@DECLARED.declare(
    story="04:50. web-01 was hibernated and does not come back.",
    seen="It was still writing its memory to disk. The run refused until the platform is done.",
)
def hibernating(world: World, vm: Row) -> None:
    """A hibernation that does not end; the process lives."""
    machine = vm["machine"]
    world.vitals[machine].behave(acpi=None, kill=None, hibernate=None)
    world.set_status(machine, status="hibernating")


@DECLARED.declare(
    triggers=(Rule("ha_restart", "PUT", "/api/v4/machine_status*", nth=(1,)),),
    story="04:55. web-01 hangs. High availability is switched on for it.",
    seen="HA restarted it between the last reading and the PUT. The row flipped back, and Confirm said "
    "alive: an answer 200 does not mean that the VM is off.",
)
def ha_restart(world: World, vm: Row) -> None:
    """Stuck, but HA restarts the VM on another node between the last read and the PUT: the override hits a
    living VM and is rewritten after 2 s.
    """
    stuck(world, vm)
