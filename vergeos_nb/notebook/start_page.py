"""The page that `vergeos-nb lab` opens first. Each choice opens a runbook and runs its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import ipywidgets as w

from vergeos_nb import settings
from vergeos_nb.connect.drills import scenarios
from vergeos_nb.errors import Refused, SettingsError
from vergeos_nb.notebook.end_of_run import WATCH, in_new_copy
from vergeos_nb.views.bundle import rendered
from vergeos_nb.widgets.comms import keep_comms_in_the_main_shell
from vergeos_nb.widgets.parts import WIDE, column
from vergeos_nb.widgets.screen import live, show
from vergeos_nb.widgets.ways_on.ended import Prepared, WayOn
from vergeos_nb.widgets.ways_on.ways_row import WaysRow

FORCE, FIND, REPORT = "force_power_off", "find_stuck_vms", "incident_report"
CHOOSE = "choose the system"
SET_UP = (
    "set VERGE_HOST and its credentials, or make a profile with the vrg CLI, and start `vergeos-nb lab` again"
)
SAYS: Mapping[str, str] = {
    "rehearse": "A simulated system with a stuck VM. Nothing real is touched, and it can be done again.",
    "incident": "Force a stuck VM off, step by step. Nothing is sent before you approve a plan.",
    "find": "Reads every VM twice and lists those that look stuck. Changes nothing.",
    "watch": "Reads a VM again and again after it was forced off. Changes nothing.",
    "reports": "What was done in the last weeks, from the sealed records. Asks no system.",
}


class StartPage:
    """The choices, one below the other.

    Args:
        profile: the one that `vergeos-nb lab` was given.
    """

    def __init__(self, profile: str) -> None:
        keep_comms_in_the_main_shell()
        self._profile = profile
        is_drill = profile.partition(":")[0] == settings.SIMULATOR_NAME
        drills = _drills()
        self.scenario = w.Dropdown(
            options=[(label, name) for name, label in drills.items()],
            value=profile if profile in drills else settings.SIMULATOR_NAME,
            description="Drill",
            style=WIDE,
        )
        real = _real_profiles()
        given = [] if is_drill or profile in real else [profile]
        names = [*real, *given]
        self.system = w.Dropdown(
            options=[CHOOSE, *names],
            value=profile if profile in names else names[0] if len(names) == 1 else CHOOSE,
            description="System (profile)",
            style=WIDE,
        )
        self.ways = WaysRow()
        lit = "rehearse" if is_drill else "incident"
        fields: Mapping[str, Sequence[w.Widget]] = {
            "rehearse": [self.scenario], "incident": [self.system]
        }  # fmt: skip
        rows = []
        for way in self._choices():
            said = w.HTML(rendered("line", text=SAYS[way.name], alert=False))
            pressed = self.ways.button(way, strong=way.name == lit)
            rows.append(_choice(pressed, said, fields.get(way.name, ())))
        head = w.HTML(rendered("start", configured=bool(names)))
        self.panel = column(head, *rows, self.ways.box)
        self.panel.add_class("vnb-start")

    def _choices(self) -> Sequence[WayOn]:
        return (
            WayOn("Rehearse", "rehearse", self._rehearse),
            WayOn("Real incident", "incident", self._incident),
            WayOn("Find stuck VMs", "find", self._opened(FIND)),
            WayOn("Watch", "watch", self._opened(WATCH)),
            WayOn("Reports", "reports", self._opened(REPORT)),
        )

    def _rehearse(self) -> Prepared:
        return in_new_copy(FORCE, {"profile": self.scenario.value}, word="rehearsal")()

    def _incident(self) -> Prepared:
        if self.system.value == CHOOSE:
            asked = "opening the runbook"
            if len(self.system.options) == 1:
                raise Refused(asked, "no real system is set up", SET_UP)
            raise Refused(asked, "no system is chosen", "choose it beside the button")
        return in_new_copy(FORCE, {"profile": self.system.value}, word="incident")()

    def _opened(self, runbook: str) -> Callable[[], Prepared]:
        return in_new_copy(runbook, {"profile": self._profile})


def start_page(profile: str = settings.SIMULATOR_NAME) -> None:
    """Show the choices in the cell that runs. Nothing is connected, and nothing is sent.

    Args:
        profile: the system that the runbooks begin with.
    """
    page = StartPage(profile)
    text = "The start page of vergeos-nb. Run this cell in JupyterLab to use it."
    place = uuid4().hex[:8]
    bundle: dict[str, Any] = {**live(page.panel), "text/plain": text}
    show(bundle, f"vergeos-nb-start-{place}")


def _choice(pressed: w.Widget, said: w.Widget, fields: Sequence[w.Widget]) -> w.Widget:
    box = w.HBox([pressed, column(said, *fields)])
    box.add_class("vnb-choice")
    return box


def _drills() -> Mapping[str, str]:
    """The simulator's profiles, each with its label."""
    word = settings.SIMULATOR_NAME
    return {word: "the simulator of this lab", **{f"{word}:{name}": name for name in scenarios()}}


def _real_profiles() -> list[str]:
    """The profiles of real systems that are set up. ``env`` is always known, and seldom set."""
    try:
        names = [name for name in settings.profile_names() if name != settings.SIMULATOR_NAME]
    except SettingsError:
        names = ["env"]  # the file of named profiles is damaged; Connect tells who chooses one
    try:
        settings.load_profile("env")
    except SettingsError:
        names.remove("env")
    return names
