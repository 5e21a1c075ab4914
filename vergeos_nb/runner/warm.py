"""Warm kernels: each run gets a new kernel, forked from a process that has loaded all modules already."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from vergeos_nb.processes import lives
from vergeos_nb.runbook_files import OURS, PLACE
from vergeos_nb.runner.fork_server import load, load_kernel, serve
from vergeos_nb.runner.forked import Forked, alone

SERVER = "vergeos_nb.runner.fork_server"
# Modules that every runbook's first cell loads, and what its first call loads.
LOADED = ("vergeos_nb.notebook.opening", "vergeos_nb.client.transport.limited")
# On macOS, system libraries cannot be used after a fork.
POSSIBLE = hasattr(os, "fork") and sys.platform != "darwin"
# Loading takes half a second, and much longer on a busy machine.
FORKED_WITHIN_S = 60.0
_WAITED_S = 0.02
# Bytes. Enough for the end of a traceback.
LAST_WORDS = 4096
# A killed process keeps its number until its new parent has reaped it. It does nothing any more.
_ENDS_WITHIN_S = 2.0


class ForkServer:
    """The process that kernels are forked from, and its messages. Safe to use from many threads.

    The constructor returns at once, while the server loads its modules. The first kernel waits for that. The
    server ends with this process, however this process ends.

    Args:
        forked: the server is forked from this process, and loads what this process has not loaded.
        runbooks: those of this package that it loads. A kernel loads any other when it opens one.

    Raises:
        OSError: it could not be started.
    """

    def __init__(self, *, forked: bool = False, runbooks: Iterable[str] = OURS) -> None:
        self._modules = (*LOADED, *(f"{PLACE}.{name}" for name in runbooks))
        # The output of server and kernels, such as why a kernel died, must not go to the terminal.
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 — open as long as the server
        ours, theirs = socket.socketpair()
        with theirs:
            start = self._forked if forked else self._started
            self._process = start(theirs.fileno())
        self.pid = self._process.pid
        self._link = Connection(ours.detach())
        self._lock = threading.Lock()
        self._codes: dict[int, int] = {}

    def _started(self, link: int) -> subprocess.Popen[bytes] | Forked:
        # In a session of its own, so that Ctrl-C at the terminal reaches this process only.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", SERVER, str(link), *self._modules],
            stdin=subprocess.DEVNULL,
            stdout=self._printed,
            stderr=self._printed,
            pass_fds=[link],
            start_new_session=True,
        )

    def _forked(self, link: int) -> subprocess.Popen[bytes] | Forked:
        def load_and_serve() -> None:
            load_kernel(self._modules)
            serve(Connection(link))

        return Forked(load_and_serve, keeps=link, prints=self._printed)

    def fork(self, arguments: Sequence[str], environ: Mapping[str, str], folder: str) -> WarmProcess:
        """Start a kernel with these arguments of ipykernel.

        Raises:
            OSError, EOFError: the server is gone; or it did not answer in time, and was ended.
        """
        until = time.monotonic() + FORKED_WITHIN_S
        request = {"arguments": list(arguments), "environ": dict(environ), "folder": folder}
        with self._lock:
            self._link.send_bytes(json.dumps(request).encode())
            while (pid := self._told_by(until).get("started")) is None:
                pass
            # The system can reuse the number of a kernel that has ended.
            self._codes.pop(pid, None)
        return WarmProcess(self, pid)

    def code_of(self, pid: int) -> int | None:
        """The exit code of a kernel, as ``Popen.poll`` gives it, or None while it runs."""
        with self._lock:
            try:
                while self._link.poll():
                    self._take()
            except (EOFError, OSError):
                if pid not in self._codes:
                    _end(pid)
                    self._codes[pid] = -signal.SIGKILL
            return self._codes.get(pid)

    @property
    def printed(self) -> int:
        """How many bytes server and kernels have printed so far."""
        return os.fstat(self._printed.fileno()).st_size

    def last_words(self, since: int) -> str:
        """The end of their output since this position."""
        start = max(since, self.printed - LAST_WORDS)
        return os.pread(self._printed.fileno(), LAST_WORDS, start).decode("utf-8", "replace")

    def abandon(self) -> None:
        """End the server. Threads that wait for it get an error."""
        self._process.kill()

    def close(self) -> None:
        """End the server. Kernels that still run end, too. Can be repeated."""
        with self._lock:
            self._link.close()
        self._process.kill()
        self._process.wait()

    @property
    def lives(self) -> bool:
        """Whether kernels can be forked from it."""
        return not self._link.closed and self._process.poll() is None

    def _told_by(self, until: float) -> Mapping[str, Any]:
        if not self._link.poll(max(0.0, until - time.monotonic())):
            self.abandon()
            raise TimeoutError(f"the process that forks kernels is silent for {FORKED_WITHIN_S:g} s")
        return self._take()

    def _take(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = json.loads(self._link.recv_bytes())
        if "ended" in told:
            self._codes[told["ended"]] = told["code"]
        return told


class WarmProcess:
    """A forked kernel, with the methods of ``subprocess.Popen`` that a kernel provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._server.code_of(self.pid)

    def wait(self) -> int:
        """The exit code, when it has ended."""
        while (code := self.poll()) is None:
            time.sleep(_WAITED_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _end(pid: int) -> None:
    """End a kernel whose server is gone, before anybody is told that the kernel has ended.

    The kernel would end by itself within a second. Until then its run could still send a request.
    """
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _ENDS_WITHIN_S
    while lives(pid) and time.monotonic() < until:
        time.sleep(_WAITED_S)


_lock = threading.Lock()
_shared: ForkServer | None = None


def shared() -> ForkServer | None:
    """The fork server of this process, started if there is none; None if forking is not possible here."""
    return _shared_one(forked=False)


def loaded_here(*modules: str, runbooks: Iterable[str] = OURS) -> None:
    """Load modules into this process, and have the fork server forked from it.

    For a process that needs many of a kernel's modules itself: those are loaded once. The server loads the
    rest while this process loads what only it needs. If this process cannot be forked as a whole, the server
    starts as always.

    Args:
        modules: what this process needs. None of them starts a thread.
        runbooks: those of this package that this process will run.
    """
    load(modules)
    _shared_one(forked=POSSIBLE and alone(), runbooks=runbooks)


def _shared_one(*, forked: bool, runbooks: Iterable[str] = OURS) -> ForkServer | None:
    global _shared
    if not POSSIBLE:
        return None
    with _lock:
        if _shared is None or not _shared.lives:
            try:
                _shared = ForkServer(forked=forked, runbooks=runbooks)
            except OSError:
                return None
            atexit.register(_shared.close)
        return _shared
