"""The commands as programs see them: JSON lines, exit codes, signals."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command
from tests.forwarding.receivers import Received, free_port, stream_receiver
from tests.rehearsal import Rehearsal
from tests.served import QUICK, served

COMMAND = [sys.executable, "-m", "vergeos_nb"]
WAITS = [word for name, value in QUICK.items() for word in ("-p", f"{name}={value}")]


def call(*arguments: str, cwd: Path | None = None) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON on the last line of standard output, and everything printed."""
    done = command(*arguments, "--json", cwd=cwd)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def test_run_prints_one_json_object_as_its_last_line(outputs: Path) -> None:
    with served():
        code, answer, _ = call(
            "run", "force_power_off", "-p", "vm_name=web-01", *WAITS, "--outputs", str(outputs)
        )
    (record,) = outputs.glob("*/*/record.json")
    digest = json.loads(record.read_text())["plan_digest"]
    assert code == 0
    assert answer == {
        "outcome": "planned",
        "verdict": "off",
        "rests_on": "assumed",
        "exit_code": 0,
        "plan_digest": digest,
        "record": str(record.parent),
        "profile": "simulator",
        "simulated": True,
    }


@pytest.mark.parametrize(
    ("scenario", "name", "exit_code", "verdict"),
    [
        ("twins", "web-01", 4, "unknown"),
        ("stuck", "no-such-vm", 4, "unknown"),
        ("snapshot_only", "web-01", 3, "unknown"),
        ("wrong_row", "web-01", 3, "unknown"),
    ],
)
def test_run_ends_with_the_exit_code_of_what_was_wrong(
    scenario: str, name: str, exit_code: int, verdict: str, outputs: Path
) -> None:
    with served(scenario) as simulator:
        code, answer, _ = call(
            "run", "force_power_off", "-p", f"vm_name={name}", *WAITS, "--outputs", str(outputs)
        )
        assert simulator.changing_requests() == []
    assert (code, answer["outcome"], answer["verdict"]) == (exit_code, "refused", verdict)
    assert (Path(answer["record"]) / "notebook.html").is_file()


def test_a_wrong_password_is_asked_once_and_ends_with_9(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as simulator:
        monkeypatch.setenv("VERGE_HOST", simulator.door.host)  # type: ignore[attr-defined]
        monkeypatch.setenv("VERGE_CA_FILE", str(simulator.door.ca_file))  # type: ignore[attr-defined]
        monkeypatch.setenv("VERGE_USERNAME", "admin")
        monkeypatch.setenv("VERGE_PASSWORD", "Canary-wrong-word")
        code, answer, printed = call(
            "run", "force_power_off", "-p", "vm_name=web-01", "--profile", "env", "--outputs", str(outputs)
        )
        assert [entry.status for entry in simulator.requests] == [401]
    assert (code, answer["outcome"]) == (9, "failed")
    assert "Canary-wrong-word" not in printed


def test_a_host_that_nobody_listens_on_ends_with_8(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERGE_HOST", "127.0.0.1:9")
    monkeypatch.setenv("VERGE_TOKEN", "Canary-token-word")
    code, answer, printed = call(
        "run", "force_power_off", "-p", "vm_name=web-01", "--profile", "env", "--outputs", str(outputs)
    )
    assert (code, answer["outcome"], answer["simulated"]) == (8, "failed", False)
    assert "127.0.0.1:9" in printed
    assert "Canary-token-word" not in printed


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "force_power_of", "-p", "vm_name=x"), "force_power_off"),
        (("run", "force_power_off", "-p", "vm_name"), "NAME=VALUE"),
        (("run", "force_power_off", "-p", "vm_name=x", "-p", "vm_name=y"), "given twice"),
        (("run", "force_power_off", "-p", "profile=env", "--profile", "env"), "given twice"),
        (("simulator", "--scenario", "stukc"), "stuck"),
    ],
)
def test_a_word_that_cannot_be_meant_ends_with_2_and_names_the_right_one(
    arguments: tuple[str, ...], named: str, tmp_path: Path
) -> None:
    code, answer, printed = call(*arguments, cwd=tmp_path)
    assert (code, answer["exit_code"]) == (2, 2)
    assert named in printed
    assert "Traceback" not in printed


def test_an_unknown_command_or_option_ends_with_2_and_json(tmp_path: Path) -> None:
    assert call("runn", cwd=tmp_path)[0] == 2
    assert call("run", "force_power_off", "--aprove", "x", cwd=tmp_path)[0] == 2


