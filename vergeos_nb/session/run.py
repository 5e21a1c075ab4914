"""One run of one runbook in this process.

Joins the rooms: settings and client reach the system, the engine runs the steps, the journal writes them
down, the views show them.
"""

from __future__ import annotations

import atexit

# Loaded here for a record that is made at exit: by then the record's libraries could not load it any more.
import concurrent.futures.thread  # noqa: F401
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vergeos_nb import settings
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.forwarding.follower import follow
from vergeos_nb.journal.header import open_journal, refuse_at_the_door, this_user
from vergeos_nb.journal.journal import OnLine, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL
from vergeos_nb.parameters import RunParameters, SystemParameters
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Engine
from vergeos_nb.procedure.engine.written_result import result_from_dict
from vergeos_nb.procedure.runbooks.catalog import read_parameters, runbook_of
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.record_folder import named_after
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.record.run_timeline import timeline_of
from vergeos_nb.session.cases import CaseMaker
from vergeos_nb.session.connection import CallLog, Connect, connect_to
from vergeos_nb.session.journal_frames import frames_of
from vergeos_nb.settings.policy import Policy
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.views.analysis.run_frames import RunFrames
from vergeos_nb.views.shown import Picture, RunStopped, Shown, StepView
from vergeos_nb.views.summary import summary_text, summary_view, with_first_analysis

if TYPE_CHECKING:
    import httpx


