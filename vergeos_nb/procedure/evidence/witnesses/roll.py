"""The witnesses in the order of their votes, and what is derived from their declarations."""

from __future__ import annotations

from collections.abc import Sequence

from vergeos_nb.procedure.evidence.sample import Reading, Sample
from vergeos_nb.procedure.evidence.witness import Column, Witness
from vergeos_nb.procedure.evidence.witnesses.guest_on_network import GUEST_ARP, GUEST_PING
from vergeos_nb.procedure.evidence.witnesses.machine_log import MACHINE_LOG
from vergeos_nb.procedure.evidence.witnesses.moving_counters import DRIVES, NICS
from vergeos_nb.procedure.evidence.witnesses.process_list import PROCESS_LIST
from vergeos_nb.procedure.evidence.witnesses.start_time import START_TIME
from vergeos_nb.procedure.evidence.witnesses.stats_row import STATS_ROW
from vergeos_nb.procedure.evidence.witnesses.status_row import STATUS_ROW
from vergeos_nb.procedure.evidence.witnesses.vm_node import VM_NODE
from vergeos_nb.procedure.values.table import Schema, Table

WITNESSES: tuple[Witness, ...] = (
    START_TIME,
    STATUS_ROW,
    STATS_ROW,
    NICS,
    DRIVES,
    VM_NODE,
    MACHINE_LOG,
    PROCESS_LIST,
    GUEST_PING,
    GUEST_ARP,
)


def readings() -> Sequence[Reading]:
    """The readings of a sample, in order, each once."""
    return list(dict.fromkeys(one.reading for one in WITNESSES if one.reading is not None))


def samples_table(samples: Sequence[Sample]) -> Table:
    """The readings as rows, oldest first."""
    columns = _columns()
    return samples_schema().table(
        *((sample.read_at, *(column.of(sample) for column in columns)) for sample in samples)
    )


def samples_schema() -> Schema:
    """The columns of `samples_table`."""
    columns = tuple((column.name, column.kind) for column in _columns())
    return Schema("samples", "What the platform said, reading by reading", (("read_at", "time"), *columns))


def _columns() -> Sequence[Column]:
    return [column for witness in WITNESSES for column in witness.columns]
