"""One headless run: from text parameters to a finished record, also after a failure or a signal.

The kernel writes the journal. This process reads it, shows progress, stops the kernel at a deadline or a
signal, and makes the record when the kernel is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TypeVar

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from msgspec import Struct

from vergeos_nb import settings
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError, UsageError, VergeNbError
from vergeos_nb.journal.asked import write_asked
from vergeos_nb.journal.header import open_journal, this_user
from vergeos_nb.journal.journal import append_after_death, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL
from vergeos_nb.machine import check_limits, lacking, lacking_in
from vergeos_nb.procedure.runbooks.catalog import notebook_of, schema_of
from vergeos_nb.runner import warm
from vergeos_nb.runner.kernel_client import PromptClient
from vergeos_nb.runner.provisioner import WarmProvisioner, end_at_once
from vergeos_nb.runner.stopping import Stop
from vergeos_nb.session.begin import begin_run, refuse_run

# Modules that are loaded while the kernel starts and works: papermill, and what makes the record.
LATER = ("vergeos_nb.runner.papermill_run", "vergeos_nb.archive.finishing")

OnLine = Callable[[Mapping[str, Any]], None]
Result = TypeVar("Result")

# A runner's cells and their parameters must not get into the user's IPython history.
NO_HISTORY = ["--HistoryManager.enabled=False"]
# How the last line of a traceback begins.
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit)\b")
ASKED = "running the runbook"
POLL_S = 0.05
# How long an interrupted kernel may take to write its last line into the journal.
GRACE_S = 10.0
# The path of a socket can have 107 bytes on Linux and 103 on macOS. Jupyter appends a number to it.
LONGEST_SOCKET_PATH = 90

_log = logging.getLogger(__name__)


class RunReport(Struct, frozen=True):
    """The result of a run. ``account`` is read from the journal."""

    folder: Path
    account: RunState
    record_error: RecordError | None = None

    @property
    def exit_code(self) -> int:
        """The command line's exit code."""
        return RecordError.exit_code if self.record_error else self.account.exit_code


def run(
    runbook: str,
    given: Mapping[str, Any],
    *,
    outputs: Path,
    deadline_s: float | None = None,
    on_line: OnLine = lambda line: None,
    environ: Mapping[str, str] | None = None,
) -> RunReport:
    """Run a runbook headless and make its record.

    Args:
        given: parameters by name, as text or values; read against the runbook's schema.
        outputs: the archive's folder.
        deadline_s: seconds after which the run is stopped.
        on_line: called with every journal line soon after it was written. If it raises, the exception is
            logged and the run continues.
        environ: more environment variables for the kernel.

    Raises:
        UsageError: there is no such runbook, or a limit of the shell is too low. Then there is no record. A
            run with wrong parameters has a record.
        RecordError: the record folder or the journal could not be made; nothing was sent.
    """
    schema_of(runbook)  # an unknown name is refused, with the nearest right one
    path = notebook_of(runbook)
    check_limits(ASKED)
    with _loading() as (load, began):
        clock = SystemClock()
        begun = begin_run(runbook, given, clock, outputs=outputs)
        folder, options, scrubber = begun.folder, begun.options, begun.scrubber
        if isinstance(options, UsageError):
            return _finished(folder, None, scrubber)
        write_asked(folder, clock, scrubber, runbook, options.model_dump(), options.operator or this_user())
        work = _Work(
            path,
            options.model_dump(),
            lambda ipython: settings.kernel_environ(folder, outputs, environ or {}, ipython),
        )
        stop = Stop(deadline_s)
        with stop.listening():
            reason = work.run(stop, _Tail(folder / JOURNAL, on_line, began), load)
        try:
            _close_journal(folder, runbook, options.model_dump(), reason, work, scrubber)
        except RecordError as error:
            if not (folder / JOURNAL).exists():
                raise  # the error says why there is no journal
            return RunReport(folder, run_state_of(read_journal(folder / JOURNAL)), error)
        return _finished(folder, work.notebook, scrubber)


