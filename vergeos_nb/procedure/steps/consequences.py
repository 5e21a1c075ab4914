"""What follows for others if this VM is forced off: said on the plan, beside what is sent. Reads only.

It is no part of the plan's digest: nothing of it changes what is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.errors import ApiError, PermissionDenied
from vergeos_nb.procedure.engine.case import Case

# `machine_type` of a NAS service VM (recorded answers of 26.0.2, Ansible collection 2.2.0).
NAS_SERVICE = "yottabyte"


def consequences(case: Case) -> tuple[str, ...]:
    """One sentence each for the shares, the shared disks and the HA group that go with this VM.

    One more call, only if a disk of the VM names a file.
    """
    said = (_shares(case), *_disks(case), _group(case))
    return tuple(one for one in said if one)


def _shares(case: Case) -> str:
    if case.known_vm().machine_type != NAS_SERVICE:
        return ""
    return "It is a NAS service: its shares go down with it, for everything that mounts them."


def _group(case: Case) -> str:
    group = case.known_vm().ha_group.strip()
    if not group:
        return ""
    if group.startswith("+"):
        # A leading + keeps the group's VMs on one node, otherwise apart (vendor's documents).
        return f"Its HA group {group!r} keeps its VMs together on one node: look at the others there, too."
    return f"Its HA group {group!r} keeps its VMs apart: no node that runs another of them starts it."


def _disks(case: Case) -> Sequence[str]:
    """Disks that other VMs use, too. Drives can be shared since 26.2 (release notes)."""
    vm = case.known_vm()
    counters = case.samples[-1].counters if case.samples else ()
    own = {one.file: one.name for one in counters if one.file is not None}
    if not own:
        return ()
    try:
        drives = case.platform.drives_on(sorted(own))
    except (ApiError, PermissionDenied) as error:
        case.note(f"whether other VMs use its disks could not be looked at: {error.came_back}")
        return ()
    others: dict[int, set[str]] = {}
    for drive in drives:
        # A snapshot of this VM has its drives and its name.
        if drive.machine != vm.machine and drive.machine_name != vm.name and drive.file in own:
            others.setdefault(drive.file, set()).add(drive.machine_name or f"machine {drive.machine}")
    return [
        f"Its disk {own[file]!r} is shared with {', '.join(sorted(names))}: what {vm.name} has not written "
        "is lost for them, too, and a cluster can lose its quorum."
        for file, names in sorted(others.items())
    ]
