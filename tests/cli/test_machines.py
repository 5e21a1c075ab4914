"""The commands on machines that are no developer's laptop: no home directory, a user that nobody knows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.at_night import at_night
from tests.commands import command as forked
from tests.served import QUICK
from tests.skipping import sitecustomize as skipping
from vergeos_nb.record.record_folder import check, read

COMMAND = [sys.executable, "-m", "vergeos_nb"]
NOBODY = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
WAITS = [word for name, value in QUICK.items() for word in ("-p", f"{name}={value}")]
PLAN = ["run", "force_power_off", "-p", "vm_name=web-01", *WAITS]


def can_be_nobody() -> bool:
    """Whether this machine lets a process have a number that no user database knows."""
    return (
        shutil.which("unshare") is not None
        and subprocess.run([*NOBODY, "true"], capture_output=True, timeout=30).returncode == 0
    )


def few(environ: Mapping[str, str]) -> dict[str, str]:
    kept = ("PATH", "PYTHONPATH", skipping.FILE)
    return {"LANG": "C.UTF-8", **{name: os.environ[name] for name in kept}, **environ}


def call(
    command: list[str], environ: Mapping[str, str], folder: Path, *, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command with these variables and no others, but those that let it skip its waits."""
    return subprocess.run(
        [*before, *COMMAND, *command],
        env=few(environ),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
    )


@pytest.mark.parametrize(
    "command",
    [
        PLAN,
        ["stuck", "--gap", "1.5"],
        ["audit", "recover"],
        *map(at_night, (["doctor"], ["demo"], ["audit", "verify"])),
    ],
    ids=lambda command: command[0],
)
def test_a_user_without_a_name_and_a_home_directory_can_use_every_command(
    tmp_path: Path, command: list[str]
) -> None:
    if not can_be_nobody():
        pytest.skip("this machine lets no process have an unknown user")
    (tmp_path / "outputs").mkdir()
    done = call(command, {}, tmp_path, before=tuple(NOBODY))
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (0, False), done.stderr
    records = list((tmp_path / "outputs").glob("20*/*"))
    assert all(check(record) == [] for record in records)
    if command is PLAN:
        assert [read(record)["operator"] for record in records] == ["uid 54321"]


@pytest.mark.parametrize("home", ["/nonexistent", "not/absolute", at_night("/dev/null"), at_night("/proc")])
def test_a_home_directory_that_cannot_be_written_is_no_obstacle(tmp_path: Path, home: str) -> None:
    done = forked(*PLAN, "--json", env=few({"HOME": home}), cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "planned"), done.stderr


def test_a_simulator_that_cannot_be_announced_says_so_and_serves(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "simulator"],
        env={"PATH": os.environ["PATH"], "VERGEOS_NB_RUNTIME_DIR": "/dev/null/none"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert (told["vm_name"], process.returncode) == ("web-01", 0)
    assert "VERGEOS_NB_RUNTIME_DIR" in said


def test_a_path_below_home_is_refused_with_the_way_on_where_there_is_no_home(tmp_path: Path) -> None:
    if not can_be_nobody():
        pytest.skip("this machine lets no process have an unknown user")
    done = call(PLAN, {"VERGEOS_NB_POLICY": "~/policy.toml"}, tmp_path, before=tuple(NOBODY))
    assert done.returncode == 2
    assert "this user has none" in done.stdout
    assert "write the full path, or set HOME" in done.stdout


def test_the_time_zones_of_a_policy_are_known_where_the_machine_has_none(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[[window]]\ndays = ["sat"]\nfrom = "22:00"\nto = "23:00"\ntimezone = "Europe/Berlin"\n'
    )
    done = call(PLAN, {"VERGEOS_NB_POLICY": str(policy), "PYTHONTZPATH": "", "HOME": str(tmp_path)}, tmp_path)
    assert done.returncode == 0, done.stderr
