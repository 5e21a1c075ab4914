"""Scenarios about names, keys and rows: which VM is meant, and what its rows say."""

from __future__ import annotations

from vergeos_nb.simulator.scenarios import many_vms
from vergeos_nb.simulator.scenarios.process_scenarios import stuck
from vergeos_nb.simulator.scenarios.scenario import Scenarios
from vergeos_nb.simulator.world import hardware, life
from vergeos_nb.simulator.world.hardware import GIGABYTE
from vergeos_nb.simulator.world.world import Row, World

DECLARED = Scenarios()

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


@DECLARED.declare(
    story="03:31. web-01 hangs. The customer says that there is only one of that name.",
    seen="There were two. A tool that takes the first match stops somebody else's VM. The key says which "
    "one is meant: node, status and last write tell the two apart, and vm_key names it.",
)
def twins(world: World, vm: Row) -> None:
    """Two VMs of one name, with different keys; one is stuck."""
    stuck(world, vm)
    many_vms.add_vm(world, vm["name"], cores=4, ram=8192, node=2)


@DECLARED.declare(
    story="03:40. web-01 hangs, and a colleague was cleaning up this evening.",
    seen="The VM is listed, but its machine answers 404: it was being deleted. There was nothing to force.",
)
def gone(world: World, vm: Row) -> None:
    """The VM is listed, but its machine row answers 404."""
    stuck(world, vm)
    world.remove("machines", vm["machine"])


@DECLARED.declare(
    story="04:07. web-01 hangs. It was restored from a backup yesterday.",
    seen="The machine's row led to the status row of another VM, and the PUT would have called web-02 "
    "stopped. The cross-check refused.",
)
def wrong_row(world: World, vm: Row) -> None:
    """The machine row points to the status row of web-02."""
    stuck(world, vm)
    other = world.tables["vms"][many_vms.key_of(1, "vms")]
    status = world.status_row(other["machine"]) or {}
    world.update("machines", vm["machine"], status=status["$key"])


@DECLARED.declare(
    story="05:19. web-01 hangs, after a colleague has repaired the database.",
    seen="The machine points to a status row that is not there. The platform's own tables contradict each "
    "other: call the vendor.",
)
def status_missing(world: World, vm: Row) -> None:
    """The machine points to a status row that is gone (404)."""
    stuck(world, vm)
    row = world.status_row(vm["machine"])
    world.remove("machine_status", row["$key"] if row else 0)


@DECLARED.declare(
    story="04:11. web-01 hangs, says the ticket. You have not heard of that VM.",
    seen="Only a snapshot has that name. A snapshot does not run. Ask which VM is meant.",
)
def snapshot_only(world: World, vm: Row) -> None:
    """The name exists only as the row of a snapshot."""
    world.update("vms", vm["$key"], is_snapshot=True)
    life.end_process(world, vm["machine"])


@DECLARED.declare(
    subject=ODD_NAMES[0],
    story="04:15. A VM with a most unusual name hangs. Mind how you type it.",
    seen="Quotes, braces and backslashes went through a filter unharmed. A name can mislead; a key cannot.",
)
def odd_names(world: World, vm: Row) -> None:
    """VM names with quotes, backslashes, braces, percent signs, markup, unicode, 128 characters, trailing
    blanks and case variants; the subject's is the worst and it is stuck.
    """
    for position, name in enumerate(ODD_NAMES):
        made = many_vms.add_vm(world, name, cores=4, ram=8192, node=1 + position % 3)
        if position == 0:
            stuck(world, made)


@DECLARED.declare(
    equal_keys=True,
    story="05:10. web-01 hangs. It is the first VM of a fresh system.",
    seen="Here all keys are equal, as in the vendor's examples. They are still three keys, and only this "
    "system forgives a mistake.",
)
def equal_keys(world: World, vm: Row) -> None:
    """Stuck; VM, machine, status and stats keys are equal, as in the vendor's examples."""
    stuck(world, vm)


@DECLARED.declare(
    story="05:01. web-01 is said to hang. The UI was slow to load.",
    seen="It was stopped already. Its row keeps the cores and RAM of its last run, so they do not show "
    "whether it runs.",
)
def stale_cores(world: World, vm: Row) -> None:
    """Stopped; the row keeps cores and RAM of its last run, which are not the VM's."""
    machine = vm["machine"]
    life.end_process(world, machine)
    world.set_status(machine, running_cores=8, running_ram=16384)


@DECLARED.declare(
    story="05:06. web-01 hangs. It got more RAM yesterday.",
    seen="Cores and RAM in the VM's record were edited since it started, so they differ from the running "
    "ones. The machine number did not.",
)
def edited(world: World, vm: Row) -> None:
    """Stuck, and the VM's cores and RAM were changed since it started."""
    stuck(world, vm)
    world.update("vms", vm["$key"], cpu_cores=8, ram=16384, need_restart=True)


@DECLARED.declare(
    story="05:12. web-01 hangs. It is half of a Windows cluster; web-02 is the other half.",
    seen="One drive belongs to both VMs, and both may write to it. That is no accident. But the cluster may "
    "lose its quorum with web-01, and what web-01 had not written is lost for web-02, too.",
)
def shared_disk(world: World, vm: Row) -> None:
    """Stuck, and web-02 uses one of its drives, too: both name one file, and `advanced` lets both write
    (drives are shared since 26.2, release notes; how the rows show it is assumed).
    """
    stuck(world, vm)
    file = world.insert("files", {"name": "quorum.raw", "type": "raw", "allocated_bytes": GIGABYTE})["$key"]
    other = world.tables["vms"][many_vms.key_of(1, "vms")]
    for sharer in (vm, other):
        hardware.add_part(
            world, "machine_drives", machine=sharer["machine"], name="quorum", disksize=GIGABYTE,
            media_source=file, advanced="share-rw=on",
        )  # fmt: skip


@DECLARED.declare(
    story="05:14. web-01 hangs, and so do the shares that it serves.",
    seen="Its machine type is yottabyte: it is a NAS service. Its shares go down with it.",
)
def nas_service(world: World, vm: Row) -> None:
    """Stuck, and the VM is a NAS service: `machine_type` is `yottabyte` (Ansible collection 2.2.0)."""
    stuck(world, vm)
    world.update("vms", vm["$key"], machine_type="yottabyte")
