"""``vergeos-nb simulator`` with faults, a record of requests, and addresses."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "vergeos_nb", "simulator"]


def test_fault_rules_from_a_file_are_in_force_and_requests_are_recorded(tmp_path: Path) -> None:
    faults, record = tmp_path / "faults.toml", tmp_path / "requests.jsonl"
    faults.write_text(
        '[[rule]]\nname = "no version"\npath = "/version.json"\nstatus = 503\ntext = "not now"\n'
    )
    command = [*COMMAND, "--faults", str(faults), "--record", str(record), "--vms", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            trust = ssl.create_default_context(cafile=ready["ca_file"])
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{ready['url']}/version.json", context=trust, timeout=20)
            assert (refused.value.code, json.load(refused.value)) == (503, {"err": "not now"})
        finally:
            process.terminate()
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("path") == "/version.json"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/version.json", 503)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "not a loopback address"),
        (["--faults", "FILE"], "did you mean 'method'"),
        (["--faults", "missing.toml"], "No such file"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[[rule]]\nname = "x"\nmethd = "PUT"\n')
    words = [str(bad) if word == "FILE" else word for word in arguments]
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_list_explains_every_scenario_and_every_key_of_a_fault_rule() -> None:
    done = subprocess.run(
        [*COMMAND, "--list", "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert {"stuck", "zombie", "ha_restart"} <= set(answer["scenarios"])
    assert {"nth", "drop", "probability"} <= set(answer["faults"])
    assert all(f"  {name} " in done.stderr for name in (*answer["scenarios"], *answer["faults"]))
