"""Connect, Get the status key, Verify: find out which system and which row. Nothing is changed here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vergeos_nb.clock import iso
from vergeos_nb.errors import Refused
from vergeos_nb.procedure.engine.case import Case, SystemCase
from vergeos_nb.procedure.engine.engine import Draft, ended_by
from vergeos_nb.procedure.engine.system_identity import id_of, name_of
from vergeos_nb.procedure.evidence.healthy import MEANS_IT, row_of_a_working_vm
from vergeos_nb.procedure.evidence.sample import Sample
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_tables import CHECKS, FACTS, IDENTITY
from vergeos_nb.procedure.values.table import Scalar, Table
from vergeos_nb.vergeos.measured import Measurements
from vergeos_nb.vergeos.rows import MOVING, OF_NODES, MachineStatus, SystemInfo, Vm

MAX_SKEW_S = 60.0
ONLY_READS = (
    "This user's own permissions are for reading only. Unless a group allows more, every change will be "
    "answered 403. Ask an administrator for the modify permission. A step that was refused can be run again."
)

EDITED = "Cores or RAM of the running machine differ from the VM's record: edited since it was started?"


def connect(case: SystemCase) -> Draft:
    """Find out which system answers, whether the profile claims its kind, and what the user may do there."""
    info = case.platform.system()
    case.info = info
    seen: dict[str, Any] = {
        "simulated": info.simulated,
        "cloud_name": info.cloud_name,
        "system_id": id_of(info),
        "version": info.version,
    }
    if case.target.kind == "simulator" and not info.simulated:
        return ended_by(
            Refused(
                f"connecting to the profile {case.target.profile!r}",
                "something answered that is not the simulator",
                "choose the profile of the system you mean, or start `vergeos-nb simulator`",
            ),
            _answering(case, info),
            **seen,
        )
    measured = case.measured.find(name_of(case.target, info)) if case.measured else Measurements()
    case.knowledge = measured.knowledge(info)
    rights = case.platform.own_rights()
    summary = f"Connected to {case.system_label()}, VergeOS {info.version}, as {case.target.who}."
    warnings = list(case.target.warnings)
    if not case.target.verified:
        warnings.append("The server's certificate is NOT verified: know that this is the system you mean.")
    if rights.may_change is False:
        warnings.append(ONLY_READS)
    skew = info.clock_skew_s
    if skew is not None and abs(skew) > MAX_SKEW_S:
        warnings.append(f"The clocks differ by {skew:+.0f} s: mind that when reading times in the record.")
    if measured.damaged:
        warnings.append(f"The measurements of this platform are ignored: {measured.damaged}.")
    facts = _answering(
        case,
        info,
        ("may change something", rights.words),
        ("platform", measured.words(info, case.clock.now())),
    )
    seen["may_change"] = rights.may_change
    seen["measured"] = {
        name: {"is": one.value, "at": one.at, "record": one.record}
        for name, one in measured.counting(info).items()
    }
    return Draft(StepOutcome.PASSED, summary, " ".join(warnings), (facts,), seen)


def _answering(case: SystemCase, info: SystemInfo, *more: tuple[str, str]) -> Table:
    skew = info.clock_skew_s
    return FACTS.table(
        ("system", "SIMULATED" if info.simulated else "REAL"),
        ("profile", case.target.profile),
        ("host", case.target.host),
        ("cloud", info.cloud_name),
        ("system id", id_of(info) or "not told"),
        ("VergeOS", info.version),
        ("OS", info.os_version),
        ("user", case.target.who),
        *more,
        ("TLS", case.target.tls),
        ("server clock", iso(info.server_time) if info.server_time is not None else "not told"),
        ("server clock minus ours", f"{skew:+.1f} s" if skew is not None else "not known"),
    )


def get_status_key(case: Case) -> Draft:
    """Get the key of the VM's status row from the machine's row, and independently from the status rows."""
    machine = case.machine()
    key = case.platform.status_key(machine)
    rows = case.platform.statuses_of(machine)
    keys = ", ".join(str(row.key) for row in rows) or "none"
    agrees = len(rows) == 1 and rows[0].key == key and rows[0].machine == machine
    checks = CHECKS.table(
        (f"machines/{machine} names one status row", "one key", str(key), True),
        (f"status rows that name machine {machine}", str(key), keys, agrees),
    )
    facts = {"status_key": key.value}
    if not agrees:
        return ended_by(
            Refused(
                f"finding the status row of machine {machine}",
                f"its row names status row {key}, but the status rows that name this machine are: {keys}",
                "do not force anything; the platform's own tables contradict each other: call the vendor",
            ),
            checks,
            **facts,
        )
    case.status_key = key
    summary = f"The status row of machine {machine} is {key}: a third number. Both ways of asking agree."
    return Draft(StepOutcome.PASSED, summary, "", (checks,), facts)


def verify(case: Case, *, any_state: bool = False) -> Draft:
    """Compare the VM's record, its status row and the expected values side by side.

    Args:
        any_state: accept a VM that the platform is moving or starting. For runs that only read.
    """
    vm, key = case.known_vm(), case.known_status_key()
    row = case.platform.machine_status(key)
    nodes = case.platform.nodes_for(vm.machine, row.node)
    case.node = next((node for node in nodes if node.key == row.node), None)
    case.node_of_machine = next((node for node in nodes if node.machine == vm.machine), None)
    case.first = _first_sample(case, row)
    table = _side_by_side(case, vm, row)
    facts = {"before": dict(row.row)}
    if (refused := _not_this_row(case, vm, row, any_state)) is not None:
        return ended_by(refused, table, **facts)
    hints = []
    if vm.cpu_cores != row.running_cores or vm.ram != row.running_ram:
        hints.append(EDITED)
    if not any_state and row_of_a_working_vm(row):
        hints.append(f"The row says running and online, as of a VM that works. {MEANS_IT}")
    return Draft(
        StepOutcome.PASSED,
        f"Status row {key} is of machine {row.machine} and says {row.status}, running {text(row.running)}.",
        " ".join(hints),
        (table,),
        facts,
    )


def _first_sample(case: Case, row: MachineStatus) -> Sample:
    """Take the first sample, and compare it with the status row that was read by its own key.

    The rows that come together with the VM's are used only if the status row among them is the same.
    Otherwise this run reads each row by its own call.
    """
    sample = case.sample()
    if (older := _older_than(sample.status, row)) and not case.one_by_one:
        case.rows_differ = True
        case.note(f"{older}: from now on each row is read by a call of its own")
        return case.sample()
    return sample


def _older_than(together: MachineStatus, row: MachineStatus) -> str:
    """Why the status row that came together with the VM's is not the row itself, or "".

    Args:
        row: the row itself, read earlier by its own key.
    """
    times = (("written", row.last_update, together.last_update), ("started", row.started, together.started))
    for what, before, after in times:
        if before is not None and (after is None or after < before):
            return f"the status row that comes with the VM's row is older ({what} {after}, not {before})"
    same = replace(together, row={}, unread=()) == replace(row, row={}, unread=())
    if row.last_update is not None and together.last_update == row.last_update and not same:
        return "the status row that comes with the VM's row differs from the row itself"
    return ""


def _not_this_row(case: Case, vm: Vm, row: MachineStatus, any_state: bool) -> Refused | None:
    """A refusal if the row is not this VM's, not the expected one, or if the VM is moving; otherwise None."""
    asked = f"verifying status row {case.known_status_key()} of VM {vm.name!r}"
    if row.machine != vm.machine:
        return Refused(
            asked,
            f"the row is of machine {row.machine}, and the VM's machine is {vm.machine}",
            "stop here; forcing this row would hit another machine",
        )
    for what, said, found in (
        ("cores", case.options.expect_cores, vm.cpu_cores),
        ("RAM in MB", case.options.expect_ram_mb, vm.ram),
    ):
        if said and said != found:
            came = f"you expect {said} {what}, the VM has {found}"
            return Refused(asked, came, "make sure that this is the VM you mean")
    if row.status in OF_NODES:
        came = f"status {row.status!r} is one of a node, not of a VM"
        return Refused(asked, came, "this row is not your VM's")
    if not any_state and (row.status in MOVING or row.migration_destination is not None):
        to = f", migration destination node {row.migration_destination}" if row.migration_destination else ""
        moving = f"status {row.status!r}{to}"
        return Refused(
            asked,
            f"the platform is moving or starting this VM just now ({moving}); two nodes may hold it",
            "wait until it has ended; the platform itself cuts stuck migrations off after 30 minutes",
        )
    return None


def text(value: Scalar) -> str:
    """A JSON scalar as text for people; null is empty."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _side_by_side(case: Case, vm: Vm, row: MachineStatus) -> Table:
    options = case.options

    def agree(*values: Scalar) -> bool | None:
        known = {value for value in values if value is not None}
        return None if len(known) < 2 and sum(v is not None for v in values) < 2 else len(known) == 1

    compared: tuple[tuple[str, Scalar, Scalar, Scalar], ...] = (
        ("cores", vm.cpu_cores, row.running_cores, options.expect_cores or None),
        ("RAM in MB", vm.ram, row.running_ram, options.expect_ram_mb or None),
        ("machine", vm.machine.value, row.machine.value, None),
    )
    return IDENTITY.table(
        *((what, *(text(value) for value in values), agree(*values)) for what, *values in compared),
        ("status", "", row.status, "", None),
        ("running", "", text(row.running), "", None),
        ("state", "", row.state, "", None),
        ("node", "", text(row.node), "", None),
    )
