"""``vergeos-nb capture`` and ``vergeos-nb simulator --from``, as programs see them."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from click.testing import CliRunner

from tests.cli.test_commands import COMMAND, call
from tests.served import served
from vergeos_nb.cli.measuring.capture_command import capture
from vergeos_nb.simulator import read_captured


def test_a_capture_is_written_and_a_simulator_serves_it(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    with served():
        code, answer, _ = call("capture", "-o", str(file))
    captured = read_captured(file)
    rows = sum(map(len, captured.tables.values()))
    assert (code, answer) == (
        0, {"file": str(file), "rows": rows, "calls": captured.calls, "version": "26.2.1"},
    )  # fmt: skip
    serving = subprocess.Popen(
        [*COMMAND, "simulator", "--from", str(file)], stdout=subprocess.PIPE, text=True
    )
    assert serving.stdout is not None
    told = json.loads(serving.stdout.readline())
    assert (told["scenario"], told["vm_name"]) == ("captured", "name-1")
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=60) == 0


def test_the_file_is_named_as_for_an_export_and_the_former_spelling_works_unseen(tmp_path: Path) -> None:
    shown = CliRunner().invoke(capture, ["--help"]).output
    assert ("-o, --output FILE" in shown, "--out " in shown) == (True, False)
    for spelling in ("--output", "--out"):
        refused = call("capture", spelling, str(tmp_path / "none" / "lab.json"))
        assert refused[0] == 10
        assert "name a file in a folder that exists and can be written" in refused[2]


def test_a_file_that_is_no_capture_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "lab.json"
    file.write_text("{}")
    command = [*COMMAND, "simulator", "--from", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "no capture" in done.stderr) == (2, True)