class Run:
    """One run of one runbook. Made by ``open_runbook``."""

    def __init__(
        self,
        name: str,
        options: RunParameters,
        folder: Path,
        *,
        finish_here: bool,
        clock: Clock | None = None,
        waits: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        profile: settings.Profile | None = None,
        on_line: OnLine | None = None,
        resume: bool = False,
        session: str = "",
        connect: Connect | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self._finish_here = finish_here
        self._clock = clock or SystemClock()
        self._waits = waits or self._clock
        self._closed = False
        self._calls = CallLog()
        self._resources = ExitStack()
        operator = options.operator or this_user()
        # Before the first line is written: a secret may have been typed into a parameter.
        self._scrubber = Scrubber(
            settings.secrets_of(profile) if profile else settings.secrets_known(_profile_named(options))
        )
        self._forwarding = follow(folder, settings.archive_settings().forward)
        self.journal = open_journal(
            folder,
            self._clock,
            self._scrubber,
            runbook=name,
            parameters=options.model_dump(),
            operator=operator,
            session=session,
            on_line=self._forwarding.before(on_line),
            resume=resume,
        )
        try:
            self._maker = CaseMaker(
                folder, self.journal, self._scrubber, self._clock, self._waits, self._resources, policy
            )
            join = connect or connect_to(
                lambda: profile or settings.load_profile(_profile_named(options) or ""), transport
            )
            runbook = runbook_of(name)
            self.case = case = self._maker.make(runbook, options, operator, join, self._on_exchange)
            if resume:
                self._resume()
        except VergeNbError as error:
            self._resources.close()
            refuse_at_the_door(self.journal, self._clock, error)
            self._forwarding.end()
            self._closed = True
            if finish_here:
                self._finish()
            raise
        self.engine = Engine(
            runbook_of(name).steps,
            case,
            system=case.system_label,
            sent_by=lambda: case.sent_by,
            clock=self._clock,
            journal=self.journal,
            calls=self._calls,
        )
        atexit.register(self._at_exit)

    def _resume(self) -> None:
        """Take over what an earlier process of this run has sent, so that nothing is sent twice."""
        earlier = run_state_of(read_journal(self.journal.path))
        self._calls.first = max((e.number for e in earlier.exchanges), default=0)
        if isinstance(self.case, Case):
            runbook = runbook_of(self.name)
            for call in earlier.changing_calls:
                if call.can_be_tried_again:
                    continue
                self.case.resume(runbook.latches_of(call.step))

    def _on_exchange(self, exchange: Exchange) -> None:
        self._scrubber.add(self._maker.secrets())
        exchange = self._calls.numbered(exchange)
        # The journal first: a result must not refer to a call that is not in the journal.
        self.journal.exchange(exchange)
        self._calls.add(exchange)

    @property
    def profile_name(self) -> str:
        """The name of the run's profile; "" if the run asks no system."""
        return self._maker.profile.name if self._maker.profile else ""

    @property
    def host(self) -> str:
        """The host of that profile, or ""."""
        return self._maker.profile.host if self._maker.profile else ""

    def step(self, step_id: str) -> StepView:
        """Run a step and show how it ended. A step that has passed is not repeated.

        Raises:
            UsageError: the procedure has no such step.
            RecordError: the journal cannot be written; nothing is sent then.
        """
        return StepView(self.clean(self.engine.run(step_id)), html=self._finish_here)

    @property
    def frames(self) -> RunFrames:
        """Everything that the run has read, as DataFrames: the platform's rows, API calls, the steps' tables.

        Raises:
            RecordError: the journal cannot be read.
        """
        return frames_of(self.folder / JOURNAL)

    def clean(self, result: StepResult) -> StepResult:
        """A result as it may be shown: without secrets, as the journal holds it."""
        data = self._scrubber.data(result.as_dict())
        return result_from_dict(data, {e.number: e for e in result.exchanges})

    def masked(self, text: str) -> str:
        """A text as it may be shown, without secrets."""
        return self._scrubber.text(text)

    def close(self) -> Shown:
        """End the run, show its summary, and make its record if no runner makes it.

        Raises:
            RunStopped: the run did not end as asked. The record was made.
            RecordError: the record could not be written.
        """
        from IPython.display import display

        account = self.end()
        summary = summary_of(account)
        view = Shown({"text/plain": summary_text(summary)})
        if self._finish_here:
            view = Shown(with_first_analysis(summary_view(summary), summary))
            # A runner renders the notebook again, with the picture. Here nothing else would show it.
            display(Picture(timeline_of(read_journal(self.folder / JOURNAL).lines)))  # type: ignore[no-untyped-call]
        if account.exit_code:
            display(view)  # type: ignore[no-untyped-call]  # IPython has no annotation here
            raise RunStopped(summary.headline, account.exit_code)
        return view

    def change(self, changed: Mapping[str, Any]) -> None:
        """Change some parameters, and write the changed ones into the journal.

        Raises:
            UsageError: a value is not valid. Then nothing is changed.
        """
        before = self.case.options.model_dump()
        options = read_parameters(self.name, {**before, **changed}, undecided=True)
        after = options.model_dump()
        differs = {name: value for name, value in after.items() if value != before[name]}
        if differs:
            self.case.options = options
            self.case.operator = options.operator or self.case.operator
            self.journal.write("parameters", changed=differs)

    def end(self) -> RunState:
        """End the run, and make its record if no runner makes it. Can be repeated.

        Raises:
            RecordError: the record could not be written.
        """
        if not self._closed:
            self._closed = True
            atexit.unregister(self._at_exit)
            self._resources.close()
            if trouble := self._forwarding.trouble:
                self.journal.write("not-forwarded", why=trouble)
            self.journal.write("run-ended")
            self.journal.close()
            self._forwarding.end()
            if self._finish_here:
                self.folder = named_after(self.folder, self.name, self._subject())
                return self._finish()
        return run_state_of(read_journal(self.folder / JOURNAL))

    def _subject(self) -> str:
        options = self.case.options
        return options.subject_of(options.model_dump())

    def _finish(self) -> RunState:
        # Loads nbformat. A run's kernel needs them only if no runner makes its record.
        from vergeos_nb.archive.finishing import finish_record

        return finish_record(self.folder, self._scrubber)

    def _at_exit(self) -> None:
        """Called when the kernel ends without `close`: make the record if possible."""
        if self._closed:
            return
        self._closed = True
        self._resources.close()
        # Nobody would see an error any more, such as a full disk.
        with suppress(RecordError):
            self.journal.write("interrupted", step="", by="the end of the kernel")
            self.journal.close()
            self._forwarding.end()
            if self._finish_here:
                self.folder = named_after(self.folder, self.name, self._subject())
                self._finish()

    def __repr__(self) -> str:
        return f"<runbook {self.name}, record {self.folder}>"


def _profile_named(options: RunParameters) -> str | None:
    return options.profile if isinstance(options, SystemParameters) else None
