"""A person at the cards of a rehearsal: a live run against the simulator in process, on a stepped clock.

What the cards put on the screen is kept by a recorder in place of IPython's displays.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb import settings
from vergeos_nb.clock import Cancelled
from vergeos_nb.notebook import live as live_module
from vergeos_nb.notebook.live import LiveRun
from vergeos_nb.session.run import Run
from vergeos_nb.widgets.cards import two_places as two_places_module
from vergeos_nb.widgets.cards.card import StepCard

PATIENCE_S = 60.0
WAITS = {"sample_gap_s": 1.1, "poll_s": 1.0, "settle_s": 1.0, "poweroff_wait_s": 1.5, "kill_wait_s": 1.5}


class Screen:
    """What is on the screen, by place."""

    def __init__(self) -> None:
        self.places: dict[str, Mapping[str, Any]] = {}

    def show(self, bundle: Mapping[str, Any], place: str) -> None:
        self.places[place] = dict(bundle)


class SteppedWaits:
    """The rehearsal's clock, cancelled by what a test says."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.now, self.monotonic = clock.now, clock.monotonic
        self.cancelled = False

    def sleep(self, seconds: float) -> None:
        if self.cancelled:
            raise Cancelled
        self._clock.sleep(seconds)

    def cancel(self) -> None:
        self.cancelled = True

    def rearm(self) -> None:
        self.cancelled = False


class Sitting:
    """One live notebook of ``force_power_off`` over a rehearsal."""

    def __init__(self, scenario: str, outputs: Path, monkeypatch: Any, **given: Any) -> None:
        self.run = Rehearsal(scenario, outputs)
        self.screen = Screen()
        self.outputs = outputs
        monkeypatch.setattr(live_module, "show", self.screen.show)
        for name in ("show", "update"):
            monkeypatch.setattr(two_places_module, name, self.screen.show)
        monkeypatch.setattr("vergeos_nb.settings.load_profile", lambda *a, **k: self.run.profile)
        self.given = {"vm_name": self.run.vm_name, "operator": "ada", "reason": "it hangs", **WAITS, **given}
        self.given = {**LADDER, **self.given}
        self.live = self.notebook()

    def notebook(self) -> LiveRun:
        """What a cell that opens the runbook gives, in a new kernel."""
        live = LiveRun("force_power_off", self.given, self.outputs, open_run=self._open)
        self.waits = SteppedWaits(self.run.clock)
        live._waits = self.waits  # type: ignore[assignment]
        return live

    def _open(self, options: Any, *, profile: Any = None, folder: Path | None = None, **how: Any) -> Run:
        if folder is None:
            self.run.runs += 1
            folder = self.outputs / "2026-09-22" / f"run-{self.run.runs}"
            folder.mkdir(parents=True)
        self.run.folder = folder
        return Run(
            "force_power_off", options, folder, finish_here=True, session=settings.session_name(),
            clock=self.run.clock, transport=self.run.transport, profile=self.run.profile, **how,
        )  # fmt: skip

    def pause(self, seconds: float) -> None:
        """Let other threads run; nothing here hangs on how long that is."""
        time.sleep(seconds)

    def run_all(self) -> None:
        """Run every cell, as Run All does."""
        self.live.show_header()
        for step in self.live.steps:
            self.live.step(step.id)._ipython_display_()
        self.live.close()._ipython_display_()

    def click(self, step: str, button: str = "go") -> StepCard:
        """Click a button of a card as a browser can, that is, where it is enabled, and wait for the end."""
        card = self.live.step(step)
        pressed = getattr(card, button)
        assert not pressed.disabled, f"{pressed.description} is disabled: {text(card.message.value)}"
        pressed.click()
        if card.job is not None:
            assert card.job.join(PATIENCE_S)
        return card

    def tick(self) -> None:
        """Tick the four lines of the card that compares."""
        card: Any = self.live.step("verify")
        for box in card.boxes.values():
            box.value = True
        self.click("verify", "checked")

    def approve(self) -> StepCard:
        """Fill in the approval card and press its button."""
        card: Any = self.live.step("plan")
        for box in card.boxes.values():
            box.value = True
        card.typed.value = self.run.vm_name
        return self.click("plan", "yes")

    def until(self, last: str) -> None:
        """Click through the procedure, up to and with this step."""
        for step in self.live.steps:
            self.click(step.id)
            if step.id == "verify":
                self.tick()
            if step.id == "plan":
                self.approve()
            if step.id == last:
                return

    def close(self) -> Any:
        """Close the run by its card."""
        card = self.live.close()
        assert not card.go.disabled
        card.go.click()
        assert card.job is not None
        assert card.job.join(PATIENCE_S)
        return card

    def places(self, step: str) -> list[str]:
        """The two places of a step's output: what a saved notebook keeps, and whether the card is live."""
        kept, shown = [self.screen.places[place] for place in self.live.step(step).places.ids]
        ended = "<details" in kept["text/html"]
        live = "application/vnd.jupyter.widget-view+json" in shown and shown["text/html"] == ""
        return ["evidence" if ended else "where it is", "live" if live else ""]

    def opened(self) -> list[str]:
        """The steps whose card is open; the others are a line."""
        return [s.id for s in self.live.steps if self.live.step(s.id).body.layout.display != "none"]

    def shown(self, step: str) -> str:
        """The words of a step's card, as every page shows them: the state of its widgets, and no display."""
        card = self.live.step(step)
        parts = (card.fold, card.head, card.message, card.waiting.progress, card.evidence)
        return " ".join(text(part.get_state()["value"]) for part in parts)

    def enabled(self) -> list[str]:
        """The steps whose button can be pressed."""
        return [step.id for step in self.live.steps if not self.live.step(step.id).go.disabled]


def text(html: str) -> str:
    """The words of a piece of HTML."""
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html)).strip()
