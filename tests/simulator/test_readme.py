"""The README is run: its sessions, its file of faults, and its tables against the code."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import httpx
import pytest

import vergeos_nb.simulator
from tests.simulator.vrg import vrg
from vergeos_nb.simulator import Simulator, list_faults
from vergeos_nb.simulator.api.actions import NOT_IMPLEMENTED
from vergeos_nb.simulator.doors.control import EXPLAINED
from vergeos_nb.simulator.faults.fault_files import load_rules

TEXT = Path(vergeos_nb.simulator.__file__).with_name("README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("explained", [list_faults(), EXPLAINED])
def test_the_tables_say_what_the_code_says(explained):
    for name, text in explained.items():
        assert f"| `{name}` | {text} |" in TEXT


def test_the_python_sessions_run_and_print_what_they_say(monkeypatch, capsys):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "")
    sessions = blocks("python")
    names = {"os": os, "httpx": httpx, "trust": lambda path: ssl.create_default_context(cafile=path)}
    for session in sessions:
        exec(session, names)
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"print\(.*\)(?:  # (.*))?", "\n".join(sessions))
    assert len(printed) == len(promised)
    for said, shown in zip(promised, printed, strict=True):
        assert shown == said.partition(":")[0] or not said
    names["control"].close()


def test_the_vrg_session_runs(monkeypatch, tmp_path):
    sim = Simulator("stuck")
    with sim.serve() as door:
        for name, value in {
            "VERGE_HOST": door.host,
            "VERGE_USERNAME": sim.username,
            "VERGE_PASSWORD": sim.password,
            "REQUESTS_CA_BUNDLE": door.ca_file,
            "HOME": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        [session] = blocks("sh")
        for line in session.splitlines():
            code, printed = vrg(line.removeprefix("vrg "))
            assert code == 0, (line, printed)


def test_the_file_of_faults_is_one(tmp_path):
    [text] = blocks("toml")
    path = tmp_path / "faults.toml"
    path.write_text(text)
    assert [rule.name for rule in load_rules(path)] == ["third read is dropped", "busy", "rate limit"]


def test_the_keys_and_what_is_not_implemented_are_listed():
    world = Simulator("healthy", vms=1).world
    for name in ("web-01", "web-02", "db-01", "vm-00001"):
        vm = world.vm(name)
        assert f"| `{name}` | {vm.key} | {vm.machine} | {vm.status} | {vm.stats} |" in TEXT
    assert all(f"`{action}`" in TEXT for action in NOT_IMPLEMENTED)
