"""The outputs of cells: one MIME bundle of a step or of a whole run, and the end of a notebook."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.views.analysis.frames import frames
from vergeos_nb.views.bundle import plain_view, static_view
from vergeos_nb.views.timeline import WIDTH, Timeline, timeline_text
from vergeos_nb.views.timeline_drawing import timeline_png

if TYPE_CHECKING:
    import pandas as pd


class RunStopped(Exception):  # noqa: N818 — it says how the run ended, which need not be an error
    """Ends the notebook of a run that was not done as asked, so that a scheduler sees it fail."""

    def __init__(self, headline: str, exit_code: int) -> None:
        super().__init__(headline, exit_code)
        self.headline = headline
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.headline} (exit code {self.exit_code})"

    def _render_traceback_(self) -> list[str]:
        # IPython calls this. A traceback through this package would not help the person on call.
        return [f"Run stopped: {self}"]


class Shown:
    """Something a cell shows as one MIME bundle."""

    def __init__(self, bundle: Mapping[str, str]) -> None:
        self.bundle = dict(bundle)
        self.metadata: Mapping[str, Any] = {}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return (self.bundle, self.metadata) if self.metadata else self.bundle

    def __repr__(self) -> str:
        return self.bundle["text/plain"]


class Picture(Shown):
    """A run's timeline as a cell shows it: PNG, which every viewer shows, and the same in words."""

    def __init__(self, timeline: Timeline) -> None:
        words = timeline_text(timeline)
        super().__init__({"image/png": b64encode(timeline_png(timeline)).decode(), "text/plain": words})
        self.metadata = {"image/png": {"alt": words, "width": WIDTH}, "vergeos_nb": "timeline"}


class StepView(Shown):
    """A step's result as a cell shows it. ``frames`` holds its tables and calls as DataFrames.

    Args:
        html: False if a runner makes the record, because it renders each step again from the journal.
    """

    def __init__(self, result: StepResult, *, html: bool = True) -> None:
        super().__init__(static_view(result) if html else {"text/plain": plain_view(result)})
        self.result = result

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The step's tables by name, and its API calls under ``calls``."""
        return frames(self.result)
