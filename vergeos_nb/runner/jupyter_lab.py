"""JupyterLab over a working copy of the runbooks, with nothing to configure.

The originals stay as they are. Records go to the archive, not into the working copy.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from vergeos_nb import settings
from vergeos_nb.files import OWNERS_FOLDER, disk_errors, make_folder, opener, put
from vergeos_nb.runner.stopping import SIGNALS, handled, heard, signals_held

FIRST = "start"
"""The notebook that is opened, and whose cells our extension runs."""
LABEXTENSIONS = Path(__file__).parent / "labextensions"
"""The folder of our JupyterLab extension. It is also found if the package was not installed from a wheel."""
SERVER = "vergeos_nb.runner.lab_server"
STOP_WITHIN_S = 15.0
# No news and no update checks: the network may be closed, and nothing may pop up over a card.
OVERRIDES: Mapping[str, Mapping[str, Any]] = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
    # A subshell ends with its page, and messages to it are lost. See also `widgets.comms`.
    "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": "disabled"},
    # Without this, JupyterLab removes cards from the page when their cells scroll out of view.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


class Lab(Struct, frozen=True):
    """A JupyterLab that is ready.

    Attributes:
        folder: the working copy.
        process: its server.
    """

    url: str
    folder: Path
    process: subprocess.Popen[bytes]


@contextmanager
def open_lab(
    base: Path,
    outputs: Path,
    *,
    profile: str = settings.SIMULATOR_NAME,
    port: int = 0,
    browser: bool = True,
    server_options: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Iterator[Lab]:
    """Start JupyterLab on loopback, and stop it with the context.

    If the profile is the simulator and none runs yet, a simulator is started, too, so that all notebooks use
    the same system.

    Args:
        base: the folder for working copies. Each is a new folder in it.
        outputs: the archive.
        port: 0 takes a free one.
        server_options: more options of Jupyter's server, by name.
        say: called with progress messages until JupyterLab is ready.

    Raises:
        RecordError: the working copy cannot be made.
        ConnectionRefused: the server did not start.
    """
    moment = datetime.now(UTC)
    folder = base.absolute() / f"{moment:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(2)}"
    say("Starting JupyterLab over a working copy of the runbooks. This takes some seconds.")
    hint = "nothing was started; choose a folder that can be written with --dir"
    with disk_errors(f"making the working copy {folder}", hint):
        make_folder(folder, exist_ok=False)
        _configure(folder / ".jupyter")
    variables = _where_simulators_are_found(profile, folder / ".jupyter" / "simulator")
    with ExitStack() as stack:
        with signals_held():
            lab = _started(folder, outputs, port or _free_port(), browser, server_options or {}, variables)
            stack.callback(_stop, lab.process)
        # Loads slowly. The server, which takes longer, starts meanwhile.
        from vergeos_nb.runner import lab_contents

        lab_contents.fill(folder, outputs, profile)
        stack.enter_context(lab_contents.simulator(profile, variables))
        stack.callback(_stop, lab.process)  # before the simulator ends
        lab_contents.wait(lab.url, lab.process, folder / ".jupyter" / "server.log", say)
        lab_contents.start_kernel(lab.url, f"{FIRST}.ipynb")
        yield lab


def _configure(place: Path) -> None:
    """Write JupyterLab's settings: also the folder of our extension, and the notebook to begin with."""
    config = place / "labconfig"
    make_folder(config)
    put(config / "default_setting_overrides.json", json.dumps(OVERRIDES).encode())
    put(config / "page_config.json", json.dumps({"vergeosNbStart": f"{FIRST}.ipynb"}).encode())
    ours = {"LabApp": {"extra_labextensions_path": [str(LABEXTENSIONS)]}}
    put(place / "jupyter_lab_config.json", json.dumps(ours).encode())


def _where_simulators_are_found(profile: str, place: Path) -> Mapping[str, str]:
    """Variables for a lab over the simulator: another place for what simulators announce, if this user has no
    private folder for that."""
    if profile.partition(":")[0] != settings.SIMULATOR_NAME:
        return {}
    try:
        if (found := settings.runtime_dir()) is not None:
            make_folder(found, mode=OWNERS_FOLDER)
            return {}
    except OSError:
        pass
    return {"VERGEOS_NB_RUNTIME_DIR": str(place)}


@contextmanager
def ended_in_order() -> Iterator[list[int]]:
    """Let SIGTERM and a closed terminal end the block as Ctrl-C does.

    Yields the signals that came. Python drops what a signal raises while an object is deleted, so a block
    that waits must look at them, too.
    """
    came: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        came.append(number)
        raise KeyboardInterrupt

    with handled(heard(SIGNALS), interrupt):
        yield came


def _started(
    folder: Path,
    outputs: Path,
    port: int,
    browser: bool,
    more: Mapping[str, str],
    variables: Mapping[str, str],
) -> Lab:
    token = secrets.token_hex(24)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": str(port),
        "ServerApp.port_retries": "0",
        "ServerApp.root_dir": str(folder),
        "ServerApp.open_browser": str(browser),
        "LabApp.default_url": f"/lab/tree/{FIRST}.ipynb",
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        **more,
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = "True"
    arguments = [f"--{name}={value}" for name, value in options.items()]
    # The token is not an argument, because other users of this machine can read the arguments of a process.
    environ = {**settings.lab_environ(folder / ".jupyter", outputs, token), **variables}
    with open(folder / ".jupyter" / "server.log", "wb", opener=opener) as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", SERVER, *arguments],
            env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    return Lab(f"http://127.0.0.1:{port}/lab/tree/{FIRST}.ipynb?token={token}", folder, process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with signals_held():  # a second Ctrl-C must not leave it behind
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
