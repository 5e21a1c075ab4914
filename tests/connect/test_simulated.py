"""The simulator standing in: found when it announced itself, otherwise started, never anything real."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.connect.simulated import (
    announce,
    find_announced,
    open_profile,
    reset_announced,
    withdraw,
)
from vergeos_nb.errors import UsageError
from vergeos_nb.settings import AmbientNetwork, Credentials, Profile, Secret, load_profile
from vergeos_nb.simulator import Simulator, ready


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path), "VERGEOS_NB_RUNTIME_DIR": str(tmp_path / "runtime")}


@pytest.fixture
def running(environ):
    """A simulator with an open TLS door, and what it would announce."""
    simulator = Simulator("zombie")
    with simulator.serve() as door:
        yield {
            "host": door.host, "url": door.url, "ca_file": door.ca_file, "username": simulator.username,
            "password": simulator.password, "api_key": simulator.api_key, "pid": os.getpid(),
            "scenario": "zombie", "vm_name": simulator.vm_name,
        }  # fmt: skip


def keys(profile: Profile) -> tuple[object, ...]:
    with VergeApi(Wire(profile, network=AmbientNetwork())) as api:
        (vm,) = api.vms_named("web-01")
        return vm, api.system().simulated, api.status_key(vm.machine)


def test_a_configured_profile_is_given_back_as_it_is(environ):
    profile = Profile("lab", "lab.example", Credentials("bearer", None, Secret("x")))
    with open_profile(profile, environ=environ) as opened:
        assert opened is profile


def test_where_none_runs_one_is_started_alike_every_time_and_ended(environ):
    seen = []
    for _ in range(2):
        with open_profile(load_profile(environ=environ), environ=environ) as profile:
            seen.append(keys(profile))
            assert (profile.name, profile.kind, profile.verify, profile.scenario, profile.source) == (
                "simulator", "simulator", True, "stuck", "simulator started for this run",
            )  # fmt: skip
        assert profile.ca_file is not None
        assert not profile.ca_file.exists()
    assert seen[0] == seen[1]
    assert seen[0][1] is True


def test_the_named_scenario_is_started(environ):
    with open_profile(load_profile("simulator:twins", environ=environ), environ=environ) as profile:
        assert profile.scenario == "twins"
        with VergeApi(Wire(profile, network=AmbientNetwork())) as api:
            assert len(api.vms_named("web-01")) == 2


def test_an_unknown_scenario_names_the_nearest(environ):
    with (
        pytest.raises(UsageError, match="Did you mean 'zombie'"),
        open_profile(load_profile("simulator:zombi", environ=environ), environ=environ),
    ):
        pass


def test_a_running_simulator_is_used(environ, running):
    path = announce(running, environ=environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for name in ("simulator", "simulator:zombie"):
        with open_profile(load_profile(name, environ=environ), environ=environ) as profile:
            assert profile == Profile(
                name,
                running["host"],
                Credentials("basic", running["username"], Secret(running["password"])),
                ca_file=Path(running["ca_file"]),
                kind="simulator",
                paced=False,
                scenario="zombie",
                source=f"simulator already running (process {os.getpid()})",
            )
            assert keys(profile)[1] is True
    assert running["password"] not in repr(find_announced(environ=environ))


def test_a_running_simulator_of_another_scenario_is_left_alone_and_said(environ, running):
    announce(running, environ=environ)
    with open_profile(load_profile("simulator:stuck", environ=environ), environ=environ) as profile:
        assert profile.host != running["host"]
        (warning,) = profile.warnings
        assert warning.startswith("A simulator of scenario 'zombie' is running")


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "7"}, {"pid": -1}, {"pid": True}, {"ca_file": "/nowhere/ca.pem"}, {"host": "127.0.0.1:1"},
        {"host": "vergeos.example"}, {"host": "10.0.0.1:443"}, {"host": 5}, {"host": "[bad"},
    ],
)  # fmt: skip
def test_an_announcement_that_cannot_be_trusted_is_ignored(environ, running, change):
    announce(running | change, environ=environ)
    assert find_announced(environ=environ) is None


def test_the_announcement_of_a_dead_process_is_ignored(environ, running):
    announce(running | {"pid": dead_pid()}, environ=environ)
    assert find_announced(environ=environ) is None


def test_a_port_that_answers_as_something_else_is_ignored(environ, running, monkeypatch):
    monkeypatch.setattr("vergeos_nb.connect.simulated.SIMULATOR_SERVER", "another")
    announce(running, environ=environ)
    assert find_announced(environ=environ) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\xff"])
def test_a_broken_announcement_is_ignored(environ, text):
    path = announce({}, environ=environ)
    path.write_bytes(text.encode("latin-1"))
    assert find_announced(environ=environ) is None


def test_withdrawing_removes_only_ones_own_announcement(environ, running):
    path = announce(running, environ=environ)
    withdraw(os.getpid() + 1, environ=environ)
    assert json.loads(path.read_text()) == running
    withdraw(os.getpid(), environ=environ)
    withdraw(os.getpid(), environ=environ)
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


def test_an_announcement_that_somebody_else_wrote_is_ignored(environ, running, monkeypatch):
    announce(running, environ=environ)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert find_announced(environ=environ) is None


def test_the_running_simulator_is_put_back_to_its_beginning_and_no_other_host_is_asked(environ):
    simulator = Simulator("zombie")
    with simulator.serve(port=0) as door:
        announce(ready(simulator, door), environ=environ)
        simulator.set_role("reader")
        assert not reset_announced("vergeos.example:443", environ=environ)
        assert simulator.accounts.role == "reader"
        assert reset_announced(door.host, environ=environ)
        assert (simulator.accounts.role, simulator.scenario.name) == ("admin", "zombie")
    assert not reset_announced(door.host, environ=environ)
