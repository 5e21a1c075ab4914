"""The DataFrames of a run, from its journal. They are masked, and the same live, headless and later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.views.analysis.run_frames import RunFrames, run_frames


def frames_of(journal: Path | None) -> RunFrames:
    """All frames of a run.

    Args:
        journal: the run's, or None before it is opened.

    Raises:
        RecordError: the journal cannot be read.
    """
    if journal is None:
        return run_frames((), (), {}, None)
    text = read_journal(journal)
    state = run_state_of(text)
    return run_frames(state.exchanges, state.results, _steps(text.lines), state.fact("vm"))


def _steps(lines: Sequence[Mapping[str, Any]]) -> Mapping[int, str]:
    """The step of each call, by the call's number."""
    steps: dict[int, str] = {}
    step = ""
    for line in lines:
        if line["event"] == "step-began":
            step = str(line["step"])
        elif line["event"] == "step-ended":
            step = ""
        elif line["event"] == "exchange" and step:
            steps[line["number"]] = step
    return steps
