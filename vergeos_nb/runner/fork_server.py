"""The process that warm kernels are forked from: ``python -P -m vergeos_nb.runner.fork_server FD MODULE...``.

It loads the modules, and then reads requests from the process that started it, on a private socket. A
process that needs some of these modules loads them itself, and forks the server. Each request is one JSON
message: ``arguments`` of ipykernel, ``environ`` and ``folder``. It answers ``{"started": PID}``, and later
``{"ended": PID, "code": CODE}``. The server starts no thread and opens no file before it forks, so
kernels share nothing that changes. When the socket closes, because its owner closed it or died, the server
ends. Its kernels notice that, and end, too.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any

from vergeos_nb.imports import absent

# Modules that every kernel would load later.
LATER = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.idna",
    "tornado.platform.asyncio",
)
IGNORE_FOLDER = "--IPKernelApp.ignore_cwd=True"


def main() -> None:
    """Load, then serve."""
    load_kernel(sys.argv[2:])
    serve(Connection(int(sys.argv[1])))


def serve(owner: Connection) -> None:
    """Serve until the owner is gone. In a forked process this returns when its kernel has ended."""
    awake, waking = os.pipe()
    for end in (awake, waking):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    while True:
        ready = wait([owner, awake])
        if awake in ready:
            os.read(awake, 512)
            _report_ended(owner)
        if owner in ready:
            try:
                request = json.loads(owner.recv_bytes())
            except EOFError:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                owner.close()
                os.close(awake)
                os.close(waking)
                _be_kernel(request)
                return
            owner.send_bytes(json.dumps({"started": pid}).encode())


def load_kernel(modules: Sequence[str]) -> None:
    """Load the modules that a kernel needs, and these. None of them starts a thread."""
    # A run without a person has no use for a debugger, which takes as long to load as the kernel itself.
    with absent("debugpy"):
        load(("ipykernel.debugger",))
    load(("ipykernel.kernelapp", *LATER, *modules))


def load(modules: Sequence[str]) -> None:
    """Load these modules in a process that will be forked."""
    # Importing makes no garbage, and looking for it takes a tenth of the time.
    gc.disable()
    # httpx's own command line takes longer to load than the rest of httpx, and nobody needs it.
    with absent("httpx._main"):
        for name in modules:
            import_module(name)
    # So a kernel's garbage collection does not copy memory that is shared copy-on-write.
    gc.freeze()
    gc.enable()


def _report_ended(owner: Connection) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        told = {"ended": pid, "code": os.waitstatus_to_exitcode(status)}
        try:
            owner.send_bytes(json.dumps(told).encode())
        except OSError:
            return  # the owner is gone; the next read notices it


def _be_kernel(request: Mapping[str, Any]) -> None:
    """Run a kernel in this forked process. Returns when the kernel has ended."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    # A run makes little garbage, and at the usual interval looking for it takes 20 ms of a short one.
    gc.set_threshold(50_000)
    time.tzset()
    from ipykernel.kernelapp import launch_new_instance

    # A kernel ends with its parent, and takes no module from its working directory.
    arguments = [*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}", IGNORE_FOLDER]
    sys.argv = [sys.argv[0], *arguments]
    launch_new_instance(argv=arguments)


if __name__ == "__main__":
    main()
