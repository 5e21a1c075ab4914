"""The process that `tests.commands` forks commands from: ``python -m tests.command_server SOCKET``.

It has loaded what commands and kernels load, runs no thread and has done nothing else, so each command begins
as it would in a process of its own, only sooner.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import vergeos_nb
from vergeos_nb.record import page
from vergeos_nb.runner import fork_server, warm

# What no command here needs: other machines' workers, and what shows cards to a person.
_LEFT_OUT = tuple(f"vergeos_nb.{name}" for name in ("fleet.remote", "fleet.dask_crew", "widgets", "__main__"))


def main() -> None:
    """Serve until the owner is gone. In a forked process: run the command, and end with its exit code."""
    with socket.socket(fileno=int(sys.argv[1])) as owner:
        _load()
        command = _next_command(owner)
    if command is not None:
        _ended_by(command)


def _ended_by(command: Callable[[], None]) -> NoReturn:
    """Run it, and do all that a Python does at its end, except for taking down the modules one by one."""
    try:
        command()
    except SystemExit as asked:
        code = asked.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    else:
        code = 0
    if not isinstance(code, int | None):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code or 0)


def _load() -> None:
    fork_server.load_kernel(warm.LOADED)
    for module in pkgutil.walk_packages(vergeos_nb.__path__, "vergeos_nb."):
        if not module.name.startswith(_LEFT_OUT):
            importlib.import_module(module.name)
    importlib.import_module("papermill.cli")
    # What every run that makes a record would load and compile in the background.
    page.prepare()
    gc.freeze()


def _next_command(owner: socket.socket) -> Callable[[], None] | None:
    """Wait for requests. Returns in the process that is to run a command; None once the owner is gone."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(owner, 1 << 20, 3)
        if not data:
            return None
        asked = json.loads(data)
        report, out, err = descriptors
        if os.fork() == 0:
            # Between this server and the command: it waits for the command alone, and tells how it ended.
            if (pid := os.fork()) == 0:
                owner.close()
                os.close(report)
                _become(asked, out, err)
                return lambda: _PROGRAMS[asked["program"]](asked["arguments"])
            os.write(report, b"%d\n" % pid)
            _, status = os.waitpid(pid, 0)
            os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)
        while _reaped():
            pass


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _become(asked: dict[str, Any], out: int, err: int) -> None:
    """Streams, environment and folder as the caller of the command wants them."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(ours, standard)
        os.close(ours)
    os.environ.clear()
    os.environ.update(asked["environ"])
    os.chdir(asked["folder"])
    os.umask(asked["umask"])
    # As a Python that starts: the script's folder, then what the caller has put on the path.
    named = [path for path in asked["environ"].get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[1:1] = [path for path in named if path not in sys.path]
    time.tzset()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 — as long as the process
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), encoding="utf-8")  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(
        open(2, "wb", closefd=False),  # noqa: SIM115
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )


def _command(arguments: Sequence[str]) -> NoReturn:
    from vergeos_nb.cli.main import main as vergeos_nb_main

    sys.argv = ["vergeos-nb", *arguments]
    vergeos_nb_main()
    sys.exit(0)


def _papermill(arguments: Sequence[str]) -> NoReturn:
    """Plain papermill. Its kernel is a Python of its own, as always, unless the caller wants a forked one."""
    from papermill.cli import papermill

    if os.environ.get("JUPYTER_DEFAULT_PROVISIONER_NAME") == "vergeos-nb-warm":
        warm.loaded_here()
    sys.argv = ["papermill", *arguments]
    sys.exit(papermill())


def _python(arguments: Sequence[str]) -> NoReturn:
    """As ``python -c CODE ARGUMENT...``."""
    code, *words = arguments
    sys.argv = ["-c", *words]
    exec(code, {"__name__": "__main__"})
    sys.exit(0)


_PROGRAMS: Mapping[str, Callable[[Sequence[str]], NoReturn]] = {
    "vergeos-nb": _command,
    "papermill": _papermill,
    "python": _python,
}


if __name__ == "__main__":
    main()
