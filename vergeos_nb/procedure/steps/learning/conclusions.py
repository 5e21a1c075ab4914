"""Conclude from observations what holds of each named assumption. Pure.

If machines differ from each other, the conclusion is the one that loosens no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from vergeos_nb.procedure.steps.learning.observations import Observation
from vergeos_nb.procedure.steps.learning.rhythm import FLUSH_S
from vergeos_nb.procedure.steps.learning.rows_together import NOT_SHOWN, ROWS_WITH_VM, SAME
from vergeos_nb.procedure.values.step_tables import ASSUMED
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.vergeos.assumptions import (
    ASSUMPTIONS,
    ROWS_COME_TOGETHER,
    STATISTICS_OF_A_STOPPED_MACHINE,
    STATUS_OF_A_STOPPED_MACHINE,
)
from vergeos_nb.vergeos.measured import MEASURED_FALSE, MEASURED_TRUE, NOT_MEASURED

Seen = Mapping[str, Observation]


class Conclusion(Struct, frozen=True):
    """What was found out about one assumption.

    Attributes:
        holds: None if it was not measured.
        because: what was seen, or why it was not measured.
    """

    holds: bool | None
    because: str

    @property
    def word(self) -> str:
        """As it is kept and shown."""
        return {True: MEASURED_TRUE, False: MEASURED_FALSE, None: NOT_MEASURED}[self.holds]


def conclusions(seen: Seen) -> dict[str, Conclusion]:
    """The conclusion about every assumption, by its id."""
    return {name: _DRAWN[name](seen) for name in ASSUMPTIONS}


def conclusions_table(found: Mapping[str, Conclusion]) -> Table:
    """The conclusions as rows: the assumption's sentence, the word, and what was seen."""
    return ASSUMED.table(
        *((ASSUMPTIONS[name].sentence, one.word, one.because) for name, one in found.items())
    )


def _some(seen: Seen, *names: str) -> list[Observation]:
    return [seen[name] for name in names if name in seen]


def _told(some: list[Observation]) -> str:
    return "; ".join(f"{one.name}: {one.value} ({one.how})" for one in some)


def _statistics(seen: Seen) -> Conclusion:
    rows = _some(seen, "stats_rows_stopped", "stats_row_of_test_vm")
    ram = _some(seen, "ram_of_stopped", "ram_of_test_vm")
    habits = {one.value for one in rows} - {"unclear"}
    if not habits:
        return Conclusion(None, "no stopped VM was there, or its row was written once only")
    zero = bool(ram) and all(one.value == "zero" for one in ram)
    # If the row of one stopped machine is not written, fresh zeros must come from something else.
    return Conclusion(habits == {"written"} and zero, _told(rows + ram))


def _status(seen: Seen) -> Conclusion:
    rows = _some(seen, "status_rows_stopped", "status_row_of_test_vm")
    habits = {one.value for one in rows} - {"unclear"}
    if not habits:
        return Conclusion(None, "no stopped VM was there, or its row was written once only")
    if len(habits) > 1 or habits & {"mixed", "no row"}:
        # If only some rows are written, a row that is written may still be a sign of life.
        return Conclusion(None, f"stopped machines differ: {_told(rows)}")
    return Conclusion(habits == {"written"}, _told(rows))


def _running(seen: Seen) -> Conclusion:
    gaps = _some(seen, "longest_gap_s")
    if not gaps:
        return Conclusion(None, "no running VM was there, or a row of it was not written twice")
    return Conclusion(float(gaps[0].value) <= FLUSH_S, _told(gaps))


def _last_statistics(seen: Seen) -> Conclusion:
    ram = _some(seen, "ram_of_stopped", "ram_of_test_vm")
    if not ram:
        return Conclusion(None, "no stopped VM had a statistics row")
    return Conclusion(all(one.value == "zero" for one in ram), _told(ram))


def _rows_together(seen: Seen) -> Conclusion:
    one = seen.get(ROWS_WITH_VM)
    if one is not None and one.value == "some missing":
        return Conclusion(None, f"{_told([one])}; each run reads the missing rows by their own calls")
    if one is None or one.value == NOT_SHOWN:
        why = _told([one]) if one is not None else "it was not asked"
        return Conclusion(None, f"{why}; {NEEDS_RUNNING_VM}")
    return Conclusion(one.value == SAME, _told([one]))


def _by_word(name: str, true: str, without: str) -> Callable[[Seen], Conclusion]:
    """An assumption that one observation decides.

    Args:
        true: the value that makes it true; every other one makes it false.
        without: why it was not measured.
    """

    def drawn(seen: Seen) -> Conclusion:
        one = seen.get(name)
        return Conclusion(None, without) if one is None else Conclusion(one.value == true, _told([one]))

    return drawn


def _kill(seen: Seen) -> Conclusion:
    one = seen.get("kill_of_stopped")
    if one is None:
        return Conclusion(None, f"no stopped test VM was killed; {NEEDS_VM}")
    return Conclusion(one.value != "accepted", _told([one]))


def _columns(seen: Seen) -> Conclusion:
    some = _some(seen, "write_powerstate", "write_node")
    words = {one.value for one in some}
    if "refused" in words:
        return Conclusion(False, _told(some))
    if len(some) == 2 and words == {"accepted"}:
        return Conclusion(True, _told(some))
    return Conclusion(None, _told(some) or f"no stopped row was written; {NEEDS_VM}")


NEEDS_VM = "this needs a test VM and an approved plan"
NEEDS_RUNNING_VM = "run it again while a VM runs that has a NIC and a drive"

_DRAWN: Mapping[str, Callable[[Seen], Conclusion]] = {
    STATISTICS_OF_A_STOPPED_MACHINE: _statistics,
    STATUS_OF_A_STOPPED_MACHINE: _status,
    "rows_of_a_running_machine_are_written_within_5_s": _running,
    "last_statistics_of_a_stopped_machine_hold_no_ram": _last_statistics,
    ROWS_COME_TOGETHER: _rows_together,
    "no_match_is_an_empty_list": _by_word("no_match", "[]", "it was not asked"),
    "kill_of_a_stopped_machine_is_refused": _kill,
    "status_row_takes_powerstate_and_node": _columns,
    "status_row_stays_as_it_was_written": _by_word(
        "put_row", "stays", f"no stopped row was written; {NEEDS_VM}"
    ),
    "writing_the_status_row_is_logged": _by_word(
        "put_log", "a line", f"no stopped row was written; {NEEDS_VM}"
    ),
}
