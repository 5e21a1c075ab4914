"""Do the runs in this process: a thread for each run, and one other process that makes their records.

A run mostly waits, so threads are enough. Making a record only computes, so another process does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

from vergeos_nb.clock import Clock
from vergeos_nb.errors import RecordError, VergeNbError
from vergeos_nb.fleet.apply import VmJob
from vergeos_nb.fleet.plan import PROCEDURE
from vergeos_nb.fleet.progress import VmProgress, Where, progress_of
from vergeos_nb.fleet.recorder import RecordMaker, make_record
from vergeos_nb.journal.journal import OnLine, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.session.connection import Connect
from vergeos_nb.session.run import Run
from vergeos_nb.settings import archive_settings
from vergeos_nb.settings.policy import Policy


def run_steps(
    job: VmJob,
    connect: Connect | None,
    clock: Clock,
    *,
    policy: Policy | None = None,
    on_line: OnLine | None = None,
) -> None:
    """Run the whole procedure over one VM, and write its journal. The record is made later.

    Args:
        policy: replaces this machine's policy.
        on_line: called with every written line of the journal. An exception from it ends the run.

    Raises:
        RecordError: the journal cannot be written. Everything that was sent is in it.
    """
    options = read_parameters(PROCEDURE, job.parameters)
    try:
        book = Run(
            PROCEDURE,
            options,
            job.folder,
            finish_here=False,
            clock=clock,
            connect=connect,
            policy=policy,
            on_line=on_line,
        )
    except RecordError:
        raise
    except VergeNbError:
        return  # refused at the door, and the journal says so
    try:
        for step in book.engine.steps:
            book.engine.run(step.id)
    except RecordError:
        # Unlocks the journal, so that recovery can write into it.
        book.journal.close()
        raise
    except Exception:
        # The engine has written the bug into the journal. The run ends, and its record shows the bug.
        pass
    book.end()


class Crew:
    """Threads for the runs, and a process for their records. A context manager.

    Args:
        secrets: returns all texts that no record may hold.
        upcoming: called with the machines whose rows will be needed.
        recorder: whether another process makes the records. Otherwise the run's own thread does.
    """

    def __init__(
        self,
        at_once: int,
        connect: Connect | None,
        clock: Clock,
        secrets: Callable[[], Sequence[str]],
        upcoming: Callable[[frozenset[int]], None],
        *,
        outputs: Path,
        recorder: bool = True,
    ) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="vm")
        self._recorder = RecordMaker(secrets()) if recorder else None
        self._connect = connect
        self._clock = clock
        self._secrets = secrets
        self._outputs = outputs.absolute()
        self.upcoming = upcoming
        self._unsealed: list[str] = []

    def submit(self, job: VmJob, on_line: OnLine) -> Future[VmProgress]:
        """Begin one run in a thread."""
        return self._threads.submit(self._run, job, on_line)

    def _run(self, job: VmJob, on_line: OnLine) -> VmProgress:
        run_steps(job, self._connect, self._clock, on_line=on_line)
        account = run_state_of(read_journal(job.folder / JOURNAL))
        if self._recorder is not None:
            self._recorder.add(job.folder)
        elif trouble := make_record(job.folder, self._secrets()):
            self._unsealed.append(trouble)
        state = progress_of(account, job.folder.relative_to(self._outputs).as_posix())
        assert state.where is Where.ENDED
        return state

    def seal(self, folder: Path) -> list[str]:
        """See `Workers`."""
        archive = archive_settings()
        # Only this process can show warnings about the mirror and the webhook.
        elsewhere = self._recorder is not None and not (archive.mirror or archive.webhook)
        if self._recorder is not None:
            if elsewhere:
                self._recorder.add(folder)
            self._unsealed += self._recorder.close()
        if not elsewhere and (trouble := make_record(folder, self._secrets())):
            self._unsealed.append(trouble)
        return self._unsealed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._threads.shutdown()
        if self._recorder is not None:
            self._recorder.close()
