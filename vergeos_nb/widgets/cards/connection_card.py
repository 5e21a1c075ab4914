"""The first card: which system, and as whom. What it sends is the vendor's step 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets as w

from vergeos_nb import settings
from vergeos_nb.connect.doctor import SIGNS, diagnose
from vergeos_nb.connect.drills import drill_of, scenarios
from vergeos_nb.errors import SettingsError
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.settings import Secret
from vergeos_nb.widgets.card_host import Desk
from vergeos_nb.widgets.cards.card import StepCard
from vergeos_nb.widgets.parts import WIDE, button, cautions, column, row, says, wide

SIMULATED = "SIMULATED: a rehearsal. Nothing real can be reached or changed by it."
REAL = "REAL: what you do here happens to a real system and its VMs."


class ConnectionCard(StepCard):
    """Chooses a profile and connects. A password is asked for once, where no profile holds one."""

    def __init__(self, desk: Desk, step: Step[Any], names: Sequence[str] = ()) -> None:
        wanted = str(desk.given.get("profile") or settings.SIMULATOR_NAME)
        self.profile = w.Dropdown(
            options=_profiles(wanted), value=wanted, description="System (profile)", style=WIDE, layout=wide()
        )
        self.kind, self.story = w.HTML(), w.HTML()
        self.secret_place = column()
        self._password: w.Password | None = None
        self.check = button("Check first (changes nothing)")
        self.findings = w.HTML()
        self._findings = ("", "")
        self.found = w.HTML()
        self.resume = button("Go on", strong=True)
        self.finish = button("Finish its record")
        self.cut_short = column(self.found, row(self.resume, self.finish))
        self.cut_short.add_class("vnb-unfinished")
        self._tried = False
        super().__init__(desk, step, names)
        self.check.on_click(self.guarded(self._diagnose))
        self.resume.on_click(self.guarded(lambda: self.start(self.desk.resume)))
        self.finish.on_click(self.guarded(self._finish))
        self.profile.observe(self.guarded(self._chosen), "value")
        self.kind.add_class("vnb-kind")
        self._chosen()

    def inputs(self) -> Sequence[w.Widget]:
        self.new_run = column(
            self.profile, self.kind, self.story, self.form.box, self.secret_place, row(self.check),
            self.findings,
        )  # fmt: skip
        return [self.cut_short, self.new_run]

    def asked(self) -> object:
        return (self.form.values(), self.profile.value)

    def look(self) -> None:
        super().look()
        name = self.profile.value
        simulated = name.partition(":")[0] == settings.SIMULATOR_NAME
        self.kind.value = says(SIMULATED if simulated else REAL, alert=not simulated)
        drill = drill_of(name)
        self.story.value = says(f"The drill. {drill.story}") if drill is not None else ""
        looked_at, findings = self._findings
        self.findings.value = says(findings) if looked_at == name else ""
        self.check.disabled = self.running or self.is_aside
        self._ask_about_the_other_run()

    def work(self) -> StepResult:
        changed = {**self.form.values(), "profile": self.profile.value}
        return self.desk.connect(self.step.id, changed, self._take_password())

    def fill(self, given: Mapping[str, Any]) -> None:
        super().fill(given)
        name = str(given.get("profile") or self.profile.value)
        if name not in self.profile.options:
            self.profile.options = [*self.profile.options, name]
        self.profile.value = name

    def lock(self, locked: bool) -> None:
        super().lock(locked)
        self.profile.disabled = locked

    def tell(self, html: str) -> None:
        """Show this message. If continuing or finishing the other run has failed, a new run may begin."""
        self._tried = self._tried or self.desk.unfinished_waits()
        super().tell(html)

    def _ask_about_the_other_run(self) -> None:
        """If a run of this notebook was cut short, ask what to do with it before a new run begins."""
        said, waits = self.desk.unfinished_said(), self.desk.unfinished_waits()
        self.cut_short.layout.display = "" if said and not self.running else "none"
        for part in (self.new_run, self.go):
            part.layout.display = "none" if waits and not self._tried else ""
        if waits:
            self.go.look = "plain"
        self.resume.layout.display = "" if waits else "none"
        self.resume.disabled = self.finish.disabled = self.running or self.is_aside
        if not said:
            self.found.value = ""
        elif not waits:
            self.found.value = cautions(said)
        else:
            ask = "Go on with that run, or finish its record, as it is, and begin a new one?"
            self.found.value = says(said) + cautions(self.desk.unfinished_sent()) + says(ask)

    def _finish(self) -> None:
        self.aside(
            "finishing the record; the platform is asked by reading only …",
            self.desk.finish_unfinished,
            lambda said: self.tell(says(f"The record of the earlier run is finished: {said}.")),
        )

    def _chosen(self) -> None:
        name = self.profile.value
        simulated = name.partition(":")[0] == settings.SIMULATOR_NAME
        self.refresh()
        self._ask_for_password(not simulated and settings.wants_password(name))

    def _ask_for_password(self, wanted: bool) -> None:
        if self._password is not None:
            self._password.close()
        self._password = None
        self.secret_place.children = ()
        if wanted:
            self._password = w.Password(
                description="Password (kept in memory only)", style=WIDE, layout=wide()
            )
            self.secret_place.children = (self._password,)

    def _take_password(self) -> Secret | None:
        """The typed password. Its field is emptied and closed before the password is used."""
        if self._password is None or not self._password.value:
            return None
        secret = Secret(self._password.value)
        self._password.value = ""
        self._password.close()
        self._password = None
        self.secret_place.children = ()
        return secret

    def _diagnose(self) -> None:
        name = self.profile.value
        self._findings = ("", "")

        def findings() -> str:
            return "\n".join(
                f"{SIGNS[f.ok]} {f.name}: {f.detail}" + (f" What to do: {f.next_step}" if f.next_step else "")
                for f in diagnose(name)
            )

        def show(text: str) -> None:
            self._findings = (name, text)

        self.aside(f"looking at {name} …", findings, show)


def _profiles(wanted: str) -> list[str]:
    try:
        names = list(settings.profile_names())
    except SettingsError:
        # The file of named profiles is damaged. A person who types the name of one is told so.
        names = [settings.SIMULATOR_NAME, "env"]
    rehearsals = [f"{settings.SIMULATOR_NAME}:{scenario}" for scenario in scenarios()]
    return list(dict.fromkeys([*names, *rehearsals, wanted]))
