"""Do the runs on the workers of a Dask cluster. This process decides about starts, limits and stops.

If a worker is lost, its run is lost, too. This process has its journal so far, never begins the run again,
and reads back the state of its VM.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from vergeos_nb import settings
from vergeos_nb.clock import Clock
from vergeos_nb.errors import Interrupted, Refused, UsageError
from vergeos_nb.files import opener
from vergeos_nb.fleet.apply import VmJob
from vergeos_nb.fleet.progress import VmProgress, progress_of
from vergeos_nb.fleet.recorder import make_record
from vergeos_nb.fleet.remote import INTENT, names_of, run_there
from vergeos_nb.forwarding.follower import follow
from vergeos_nb.journal import disk_reserve
from vergeos_nb.journal.journal import OnLine, read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL, ArchiveLayout
from vergeos_nb.lease.lease import Leases, Owner
from vergeos_nb.masking import masked
from vergeos_nb.session.run_lease import LEASE_S
from vergeos_nb.settings.policy import Policy

LOOK_S = 0.2
# Seconds between two checks of the scheduler for the worker, and between two renewals of the lease.
ALIVE_S = 1.0
CONNECT_S = 15.0
# A run that no worker has begun by then is given up. A worker that begins it later finds no token.
NO_WORKER_S = 120.0


class DaskCrew:
    """A context manager that is connected to one scheduler.

    Args:
        leases_of: returns the names of the leases of a VM, by its key. This process holds the leases.
        wants_stop: returns the reason why the runs must stop, or "".
    """

    def __init__(
        self,
        scheduler: str,
        at_once: int,
        leases_of: Callable[[int], Sequence[str]],
        operator: str,
        outputs: Path,
        clock: Clock,
        secrets: Callable[[], Sequence[str]],
        wants_stop: Callable[[], str],
    ) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise UsageError(
                "using a Dask scheduler", "distributed is not installed", "pip install 'vergeos-nb[dask]'"
            ) from error
        try:
            self._client: Any = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"connecting to the scheduler {scheduler}", str(error), "start one with `dask scheduler`"
            ) from error
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="dask-vm")
        self._leases_of = leases_of
        self._operator = operator
        self._outputs = outputs.absolute()
        self._clock = clock
        self._secrets = secrets
        self._wants_stop = wants_stop
        self._policy = settings.load_policy()
        self._unsealed: list[str] = []

    def submit(self, job: VmJob, on_line: OnLine) -> Future[VmProgress]:
        """Begin one run on some worker."""
        return self._threads.submit(self._run, job, on_line)

    def upcoming(self, machines: frozenset[int]) -> None:
        """Each worker reads for itself."""

    def seal(self, folder: Path) -> list[str]:
        """See `Workers`."""
        if trouble := make_record(folder, self._secrets()):
            self._unsealed.append(trouble)
        return self._unsealed

    def _run(self, job: VmJob, on_line: OnLine) -> VmProgress:
        owner = Owner(masked(self._operator), os.uname().nodename, os.getpid(), job.folder.name)
        names = self._leases_of(job.key)
        with Leases(ArchiveLayout(self._outputs).leases, names, owner, LEASE_S, self._clock) as lease:
            try:
                self._watch(job, lease, on_line)
            finally:
                path = job.folder / JOURNAL
                account = run_state_of(read_journal(path)) if path.exists() else None
        if account is None or not (account.in_order or account.bug):
            raise Interrupted("running a VM", "its worker did not report its end", "its state is read back")
        if trouble := make_record(job.folder, self._secrets()):
            self._unsealed.append(trouble)
        return progress_of(account, job.folder.relative_to(self._outputs).as_posix())

    def _watch(self, job: VmJob, lease: Leases, on_line: OnLine) -> None:
        """Give the run to a worker, and copy its journal until the run has ended or its worker is lost."""
        from distributed import Event, Queue

        run = job.folder.name
        token, lines, kept, stop = (
            make(name, client=self._client)
            for make, name in zip((Queue, Queue, Queue, Event), names_of(run), strict=True)
        )
        token.put("once")
        given: Policy = self._policy
        task = self._client.submit(
            run_there, run, dict(job.parameters), given, job.at, job.key, job.machine,
            key=f"vergeos-nb-{run}", pure=False, retries=0,
        )  # fmt: skip
        # The worker sends the lines here and nowhere else.
        following = follow(job.folder, settings.archive_settings().forward)
        on_line = following.before(on_line)
        worker, stopped = "", False
        began = looked = time.monotonic()
        try:
            with open(job.folder / JOURNAL, "ab", opener=opener) as journal:
                while True:
                    ended = task.done()
                    worker = self._drain(lines, journal, kept, on_line) or worker
                    if ended:
                        task.result()
                        return
                    if not stopped and self._wants_stop():
                        stop.set()
                        stopped = True
                    if time.monotonic() - looked >= ALIVE_S:
                        looked = time.monotonic()
                        with suppress(Refused):
                            # A lost lease stops new starts. This run is still guarded by its plan.
                            lease.renew()
                        if worker and worker not in self._client.scheduler_info(n_workers=-1)["workers"]:
                            self._drain(lines, journal, kept, on_line)
                            raise Interrupted("running a VM", f"its worker {worker} was lost", "read back")
                    if not worker and time.monotonic() - began > NO_WORKER_S:
                        asked = "running a VM"
                        raise Interrupted(
                            asked,
                            f"no worker took it in {NO_WORKER_S:g} s",
                            "look at the workers of the Dask cluster",
                        )
                    time.sleep(LOOK_S)
        finally:
            following.end()
            # No other worker may begin this run: its token was taken, or is removed here.
            with suppress(Exception):
                task.cancel(force=True)
            with suppress(TimeoutError):
                token.get(timeout=0)
            if (job.folder / JOURNAL).stat().st_size == 0:
                (job.folder / JOURNAL).unlink()

    def _drain(self, lines: Any, journal: Any, kept: Any, on_line: OnLine) -> str:
        """Write the lines that have come, and confirm them to the worker. Returns its address, if it came."""
        worker = ""
        while lines.qsize():
            item = lines.get(timeout=CONNECT_S)
            if isinstance(item, dict):
                worker = item["worker"]
                continue
            if f'"event": "{INTENT}"' in item:
                # The worker sends nothing until the line is confirmed. Without disk space it never is.
                disk_reserve.take(Path(journal.name).parent)
            journal.write(item.encode())
            journal.flush()
            os.fsync(journal.fileno())
            for text in item.split("\n"):
                if text:
                    on_line(json.loads(text))
            kept.put(journal.tell())
        return worker

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._threads.shutdown()
        self._client.close()
