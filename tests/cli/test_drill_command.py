"""``vergeos-nb drill``: from a record to a simulated system, and from two records to a debriefing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path

from tests.cli.test_commands import COMMAND, WAITS, call
from tests.served import served


def planned(outputs: Path, vm: str = "web-01") -> Path:
    """The record of a planning run on the simulator that is found."""
    code, answer, printed = call(
        "run", "force_power_off", "-p", f"vm_name={vm}", *WAITS, "--outputs", str(outputs)
    )
    assert code == 0, printed
    return Path(answer["record"])


def test_a_record_is_served_as_a_drill_and_the_next_run_is_put_beside_it(tmp_path: Path) -> None:
    with served():
        then = planned(tmp_path / "then")
    serving = subprocess.Popen([*COMMAND, "drill", str(then)], stdout=subprocess.PIPE, text=True)
    assert serving.stdout is not None
    told = json.loads(serving.stdout.readline())
    assert (told["scenario"], told["vm_name"]) == ("captured", "web-01")
    try:
        now = planned(tmp_path / "now")
    finally:
        serving.send_signal(signal.SIGTERM)
    assert serving.wait(timeout=60) == 0
    # By its id and its archive, and as others get it: unpacked from an export.
    in_then = ("--outputs", str(tmp_path / "then"))
    code, answer, printed = call("audit", "export", then.name, "--format", "zip", "-o",
                                 str(tmp_path / "x.zip"), *in_then)  # fmt: skip
    assert code == 0, printed
    shutil.unpack_archive(tmp_path / "x.zip", tmp_path / "elsewhere")
    by_id = call("drill", then.name, "--beside", str(now), *in_then)
    code, answer, _ = call("drill", str(tmp_path / "elsewhere" / then.name), "--beside", str(now))
    assert (code, by_id[:2]) == (0, (code, answer))
    assert [line for line in answer["steps"] if line["then"] != line["now"]] == []
    assert answer["steps"][-2:] == [
        {"step": "sent", "then": "nothing", "now": "nothing"},
        {"step": "end", "then": "planned, off, exit 0", "now": "planned, off, exit 0"},
    ]


def test_a_folder_without_a_journal_is_no_record(tmp_path: Path) -> None:
    for record in (str(tmp_path), "no-such-id"):
        code, answer, printed = call("drill", record, "--beside", record, "--outputs", str(tmp_path))
        assert (code, answer["exit_code"], "vergeos-nb audit list" in printed) == (4, 4, True)