def test_the_demo_forces_off_and_its_record_holds(outputs: Path) -> None:
    code, answer, _ = call("demo", "--outputs", str(outputs))
    assert code == 0
    assert (answer["outcome"], answer["verdict"], answer["record_intact"]) == ("done", "off", True)
    assert answer["changing_calls"] == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_simulator_says_where_it_is_and_stops_on_a_signal(number: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "simulator", "--scenario", "twins"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {
            "host",
            "url",
            "ca_file",
            "username",
            "password",
            "api_key",
            "pid",
            "scenario",
            "vm_name",
        }
        assert (ready["pid"], ready["scenario"], ready["vm_name"]) == (process.pid, "twins", "web-01")
        trust = ssl.create_default_context(cafile=ready["ca_file"])
        with urllib.request.urlopen(f"{ready['url']}/version.json", context=trust, timeout=20) as answer:
            assert answer.status == 200
        announced = Path(os.environ["VERGEOS_NB_RUNTIME_DIR"]) / "simulator.json"
        assert json.loads(announced.read_text()) == ready
        assert announced.stat().st_mode & 0o777 == 0o600
    finally:
        process.send_signal(number)
        assert process.wait(20) == 0
    assert not announced.exists()


def test_a_port_in_use_is_said_so_without_a_traceback() -> None:
    with served() as simulator:
        port = simulator.door.host.rpartition(":")[2]  # type: ignore[attr-defined]
        done = subprocess.run(
            [*COMMAND, "simulator", "--port", port], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_the_simulator_well() -> None:
    with served():
        code, answer, _ = call("doctor")
    assert code == 0
    assert {item["name"]: item["ok"] for item in answer["findings"]}["API"] is True


def test_doctor_says_what_is_missing(tmp_path: Path) -> None:
    code, answer, _ = call("doctor", "--profile", "env")
    assert (code, answer["findings"][0]["ok"]) == (2, False)
    assert "VERGE_HOST" in answer["findings"][0]["detail"] + answer["findings"][0]["next_step"]


@pytest.mark.parametrize("is_up", [True, False])
def test_doctor_tests_the_target_of_the_forwarding_and_fails_not_for_it(
    is_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    received, port = Received(), free_port()
    monkeypatch.setenv("VERGEOS_NB_FORWARD", f"syslog+tcp://127.0.0.1:{port}")
    with served(), stream_receiver(received, port) if is_up else nullcontext():
        code, answer, _ = call("doctor")
    finding = answer["findings"][-1]
    assert (code, finding["name"], finding["ok"]) == (0, "forwarding", True if is_up else None)
    assert received.events == (["test"] if is_up else [])


def test_audit_forward_delivers_what_waits_and_says_what_is_missing(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received, port = Received(), free_port()
    where = ("--outputs", str(outputs))
    outputs.mkdir(exist_ok=True)
    code, _, said = call("audit", "forward", *where)
    assert (code, "VERGEOS_NB_FORWARD" in said) == (2, True)
    monkeypatch.setenv("VERGEOS_NB_FORWARD", f"syslog+tcp://127.0.0.1:{port}")
    Rehearsal("stuck", outputs).run(finish=True)
    code, _, said = call("audit", "forward", *where)
    assert (code, "Connection refused" in said) == (10, True)
    with stream_receiver(received, port):
        code, answer, _ = call("audit", "forward", *where)
        again, nothing, _ = call("audit", "forward", *where)
    assert (code, answer) == (0, {"messages": 6, "unsealed_runs": 0, "exit_code": 0})
    assert (again, nothing["messages"], received.events[-1]) == (0, 0, "sealed")


def test_a_plan_on_the_terminal_tells_its_warnings_and_ends_with_how_it_is_applied(
    outputs: Path,
) -> None:
    """Holds off: Connect had a warning sign, and only the record said that changes are refused."""
    with served("reader"):
        done = command("run", "force_power_off", "-p", "vm_name=web-01", *WAITS, "--outputs", str(outputs))
    warned = [line for line in done.stdout.splitlines() if "permissions are for reading only" in line]
    assert (done.returncode, len(warned)) == (0, 1)
    assert warned[0].startswith("  △ Connect: ")
    digest = done.stdout.rpartition("--approve ")[2]
    assert done.stdout.splitlines()[-1] == f"  apply   the same command with --approve {digest.strip()}"
    assert f"approve={digest.strip()}" in done.stdout
