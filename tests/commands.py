"""Commands of ``vergeos-nb`` as processes that have nothing to load: forked from one that has loaded it all.

A command here has its own process, environment, folder and streams, like one that a shell starts, and ends
with its exit code. What is about start-up, signals, terminals or the installation starts a real process.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def _server() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.command_server", str(theirs.fileno())],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )

    def close() -> None:
        ours.close()
        process.wait()

    atexit.register(close)
    return ours


def command(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    timeout: float = 150,
    program: str = "vergeos-nb",
) -> subprocess.CompletedProcess[str]:
    """Run ``vergeos-nb`` or ``papermill`` with these arguments, as `subprocess.run` would.

    Args:
        program: ``python`` runs its first argument as code, with the others as its arguments.
        env: the whole environment; None is that of this process.

    Raises:
        subprocess.TimeoutExpired: it was killed after that many seconds.
    """
    os.umask(mask := os.umask(0o077))
    asked = {
        "program": program,
        "arguments": arguments,
        "environ": dict(os.environ if env is None else env),
        "folder": str(Path.cwd() if cwd is None else cwd),
        "umask": mask,
    }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        ended, report = os.pipe()
        with os.fdopen(ended, encoding="ascii") as told:
            socket.send_fds(_server(), [json.dumps(asked).encode()], [report, out.fileno(), err.fileno()])
            os.close(report)
            pid = int(told.readline())
            if not select.select([told], [], [], timeout)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout)
            code = int(told.readline())
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return subprocess.CompletedProcess([program, *arguments], code, *texts)
