"""What `jupyter_lab` needs while its server starts: the working copy, the simulator, and the first kernel.

It stands apart because it loads slowly, and the server can start without it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from vergeos_nb import settings
from vergeos_nb.connect.drills import DEFAULT_SCENARIO
from vergeos_nb.connect.simulated import announce, find_announced, withdraw
from vergeos_nb.errors import ConnectionRefused
from vergeos_nb.files import make_folder
from vergeos_nb.procedure.runbooks.catalog import notebooks
from vergeos_nb.runner.working_copies import START, working_copy
from vergeos_nb.settings.jupyter_root import RECORDS
from vergeos_nb.simulator import Simulator, ready

READY_WITHIN_S = 60.0
TELL_EVERY_S = 5.0


def fill(folder: Path, outputs: Path, profile: str) -> None:
    """Make the working copy: the runbooks, the start page, and a link to the records.

    Raises:
        RecordError: the folder cannot be written.
    """
    working_copy({**notebooks(), START.stem: START}, folder, profile)
    # The server serves no other folder. If no link can be made, cards show a record's path instead.
    with suppress(OSError):
        make_folder(outputs)
        (folder / RECORDS).symlink_to(outputs.absolute(), target_is_directory=True)


@contextmanager
def simulator(profile: str, variables: Mapping[str, str]) -> Iterator[None]:
    """Serve a simulator while the context lasts, if one is needed.

    Args:
        variables: those that lead kernels to it.
    """
    word, _, scenario = profile.partition(":")
    environ = variables or None
    if word != settings.SIMULATOR_NAME or find_announced(environ=environ) is not None:
        yield
        return
    simulated = Simulator(scenario=scenario or DEFAULT_SCENARIO)
    with simulated.serve(port=0) as door:
        announce(ready(simulated, door), environ=environ)
        try:
            yield
        finally:
            withdraw(os.getpid(), environ=environ)


def wait(url: str, server: subprocess.Popen[bytes], log: Path, say: Callable[[str], None]) -> None:
    """Wait until the server answers.

    Args:
        url: the lab's, with its token.
        log: the file into which the server prints.
        say: called with progress messages.

    Raises:
        ConnectionRefused: the server did not start.
    """
    began = time.monotonic()
    end, tell_at = began + READY_WITHIN_S, began + TELL_EVERY_S
    while time.monotonic() < end and server.poll() is None:
        try:
            if _asked("GET", url, "/api/status").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if (now := time.monotonic()) >= tell_at:
            tell_at += TELL_EVERY_S
            say(f"Waiting for JupyterLab: {now - began:.0f} s of {READY_WITHIN_S:.0f} s. Its log: {log}")
        time.sleep(0.1)
    told = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise ConnectionRefused(
        "starting JupyterLab",
        " / ".join(told) or "it printed nothing",
        f"read {log}, and see whether another program uses the port",
    )


def start_kernel(url: str, notebook: str) -> None:
    """Start the kernel of this notebook, so that it starts while the page loads. The page finds it."""
    # Without it, the page starts one itself.
    with suppress(httpx.HTTPError):
        session = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": "python3"}}
        _asked("POST", url, "/api/sessions", json=session)


def _asked(method: str, url: str, path: str, **more: Any) -> httpx.Response:
    lab = httpx.URL(url)
    return httpx.request(
        method,
        f"http://127.0.0.1:{lab.port}{path}",
        headers={"Authorization": f"token {lab.params['token']}"},
        timeout=5.0,
        trust_env=False,
        verify=False,  # plain HTTP; and a default context would read SSLKEYLOGFILE
        **more,
    )
