"""Reads for several machines with one call each. Every row must belong to a machine that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vergeos_nb.client import decoded_rows
from vergeos_nb.client.evidence_reads import (
    DRIVE,
    DRIVE_STATS,
    LOG,
    MICROSECONDS,
    NIC,
    STATS,
    STATUS,
    TENANT_NODE,
    VM,
    drive_counters,
    log_line,
    nic_counter,
)
from vergeos_nb.client.transport.answer import NAMED, OF_MANY, Bounds
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.errors import REPORT, WrongShape
from vergeos_nb.vergeos import filters
from vergeos_nb.vergeos.rows import Counter, LogLine, MachineKey, MachineStats, MachineStatus, StatusKey, Vm

MOST_LINES = 1000


class ManyReads:
    """The part of `VergeApi` that reads for several machines at once. Reads only."""

    wire: Wire

    def vms_any_named(self, names: Sequence[str]) -> tuple[Vm, ...]:
        """Every row of ``vms`` that has one of these names, snapshots too. Reads only."""
        asked = f"finding {len(names)} VMs by name"
        wanted = filters.any_of("name", (filters.check_name(name) for name in names))
        return tuple(decoded_rows.vm(row.row, asked) for row in self._many("vms", asked, wanted, VM))

    def status_keys(self, machines: Sequence[int]) -> Mapping[int, StatusKey]:
        """By machine, the key of the status row that it names. Reads only."""
        asked = f"getting the status keys of {len(machines)} machines"
        wanted = filters.any_of("$key", machines)
        found = self._many("machines", asked, wanted, filters.fields("$key", "status"))
        return {row.key("$key"): StatusKey(row.key("status")) for row in found}

    def statuses_of_all(self, machines: Sequence[int]) -> tuple[MachineStatus, ...]:
        """Every status row that names one of these machines. Reads only."""
        asked = f"reading the status rows of {len(machines)} machines"
        found = self._of_all("machine_status", asked, machines, STATUS)
        return tuple(decoded_rows.machine_status(row.row, None, asked) for row in found)

    def stats_of_all(self, machines: Sequence[int]) -> Mapping[int, MachineStats]:
        """The last measurements of each machine. Reads only."""
        asked = f"reading the stats of {len(machines)} machines"
        stats: dict[int, MachineStats] = {}
        for row in self._of_all("machine_stats", asked, machines, STATS):
            machine = row.key("machine")
            if machine in stats:
                raise WrongShape(asked, f"two rows came of machine {machine}", REPORT)
            stats[machine] = decoded_rows.machine_stats(row.row, MachineKey(machine), asked)
        return stats

    def rows_of_all(
        self, machines: Sequence[int], table: str, fields: Sequence[str]
    ) -> Mapping[int, Sequence[decoded_rows.RowFields]]:
        """By machine, its rows of any table that has a column ``machine``, with these fields. Reads only."""
        asked = f"reading {table} of {len(machines)} machines"
        found: dict[int, list[decoded_rows.RowFields]] = {}
        for row in self._of_all(table, asked, machines, filters.fields("machine", *fields)):
            found.setdefault(row.key("machine"), []).append(row)
        return found

    def counters(self, machine: MachineKey) -> tuple[Counter, ...]:
        """The counters of the machine's NICs and then of its drives, each sorted by key. Reads only.

        Three calls, or two if the machine has no drive.
        """
        number = MachineKey.number(machine)
        asked = f"reading the counters of machine {machine}"
        return self._counters([number], asked, NAMED).get(number, ())

    def counters_of_all(self, machines: Sequence[int]) -> Mapping[int, tuple[Counter, ...]]:
        """By machine, what its NICs and then its drives have counted, each by key. Reads only."""
        return self._counters(machines, f"reading the counters of {len(machines)} machines", OF_MANY)

    def _counters(
        self, machines: Sequence[int], asked: str, bounds: Bounds
    ) -> Mapping[int, tuple[Counter, ...]]:
        counted: dict[int, list[Counter]] = {}
        for row in self._of_all("machine_nics", asked, machines, NIC, bounds):
            counted.setdefault(row.key("machine"), []).append(nic_counter(row))
        by_machine: dict[int, dict[int, decoded_rows.RowFields]] = {}
        for row in self._of_all("machine_drives", asked, machines, DRIVE, bounds):
            by_machine.setdefault(row.key("machine"), {})[row.key("$key")] = row
        all_drives = {key for drives in by_machine.values() for key in drives}
        stats: list[decoded_rows.RowFields] = []
        if all_drives:
            parents = filters.any_of("parent_drive", sorted(all_drives))
            stats = self._many("machine_drive_stats", asked, parents, DRIVE_STATS, bounds=bounds)
        for row in stats:
            if row.key("parent_drive") not in all_drives:
                raise row.wrong(f"a row for drive {row.key('parent_drive')} came that was not asked for")
        for machine, drives in by_machine.items():
            own = [row for row in stats if row.key("parent_drive") in drives]
            counted.setdefault(machine, []).extend(drive_counters(list(drives.values()), own))
        order = {"nic": 0, "drive": 1}
        return {
            machine: tuple(sorted(some, key=lambda one: (order[one.kind], one.key)))
            for machine, some in counted.items()
        }

    def logs_of_all(self, machines: Sequence[int], since: float) -> Mapping[int, tuple[LogLine, ...]]:
        """By machine, its log lines from this time on, the newest first. Reads only.

        Raises:
            WrongShape: there are so many that some may be missing.
        """
        asked = f"reading the logs of {len(machines)} machines"
        later = filters.at_least("timestamp", max(0, int(since * MICROSECONDS)))
        wanted = filters.and_(filters.any_of("machine", machines), later)
        found = self._many(
            "machine_logs", asked, wanted, LOG, machines, sort="-timestamp", limit=str(MOST_LINES)
        )
        if len(found) >= MOST_LINES:
            raise WrongShape(asked, f"{MOST_LINES} lines came at once", "run fewer VMs at the same time")
        lines: dict[int, list[LogLine]] = {}
        for row in found:
            lines.setdefault(row.key("machine"), []).append(log_line(row))
        return {m: tuple(sorted(some, key=lambda line: -line.at)) for m, some in lines.items()}

    def tenant_nodes(self, machines: Sequence[int]) -> Mapping[int, tuple[str, ...]]:
        """By machine, the names of the tenants' nodes whose machine it is. Reads only."""
        asked = f"looking whether {len(machines)} machines are tenants' nodes"
        names: dict[int, tuple[str, ...]] = {}
        for row in self._of_all("tenant_nodes", asked, machines, TENANT_NODE):
            machine = row.key("machine")
            names[machine] = (*names.get(machine, ()), row.seen_text("name"))
        return names

    def _of_all(
        self, table: str, asked: str, machines: Sequence[int], fields: str, bounds: Bounds = OF_MANY
    ) -> list[decoded_rows.RowFields]:
        wanted = filters.any_of("machine", machines)
        return self._many(table, asked, wanted, fields, machines, bounds=bounds)

    def _many(
        self,
        table: str,
        asked: str,
        wanted: filters.Filter,
        fields: str,
        machines: Sequence[int] = (),
        *,
        bounds: Bounds = OF_MANY,
        **more: str,
    ) -> list[decoded_rows.RowFields]:
        data = self.wire.read(table, asked=asked, bounds=bounds, filter=wanted, fields=fields, **more)
        found = [
            decoded_rows.RowFields(row, table, asked) for row in decoded_rows.rows_of(data, table, asked)
        ]
        for row in found if machines else ():
            if row.key("machine") not in machines:
                raise row.wrong(f"a row of machine {row.key('machine')} came that was not asked for")
        return found
