"""Use the built-in simulator as a system: find a running one, or start one for the run.

A running simulator announces itself in ``simulator.json`` below `vergeos_nb.settings.runtime_dir`. The file
is used only if this user owns it, its process lives, its host is this machine and its port answers as a
simulator. So the profile ``simulator`` never leads to a real system.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
from msgspec import Meta, Struct, defstruct

from vergeos_nb.client.transport.deadline import within
from vergeos_nb.client.transport.network import new_client, tls_context
from vergeos_nb.client.verge_api import SIMULATOR_SERVER
from vergeos_nb.connect.drills import DEFAULT_SCENARIO
from vergeos_nb.errors import SettingsError, UsageError
from vergeos_nb.files import OWNERS_FILE, OWNERS_FOLDER, make_folder, put
from vergeos_nb.processes import lives
from vergeos_nb.settings import (
    AmbientNetwork,
    Credentials,
    Profile,
    Secret,
    is_loopback,
    normal_host,
    runtime_dir,
    split_host,
)
from vergeos_nb.shapes import Unfit, is_file, read_json
from vergeos_nb.words import did_you_mean

ANNOUNCEMENT = "simulator.json"
LOOK_TIMEOUT_S = 3.0
"""How long an announced simulator may take to answer, in seconds."""


class Announced(Struct, frozen=True):
    """A running simulator, as it announced itself."""

    host: str
    ca_file: Path
    username: str
    password: Secret
    pid: int
    scenario: str
    vm_name: str


@contextmanager
def open_profile(profile: Profile, *, environ: Mapping[str, str] | None = None) -> Iterator[Profile]:
    """The profile, ready to be reached while the context lasts.

    A configured profile is returned unchanged. The profile ``simulator`` gets host, CA file and credentials:
    of the announced simulator if it has the wanted scenario; otherwise of a new one in this process, over TLS
    on loopback, which always begins in the same state and ends with the context.

    Raises:
        UsageError: the simulator has no such scenario.
    """
    if profile.kind != "simulator":
        yield profile
        return
    running = find_announced(environ=environ)
    if running is not None and profile.scenario in (None, running.scenario):
        yield _completed(
            profile, running.host, running.ca_file, running.username, running.password, running.scenario,
            f"simulator already running (process {running.pid})",
        )  # fmt: skip
        return
    # Loads slowly. A real system and a simulator of another process do not need it.
    from vergeos_nb.simulator import SCENARIOS, Simulator

    if profile.scenario is not None and profile.scenario not in SCENARIOS:
        raise UsageError(
            f"using the simulator's scenario {profile.scenario!r}",
            "it has none of this name",
            did_you_mean(profile.scenario, SCENARIOS),
        )
    if running is not None:
        note = (
            f"A simulator of scenario {running.scenario!r} is running (process {running.pid}); one of "
            f"scenario {profile.scenario!r} was started beside it for this run."
        )
        profile = replace(profile, warnings=(*profile.warnings, note))
    scenario = profile.scenario or DEFAULT_SCENARIO
    simulator = Simulator(scenario=scenario)
    with simulator.serve(port=0) as door:
        yield _completed(
            profile, door.host, Path(door.ca_file), simulator.username, Secret(simulator.password), scenario,
            "simulator started for this run",
        )  # fmt: skip


def find_announced(*, environ: Mapping[str, str] | None = None) -> Announced | None:
    """The running simulator that announced itself; None if there is none that can be trusted. Reads only."""
    folder = runtime_dir(environ)
    found = _read(folder / ANNOUNCEMENT) if folder else None
    if found is None or not lives(found.pid) or not is_file(found.ca_file):
        return None
    return found if _answers_as_simulator(found) else None


def reset_announced(host: str, *, environ: Mapping[str, str] | None = None) -> bool:
    """Reset the running simulator of this host. Returns whether there is one.

    A simulator that was started for one run has ended with it. A real system is never asked.

    Raises:
        SettingsError: the simulator did not reset.
    """
    found = find_announced(environ=environ)
    if found is None or found.host != host:
        return False
    with _asking(found) as client:
        try:
            auth = (found.username, found.password.reveal())
            client.post("/_sim/reset", json={}, auth=auth).raise_for_status()
        except httpx.HTTPError as error:
            hint = "start `vergeos-nb lab` again"
            raise SettingsError("resetting the simulator", str(error), hint) from error
    return True


def announce(info: Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> Path | None:
    """Announce a ready simulator in a file that `open_profile` looks for and only its owner can read.

    Returns:
        The file's path; None if there is no private folder for it. Then the simulator is not found.
    """
    folder = runtime_dir(environ)
    if folder is None:
        return None
    path = folder / ANNOUNCEMENT
    draft = folder / f".{ANNOUNCEMENT}.{uuid4().hex}"
    try:
        make_folder(folder, mode=OWNERS_FOLDER)
        put(path, json.dumps(dict(info)).encode(), draft, mode=OWNERS_FILE)
    except OSError:
        return None
    return path


def withdraw(pid: int, *, environ: Mapping[str, str] | None = None) -> None:
    """Remove the announcement of this process, but not one of another process."""
    folder = runtime_dir(environ)
    if folder is None:
        return
    path = folder / ANNOUNCEMENT
    found = _read(path)
    if found is not None and found.pid == pid:
        path.unlink(missing_ok=True)


def _completed(
    profile: Profile, host: str, ca_file: Path, username: str, password: Secret, scenario: str, source: str
) -> Profile:
    return replace(
        profile,
        host=host,
        ca_file=ca_file,
        verify=True,
        credentials=Credentials("basic", username, password),
        paced=False,
        scenario=scenario,
        source=source,
    )


def _read(path: Path) -> Announced | None:
    try:
        if path.stat().st_uid != os.getuid():
            return None
        info = read_json(path, _announcement())
    except (OSError, ValueError, Unfit):
        return None
    return Announced(
        normal_host(info.host), Path(info.ca_file), info.username, Secret(info.password), info.pid,
        info.scenario, info.vm_name,
    )  # fmt: skip


@cache
def _announcement() -> Any:
    """The shape of an announcement."""
    texts = ("host", "ca_file", "username", "password", "scenario", "vm_name")
    pid = ("pid", Annotated[int, Meta(gt=0)])
    return defstruct("Announcement", [*((name, str) for name in texts), pid])


def _answers_as_simulator(found: Announced) -> bool:
    with suppress(httpx.HTTPError, httpx.InvalidURL, SettingsError, ValueError):
        if not is_loopback(split_host(found.host)[0]):
            return False
        with _asking(found) as client:
            return bool(client.get("/version.json").headers.get("server") == SIMULATOR_SERVER)
    return False


@contextmanager
def _asking(found: Announced) -> Iterator[httpx.Client]:
    """A client for an announced simulator."""
    probe = Profile("simulator", found.host, None, ca_file=found.ca_file, timeout_s=LOOK_TIMEOUT_S)
    tls = tls_context(probe, AmbientNetwork())
    with within(LOOK_TIMEOUT_S), new_client(probe, None, tls, keep_alive=False, transport=None) as client:
        yield client