@dataclass
class _Work:
    """The kernel and the thread in which papermill drives it.

    Attributes:
        environ: makes the kernel's environment, given the folder for IPython's files.
    """

    path: Path
    parameters: Mapping[str, Any]
    environ: Callable[[Path], Mapping[str, str]]
    notebook: Any = None
    error: str = ""
    lacks: VergeNbError | None = None
    last_words: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: Stop, tail: _Tail, on_asked: Callable[[], None]) -> str:
        """Start, watch, stop. Returns what stopped the run from outside, or "".

        Args:
            on_asked: called when the kernel is asked for, and this process has time.
        """
        with tempfile.TemporaryDirectory(prefix="vergeos-nb-") as private:
            # Not the synchronous manager: with it, nbclient never notices that the kernel died.
            kernel = AsyncKernelManager(
                kernel_name="python3",
                # This very Python, not a kernel that the user may have installed under its name.
                kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
                client_factory=PromptClient,
                **_transport(private),
            )
            environ = self.environ(Path(private) / "ipython")
            kernel.provisioner = WarmProvisioner(kernel_spec=kernel.kernel_spec, parent=kernel)
            server = warm.shared()
            before = server.printed if server is not None else 0
            log = Path(private) / "kernel.log"
            try:
                with log.open("wb") as file:
                    reason = _complete(self._start(kernel, environ, stop, file, on_asked))
                if reason:
                    return reason
            except Exception as error:
                self._failed(error)
                return ""
            try:
                return self._drive(kernel, stop, tail)
            except Exception as error:
                self._failed(error)
                return ""
            finally:
                self.last_words = log.read_bytes()[-warm.LAST_WORDS :].decode("utf-8", "replace") or (
                    server.last_words(before) if server is not None else ""
                )
                tail.read()
                # A closed run has nothing left to write. Any other run may still write where it stopped.
                self._end(kernel, now=tail.ended or not self.done.is_set())
                self.done.wait(GRACE_S)
                tail.read()

    def _failed(self, error: Exception) -> None:
        """Keep the first error for the journal: the run still gets its record."""
        self.error = self.error or f"{type(error).__name__}: {error}"
        self.lacks = self.lacks or lacking(error, ASKED)

    def _end(self, kernel: Any, *, now: bool) -> None:
        try:
            _complete(end_at_once(kernel) if now else kernel.shutdown_kernel())
        except Exception as error:
            self._failed(error)
            # An orderly shutdown needs resources such as a socket. A signal does not.
            with suppress(OSError, TypeError, AttributeError):
                os.kill(kernel.provisioner.pid, signal.SIGKILL)

    async def _start(
        self,
        kernel: Any,
        environ: Mapping[str, str],
        stop: Stop,
        log: IO[bytes],
        on_asked: Callable[[], None],
    ) -> str:
        """Returns what stopped the run before its kernel was there, or ""."""
        starting = asyncio.ensure_future(
            kernel.start_kernel(env=dict(environ), extra_arguments=NO_HISTORY, stdout=log, stderr=log)
        )
        # In this turn of the loop the request for the kernel is sent.
        await asyncio.sleep(0)
        on_asked()
        while not (await asyncio.wait([starting], timeout=POLL_S))[0]:
            if reason := stop.reason:
                starting.cancel()
                await asyncio.wait([starting])
                # The kernel may have started all the same.
                if kernel.has_kernel:
                    with suppress(Exception):  # the reason to stop is reported instead
                        await kernel.shutdown_kernel(now=True)
                return reason
        try:
            await starting
        except Exception:
            if kernel.has_kernel:
                with suppress(Exception):  # the first exception is reported instead
                    await kernel.shutdown_kernel(now=True)
            raise
        return ""

    def _drive(self, kernel: Any, stop: Stop, tail: _Tail) -> str:
        thread = threading.Thread(target=self._papermill, args=(kernel,), name="papermill", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self.done.set()
            raise
        while not self.done.wait(POLL_S):
            tail.read()
            if reason := stop.reason:
                _complete(kernel.interrupt_kernel())
                self.done.wait(GRACE_S)
                return reason
        return ""

    def _papermill(self, kernel: Any) -> None:
        try:
            # Loads slowly, and the kernel starts meanwhile.
            from vergeos_nb.runner.papermill_run import execute

            self.notebook, self.error = execute(self.path, self.parameters, kernel)
        except Exception as error:
            self._failed(error)
        finally:
            self.done.set()


def _complete(work: Coroutine[Any, Any, Result]) -> Result:
    """Run this to its end, also where the caller's thread runs an event loop, as in a notebook's cell."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def _loading() -> Iterator[tuple[Callable[[], None], threading.Event]]:
    """Load what a run needs later, in a thread beside this block.

    The block says when: it calls the first value, and sets the second one when the run has begun.
    """
    began = threading.Event()

    def load() -> None:
        with suppress(RuntimeError):  # the code that cannot do without a thread reports this better
            threading.Thread(target=_load, args=(began,), name="loading", daemon=True).start()

    try:
        yield load, began
    finally:
        began.set()


def _load(began: threading.Event) -> None:
    with suppress(Exception):  # the code that needs a module reports a failure better
        for name in LATER:
            import_module(name)
        # The first cell must not wait for the page.
        began.wait()
        # Loads nbformat. The kernel's start must not wait for that.
        from vergeos_nb.record.page import prepare

        prepare()


def _transport(folder: str) -> dict[str, str]:
    """Use sockets in a private folder, to which no other user can connect; TCP if the path is too long."""
    connection = str(Path(folder) / "kernel.json")
    if os.name != "posix" or len(connection) > LONGEST_SOCKET_PATH:
        return {}
    return {"transport": "ipc", "ip": str(Path(folder) / "kernel-ipc"), "connection_file": connection}


class _Tail:
    """Hands on the lines of a journal that another process writes.

    Args:
        began: is set when there is a line.

    Attributes:
        ended: whether the run has closed itself.
    """

    def __init__(self, path: Path, on_line: OnLine, began: threading.Event) -> None:
        self.ended = False
        self._began = began
        self._path = path
        self._on_line = on_line
        self._read = 0

    def read(self) -> None:
        """Hand on the complete lines that were written since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            self._read += len(whole) + 1
            self._began.set()
        for line in whole.splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                continue
            self.ended = self.ended or told.get("event") == "run-ended"
            try:
                self._on_line(told)
            except Exception as error:  # an observer decides nothing
                _log.warning("a line of the run cannot be shown: %r", error)


def _close_journal(
    folder: Path, runbook: str, parameters: Mapping[str, Any], reason: str, work: _Work, scrubber: Scrubber
) -> None:
    """Write into the journal what the kernel could not: that it was stopped, died, or lacked a resource."""
    error, died = work.error, work.error.startswith(("DeadKernelError", "RuntimeError"))
    lacks = work.lacks or lacking_in(f"{error}\n{work.last_words if died else ''}", ASKED)
    if not (folder / JOURNAL).exists():
        clock = SystemClock()
        if lacks is not None and not reason:
            refuse_run(folder, clock, scrubber, runbook, parameters, lacks)
            return
        open_journal(
            folder, clock, scrubber, runbook=runbook, parameters=parameters, operator=this_user()
        ).close()
    account = run_state_of(read_journal(folder / JOURNAL))
    if account.in_order or account.bug:
        return
    step = account.running
    if reason:
        # Also if the kernel wrote that it was interrupted, because it cannot know the reason.
        append_after_death(folder / JOURNAL, SystemClock(), "interrupted", step=step, by=reason)
    elif account.interrupted_by:
        return
    elif lacks is not None:
        append_after_death(folder / JOURNAL, SystemClock(), "interrupted", step=step, by=lacks.came_back)
    elif died:
        why = _why(work.last_words)
        by = f"the kernel's death ({scrubber.text(why)})" if why else "the kernel's death"
        append_after_death(folder / JOURNAL, SystemClock(), "interrupted", step=step, by=by)
    else:
        text = error or "the notebook ended without closing its run"
        append_after_death(folder / JOURNAL, SystemClock(), "bug", step=step, error=text, traceback=text)


def _why(printed: str) -> str:
    """The exception that a process named last, or ""."""
    return next((line for line in reversed(printed.splitlines()) if _EXCEPTION.match(line)), "")


def _finished(folder: Path, notebook: Any, scrubber: Scrubber) -> RunReport:
    # Loads nbformat, which takes as long as a kernel needs to start.
    from vergeos_nb.archive.finishing import finish_record

    try:
        return RunReport(folder, finish_record(folder, scrubber, notebook))
    except RecordError as error:
        return RunReport(folder, run_state_of(read_journal(folder / JOURNAL)), error)
