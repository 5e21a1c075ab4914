"""What this program assumes about the platform, and what was measured on one system. No I/O.

An assumption is a statement that no source confirms or denies. `PlatformKnowledge` says for each one whether
it was measured on a system, and the result. Until then the code does what `Assumption.meanwhile` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct, field

from vergeos_nb.clock import iso

STATISTICS_OF_A_STOPPED_MACHINE = "statistics_of_a_stopped_machine_are_written"
STATUS_ROW_TAKES_ALL = "status_row_takes_powerstate_and_node"
STATUS_OF_A_STOPPED_MACHINE = "status_of_a_stopped_machine_is_written"
ROWS_COME_TOGETHER = "rows_come_together_with_a_vm"


class Assumption(Struct, frozen=True):
    """One statement about the platform.

    Attributes:
        sentence: the statement. A measurement shows whether it is true.
        source: where the statement comes from, or why it is open.
        meanwhile: what the code does while it is not measured.
    """

    id: str
    sentence: str
    source: str
    meanwhile: str


ASSUMPTIONS: Mapping[str, Assumption] = MappingProxyType(
    {
        one.id: one
        for one in (
            Assumption(
                STATISTICS_OF_A_STOPPED_MACHINE,
                "The statistics row of a stopped machine keeps being written, with 0 % CPU and 0 MB RAM.",
                "vergeos-exporter metrics.md: powered-off VMs report 0; nothing says that it is written anew",
                "Statistics that are written anew and read zero are evidence of death.",
            ),
            Assumption(
                STATUS_OF_A_STOPPED_MACHINE,
                "The status row of a stopped machine keeps being written.",
                "no source says who writes machine_status.last_update",
                "A status row that says running and is written anew counts as life, until a person checks.",
            ),
            Assumption(
                "rows_of_a_running_machine_are_written_within_5_s",
                "The status row and the statistics row of a running machine are written anew within 5 s.",
                "a platform setting reads: flush the application framework database every 5000 ms",
                "Two readings less than 5 s apart are no evidence that something stands still.",
            ),
            Assumption(
                "last_statistics_of_a_stopped_machine_hold_no_ram",
                "The last statistics of a VM that stopped by itself read 0 MB RAM.",
                "vergeos-exporter metrics.md: powered-off VMs report 0",
                "A VM whose record says stopped beside RAM in use is listed for a look.",
            ),
            Assumption(
                ROWS_COME_TOGETHER,
                "`machine[…]` of a VM's row gives its status, statistics, NICs and drives as they are now.",
                "vendor's documents for drives and NICs of a VM; its exporter for the statistics of a node",
                "Verify compares the status row with the row itself. Missing rows get their own calls.",
            ),
            Assumption(
                "no_match_is_an_empty_list",
                "A filter that matches no row is answered with an empty list.",
                'measured as []; the vendor\'s Ansible collection 2.2.0 says {"$count": 0}',
                "Both answers mean no rows.",
            ),
            Assumption(
                "kill_of_a_stopped_machine_is_refused",
                "Kill Power of a machine that is stopped already is answered with an error.",
                "no recorded answer",
                "A refusal for the wrong state is no evidence; the effect is watched all the same.",
            ),
            Assumption(
                STATUS_ROW_TAKES_ALL,
                "A PUT on machine_status may name powerstate and node.",
                "pyvergeos issue 86: a read-only column in a body refuses the whole PUT",
                "The undo of an override writes them; if refused, it writes the vendor's four fields.",
            ),
            Assumption(
                "status_row_stays_as_it_was_written",
                "A status row that was written by hand stays so while its machine has no process.",
                "the vendor's procedure; nothing else is known to write that row",
                "Confirm watches the row, and says unknown if it does not stay.",
            ),
            Assumption(
                "writing_the_status_row_is_logged",
                "A PUT on machine_status leaves a line in the machine's log.",
                "no source",
                "Nothing rests on it.",
            ),
        )
    }
)
"""Every named assumption that can be measured, by id."""


class Known(Struct, frozen=True):
    """What is known about one assumption on one system.

    Attributes:
        holds: the result of the measurement; None if it was not measured, so that it is assumed.
        version: the platform's version at the measurement.
        at: when it was measured, seconds since 1970.
    """

    holds: bool | None = None
    version: str = ""
    at: float = 0.0

    def __str__(self) -> str:
        if self.holds is None:
            return "assumed"
        on = f" on {self.version}" if self.version else ""
        return f"measured {str(self.holds).lower()}{on}" + (f", {iso(self.at)}" if self.at else "")


class PlatformKnowledge(Struct, frozen=True):
    """What was measured about the assumptions on one system, for its present version.

    Attributes:
        measured: the results by the assumption's id. All others are assumed.
    """

    measured: Mapping[str, Known] = field(default_factory=dict)

    def of(self, assumption_id: str) -> Known:
        """What is known about one assumption.

        Raises:
            KeyError: no assumption has this id.
        """
        return self.measured.get(ASSUMPTIONS[assumption_id].id, Known())


NOTHING_MEASURED = PlatformKnowledge()
