"""The progress of a fleet run: on a terminal a table that is redrawn in place, elsewhere lines."""

from __future__ import annotations

import shutil

from vergeos_nb.cli.output import Output
from vergeos_nb.cli.plain import table
from vergeos_nb.fleet.apply import Fleet
from vergeos_nb.fleet.plan import FleetPlan
from vergeos_nb.fleet.progress import VmProgress, Where
from vergeos_nb.procedure.values.finding import of_run_words
from vergeos_nb.views.badges import badge, signed_outcome, signed_verdict

# At most this many VMs are shown, fewer on a low terminal. The others are counted.
MOST_VMS = 20
# The header, the counts, the reason why VMs wait, and the line of the cursor.
OTHER_LINES = 4
UP, CLEAR = "\x1b[{}A", "\x1b[J"
# A line that is too long is cut. If it wrapped, the next table would start in the wrong line.
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"


class FleetTable:
    """Draws the VMs that run, those that failed, and those that ended last."""

    def __init__(self, output: Output, plan: FleetPlan) -> None:
        self._output = output
        self._plan = plan
        self._live = output.live
        self._drawn = 0
        self._said: dict[int, Where] = {}
        self._told = False

    def show(self, fleet: Fleet) -> None:
        """Redraw the table on a terminal; elsewhere print the changes."""
        if not self._live:
            if fleet.held_back is not None and not self._told:
                self._told = True
                self._output.progress(_held_back(fleet))
            for vm in self._plan.vms:
                state = fleet.states[vm.key]
                if self._said.get(vm.key, Where.WAITING) is not state.where:
                    self._said[vm.key] = state.where
                    ended = f" {_ended(state)}" if state.outcome else ""
                    self._output.progress(f"{vm.name}: {state.where}{ended}")
            return
        lines = self.lines(fleet)
        up = UP.format(self._drawn) if self._drawn else ""
        self._output.draw(NO_WRAP + up + CLEAR, lines, WRAP)
        self._drawn = len(lines)

    def lines(self, fleet: Fleet) -> list[str]:
        """The table as lines, at most as many as the terminal has."""
        states = [(vm, fleet.states[vm.key]) for vm in self._plan.vms]
        begun = [(vm, state) for vm, state in states if state.where is not Where.WAITING]
        running = [item for item in begun if item[1].where is Where.RUNNING]
        failed = [item for item in begun if item[1].failed]
        well = [item for item in begun if item not in running and item not in failed]
        most = max(1, min(MOST_VMS, shutil.get_terminal_size().lines - OTHER_LINES))
        shown = (running + failed + well[::-1])[:most]
        rows = (
            (vm.name, vm.node, s.where.value, signed_outcome(s.outcome, s.verdict), signed_verdict(s.verdict))
            for vm, s in shown
        )
        schedule = fleet.schedule
        counts = (
            f"{len(begun) - len(running)} ended, {len(running)} run (up to {schedule.width} at once), "
            f"{len(states) - len(begun)} wait, {schedule.failed} of {self._plan.limits.failures} failures"
        )
        told = [_held_back(fleet)] if fleet.held_back is not None else []
        return [*table(("name", "node", "where", "outcome", "verdict"), rows).split("\n"), counts, *told]


def _ended(state: VmProgress) -> str:
    return str(badge(of_run_words(state.outcome, state.verdict)))


def _held_back(fleet: Fleet) -> str:
    assert fleet.held_back is not None
    return f"Nothing else starts: {fleet.held_back.came_back}. What runs comes to its end first."
