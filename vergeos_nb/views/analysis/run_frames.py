"""All DataFrames of a run by name, a table of contents of them, and a picture of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.views.analysis.frames import frame, series
from vergeos_nb.views.analysis.plot import Plot, lines_of
from vergeos_nb.views.analysis.whole_rows import Steps, whole_rows
from vergeos_nb.views.bundle import rendered
from vergeos_nb.views.calls import calls_table
from vergeos_nb.words import counted, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

# What a picture shows of these frames if no column is named.
TELLING: Mapping[str, Sequence[str]] = {
    "machine_stats": ("total_cpu", "ram_used"),
    "nics": ("tx_bytes", "rx_bytes"),
    "drives": ("read_bytes", "write_bytes"),
}


class RunFrames(dict[str, Any]):
    """A run's DataFrames: ``vm``, ``machine_status``, …, ``calls``, and each step's tables (``step.table``).

    Raises:
        UsageError: there is no DataFrame of this name.
    """

    def __missing__(self, name: str) -> Any:
        raise UsageError(
            f"reading rb.frames[{name!r}]", "there is no such frame", did_you_mean(str(name), self)
        )

    def plot(self, name: str = "machine_stats", *wanted: str) -> Plot:
        """Numbers of one frame over time, as a picture.

        Args:
            wanted: its columns. Without them, the most telling ones.

        Raises:
            UsageError: there is no such frame or column, or the column holds no numbers.
        """
        data = self[name]
        return Plot(f"{name} over time", lines_of(data, name, wanted or TELLING.get(name, ())))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        rows = [(name, str(len(data)), ", ".join(data.columns)) for name, data in self.items()]
        html = rendered("frames", rows=rows)
        return {"text/html": html, "text/plain": repr(self)}

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name.ljust(width)}  {counted(len(data), 'row')}" for name, data in self.items())


def run_frames(
    calls: Sequence[Exchange], results: Sequence[StepResult], steps: Steps, vm: Mapping[str, Any] | None
) -> RunFrames:
    """All frames of a run. Frames of whole rows have their columns even if nothing was read.

    Args:
        results: the last result of each step.
        steps: the step of each call, by the call's number.
        vm: name, key and machine of the run's VM, once it is found.
    """
    made: dict[str, pd.DataFrame] = whole_rows(calls, steps, vm)
    made["calls"] = frame(calls_table(calls))
    made["calls"].insert(1, "step", series("text", [steps.get(call.number) for call in calls]))
    for result in results:
        made |= {f"{result.step}.{table.schema.name}": frame(table) for table in result.tables}
    return RunFrames(made)
