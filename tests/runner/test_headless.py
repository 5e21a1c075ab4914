"""Headless runs with real kernels against the simulator's TLS door."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.at_night import at_night
from tests.coroutines import completed
from tests.served import LADDER, NAME, QUICK, changing, files_with, served
from vergeos_nb.errors import RecordError, UsageError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.values.outcomes import RunOutcome
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runner import stopping
from vergeos_nb.runner.headless import run
from vergeos_nb.runner.stopping import Stop
from vergeos_nb.simulator.faults.rules import Rule

PUT = ("PUT", "/api/v4/machine_status/46")


def statuses(folder: Path) -> dict[str, str]:
    """What the record's notebook says of each step."""
    notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    told = (cell.metadata.get("vergeos_nb", {}) for cell in notebook.cells)
    return {item["step"]: item["status"] for item in told if "step" in item}


def one_record(outputs: Path) -> Path:
    """The only run's folder, with or without a record in it."""
    (journal,) = outputs.glob("*/*/journal.jsonl")
    return journal.parent


def wait_for(journal: Path, event: str, within_s: float = 60, **fields: Any) -> Mapping[str, Any]:
    """The first journal line of this event with these fields, as soon as it is there."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if journal.exists():
            # Half a line may be there already; what follows the last line feed is not whole.
            for line in journal.read_text().rpartition("\n")[0].splitlines():
                data = json.loads(line)
                if data.get("event") == event and all(data.get(k) == v for k, v in fields.items()):
                    return data
        time.sleep(0.05)
    raise AssertionError(f"no {event} within {within_s} s")


def journal_below(outputs: Path, within_s: float = 60) -> Path:
    """The journal of the run that is just starting."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        for journal in outputs.glob("*/*/journal.jsonl"):
            return journal
        time.sleep(0.05)
    raise AssertionError(f"no journal within {within_s} s")


def test_a_run_without_approval_plans_changes_nothing_and_succeeds(outputs: Path) -> None:
    lines: list[str] = []
    with served() as simulator:
        report = run(
            "force_power_off", NAME, outputs=outputs, on_line=lambda line: lines.append(line["event"])
        )
        assert changing(simulator) == []
    account = report.account
    assert (account.outcome, account.verdict, report.exit_code) == ("planned", "off", 0)
    assert lines[:3] == ["run-opened", "profile", "step-began"]
    assert lines[-1] == "run-ended"
    assert check(report.folder) == []
    assert statuses(report.folder) == {
        "connect": "passed",
        "locate": "passed",
        "status_key": "passed",
        "verify": "passed",
        "alive": "passed",
        "plan": "passed",
        "poweroff": "skipped",
        "snapshot": "skipped",
        "kill": "skipped",
        "force": "skipped",
        "confirm": "skipped",
    }


def test_a_run_can_be_begun_where_an_event_loop_runs_as_in_a_cell_of_a_notebook(outputs: Path) -> None:
    # Holds off: it was told as the kernel's death, and no kernel had been started.
    async def cell() -> tuple[str, int]:
        report = run("force_power_off", NAME, outputs=outputs)
        return report.account.outcome, report.exit_code

    with served():
        assert completed(cell()) == ("planned", 0)


def test_a_run_whose_progress_cannot_be_shown_goes_on(
    outputs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Holds off: an exception in what prints a line ended the kernel in the middle of its run."""

    def fails(line: Mapping[str, Any]) -> None:
        raise KeyError("text")

    with served():
        report = run("force_power_off", NAME, outputs=outputs, on_line=fails)
    assert (report.account.outcome, report.exit_code) == ("planned", 0)
    assert "cannot be shown: KeyError('text')" in caplog.text


def test_an_approved_plan_of_an_earlier_run_is_applied_once_and_proved(outputs: Path) -> None:
    with served() as simulator:
        digest = run("force_power_off", NAME, outputs=outputs).account.fact("plan_digest")
        report = run("force_power_off", {**NAME, "approve": digest, "approver": "ada"}, outputs=outputs)
        assert [json.loads(entry.body) for entry in simulator.changing_requests()] == [
            {"vm": 41, "action": "poweroff"},
            {"vm": 41, "action": "kill"},
            {"running": False, "migratable": True, "status": "stopped", "state": "offline"},
        ]
        assert changing(simulator) == LADDER
        assert not simulator.process_alive("web-01")
    record = read(report.folder)
    assert (record["outcome"], record["verdict"], record["exit_code"]) == ("done", "off", 0)
    assert record["approval"]["approver"] == "ada"
    assert record["before"]["status"] == "unresponsive"
    assert record["after"]["status"] == "stopped"
    assert record["simulated"] is True
    assert check(report.folder) == []


def test_a_run_that_is_refused_says_so_in_exit_code_and_record(outputs: Path) -> None:
    with served("twins"):
        report = run("force_power_off", NAME, outputs=outputs)
    assert (report.account.outcome, report.exit_code) == ("refused", 4)
    assert check(report.folder) == []
    assert statuses(report.folder)["locate"] == "refused"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "vm_name is missing"),
        ({"vm_name": ""}, "vm_name is empty"),
        ({"vm_name": "a\x1bb"}, "control characters (U+001B)"),
        ({"vm_name": "x" * 300}, "has 300 characters"),
        ({"vm_name": "web-01", "sample_gap_s": "soon"}, "sample_gap_s"),
        ({"vm_name": "web-01", "vm_nmae": "web-02"}, "vm_nmae is no parameter"),
        ({"vm_name": "web-01", "approve": "yes"}, "no plan digest"),
    ],
)
def test_mistyped_parameters_stop_before_a_kernel_starts_and_leave_a_record(
    given: dict[str, str], problem: str, outputs: Path
) -> None:
    report = run("force_power_off", given, outputs=outputs)
    record = read(report.folder)
    assert (record["outcome"], record["exit_code"]) == ("refused", 2)
    assert problem in record["steps"][0]["error"]["came_back"]
    # Had a kernel been started, it would have written its profile down.
    assert [line["event"] for line in read_journal(report.folder / "journal.jsonl").lines] == [
        "run-opened",
        "step-ended",
        "run-ended",
    ]


def test_an_unknown_runbook_is_named_and_leaves_nothing(outputs: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'force_power_off'"):
        run("force_power_of", NAME, outputs=outputs)
    assert not outputs.exists()


def test_outputs_that_cannot_be_written_stop_before_anything_is_sent(tmp_path: Path) -> None:
    blocked = tmp_path / "outputs"
    blocked.write_text("a file, not a folder")
    with served() as simulator:
        with pytest.raises(RecordError, match="nothing was sent"):
            run("force_power_off", NAME, outputs=blocked)
        assert simulator.requests == []


def test_a_profile_that_cannot_be_used_has_its_exit_code_and_record(outputs: Path) -> None:
    report = run("force_power_off", {**NAME, "profile": "nowhere"}, outputs=outputs)
    record = read(report.folder)
    assert (record["outcome"], record["verdict"], record["exit_code"]) == ("refused", "unknown", 2)
    assert "nowhere" in record["steps"][0]["error"]["asked"]


def test_a_deadline_interrupts_the_kernel_and_the_record_says_where(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []
    # The time is up when the kernel waits for its second sample, however long it took to come that far.
    monkeypatch.setattr(stopping, "monotonic", lambda: 60.0 * len(waits))

    def on_line(line: Mapping[str, Any]) -> None:
        if line["event"] == "note":
            waits.append(line["event"])

    with served() as simulator:
        given = {**NAME, "sample_gap_s": 120}
        report = run("force_power_off", given, outputs=outputs, deadline_s=8, on_line=on_line)
        assert changing(simulator) == []
    account = report.account
    assert (account.outcome, account.verdict, report.exit_code) == ("interrupted", "unknown", 7)
    assert (account.running, account.interrupted_by) == ("alive", "the deadline of 8 s")
    told = statuses(report.folder)
    assert (told["verify"], told["alive"], told["plan"]) == ("passed", "interrupted", "not run")
    assert check(report.folder) == []


def test_a_kernel_killed_in_a_wait_leaves_a_truthful_record(outputs: Path) -> None:
    """Holds off papermill's own account of a dead kernel, in which every cell is ``completed``."""

    def kill(line: Mapping[str, Any]) -> None:
        if line["event"] == "run-opened":
            pids.append(line["pid"])
        if line["event"] == "note":
            os.kill(pids[0], signal.SIGKILL)

    pids: list[int] = []
    with served() as simulator:
        report = run("force_power_off", {**NAME, "sample_gap_s": 120}, outputs=outputs, on_line=kill)
        assert changing(simulator) == []
    account = report.account
    assert (account.outcome, account.verdict, report.exit_code) == ("interrupted", "unknown", 7)
    assert account.interrupted_by == "the kernel's death"
    assert statuses(report.folder)["plan"] == "not run"


def test_a_kernel_killed_while_the_put_is_under_way_may_have_sent_it_and_is_never_off(outputs: Path) -> None:
    def kill(line: Mapping[str, Any]) -> None:
        if line["event"] == "run-opened":
            pids.append(line["pid"])
        if line["event"] == "intent" and line["method"] == "PUT":
            os.kill(pids[-1], signal.SIGKILL)

    pids: list[int] = []
    with served() as simulator:
        digest = run("force_power_off", NAME, outputs=outputs).account.fact("plan_digest")
        simulator.faults.add(Rule("slow PUT", method="PUT", delay=30))
        report = run("force_power_off", {**NAME, "approve": digest}, outputs=outputs, on_line=kill)
    account = report.account
    assert (account.outcome, account.verdict, report.exit_code) == ("interrupted", "unknown", 7)
    call = account.changing_calls[-1]
    assert (call.method, call.path, call.exchange) == (*PUT, None)
    assert statuses(report.folder)["force"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_runner_reaches_the_kernel_and_ends_in_a_record(number: int, outputs: Path) -> None:
    with served() as simulator:
        process = start_command(outputs, "-p", "sample_gap_s=120")
        wait_for(journal_below(outputs), "note")
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        assert changing(simulator) == []
    answer = json.loads(out.splitlines()[-1])
    assert (answer["outcome"], answer["exit_code"], process.returncode) == ("interrupted", 7, 7)
    folder = one_record(outputs)
    record = read(folder)
    assert (record["stopped_in"], record["interrupted_by"]) == ("alive", signal.Signals(number).name)
    assert check(folder) == []


def test_a_terminal_that_is_closed_ends_the_run_with_its_record(outputs: Path) -> None:
    """Nobody took SIGHUP, and what was left was a journal."""
    with served() as simulator:
        pid, terminal = pty.fork()
        if pid == 0:
            # It is ignored where the tests themselves run under nohup.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            words = command(outputs, "-p", "sample_gap_s=120")
            os.execv(words[0], words)
        wait_for(journal_below(outputs), "note")
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        assert changing(simulator) == []
    folder = one_record(outputs)
    record = read(folder)
    assert os.waitstatus_to_exitcode(status) == 7
    assert (record["outcome"], record["interrupted_by"], check(folder)) == ("interrupted", "SIGHUP", [])


def test_a_hangup_that_is_ignored_as_under_nohup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop(None)
        with stop.listening():
            signal.raise_signal(signal.SIGHUP)
        assert (stop.reason, signal.getsignal(signal.SIGHUP)) == ("", signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("read_lines", [1, at_night(0)])
def test_a_run_goes_on_to_its_record_when_nobody_reads_what_it_prints(read_lines: int, outputs: Path) -> None:
    """With `… | head` the run ended where it stood, whatever it had sent by then, and made no record."""
    with served() as simulator:
        digest = run("force_power_off", NAME, outputs=outputs).account.fact("plan_digest")
        process = start_command(outputs, "--approve", digest)
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in range(read_lines):
            process.stderr.readline()
        process.stdout.close()
        process.stderr.close()
        assert process.wait(60) == 0
        assert len(changing(simulator)) == 3
    newest = max(outputs.glob("*/*/record.json"), key=lambda path: path.stat().st_mtime_ns).parent
    assert (read(newest)["verdict"], check(newest)) == ("off", [])


def test_a_run_without_standard_streams_makes_its_record(outputs: Path) -> None:
    """Its sockets got the numbers of the streams, and the kernel died of what was printed into them."""
    with served():
        done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command(outputs)], timeout=60)
    assert (done.returncode, check(one_record(outputs))) == (0, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_an_answer_that_cannot_be_written_is_said_and_changes_no_exit_code(outputs: Path) -> None:
    with served(), Path("/dev/full").open("wb") as full:
        done = subprocess.run(command(outputs), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "The answer could not be written: No space left on device"
    assert (done.returncode, check(one_record(outputs))) == (0, [])


def test_a_killed_runner_leaves_a_journal_and_no_kernel(outputs: Path) -> None:
    with served() as simulator:
        process = start_command(outputs, "-p", "sample_gap_s=120")
        journal = journal_below(outputs)
        kernel = wait_for(journal, "run-opened")["pid"]
        wait_for(journal, "note")
        process.kill()
        process.communicate()
        assert gone(kernel)
        assert changing(simulator) == []
    account = run_state_of(read_journal(journal))
    assert (account.changing_calls, account.outcome, account.verdict) == ((), "interrupted", "unknown")


def test_a_run_that_finds_no_room_for_its_record_says_so_and_not_that_its_journal_is_missing(
    outputs: Path,
) -> None:
    # As on a full disk: the kernel and the runner can write no more than a megabyte into a file.
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with served() as simulator:
            process = start_command(outputs, "--approve", "0" * 64)
            out, err = process.communicate(timeout=60)
            assert simulator.requests == []
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    answer = json.loads(out.splitlines()[-1])
    assert (process.returncode, answer["type"], answer["asked"]) == (
        10,
        "RecordError",
        "making sure that the record can be kept",
    ), err


def test_no_secret_reaches_the_archive_the_terminal_or_the_kernel_s_notebook(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "Canary'7{\\}\"pass<>&word"
    with served(password=canary) as simulator:
        monkeypatch.setenv("VERGE_HOST", simulator.door.host)  # type: ignore[attr-defined]
        monkeypatch.setenv("VERGE_CA_FILE", str(simulator.door.ca_file))  # type: ignore[attr-defined]
        monkeypatch.setenv("VERGE_USERNAME", simulator.username)
        monkeypatch.setenv("VERGE_PASSWORD", canary)
        process = start_command(outputs, "--profile", "env")
        out, err = process.communicate(timeout=90)
    answer = json.loads(out.splitlines()[-1])
    assert (answer["outcome"], answer["simulated"], answer["profile"]) == ("planned", True, "env")
    needles = ("Canary'7", "Canary%277", "Canary\\'7")
    assert files_with(outputs, *needles) == []
    assert not any(needle in out + err for needle in needles)


def test_runs_in_threads_do_not_take_the_signals_of_the_process(outputs: Path) -> None:
    reports = []
    before = signal.getsignal(signal.SIGTERM)
    with served():
        thread = threading.Thread(
            target=lambda: reports.append(run("force_power_off", NAME, outputs=outputs))
        )
        thread.start()
        thread.join(90)
    assert [report.exit_code for report in reports] == [0]
    assert signal.getsignal(signal.SIGTERM) is before


def command(outputs: Path, *more: str) -> list[str]:
    """``vergeos-nb run`` over the VM web-01, without the procedure's pauses."""
    waits = [
        word for name, value in QUICK.items() for word in ("-p", f"{name}={value}") if name not in str(more)
    ]
    run_it = [sys.executable, "-m", "vergeos_nb", "run", "force_power_off", "-p", "vm_name=web-01"]
    return [*run_it, *waits, "--outputs", str(outputs), "--json", *more]


def start_command(outputs: Path, *more: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        command(outputs, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def gone(pid: int, within_s: float = 20) -> bool:
    """Whether the process is gone soon."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(("size", "outcome"), [("16k", "interrupted"), ("64k", "planned")])
def test_a_full_disk_ends_with_10_says_so_and_sends_nothing(size: str, outcome: str, tmp_path: Path) -> None:
    outputs = tmp_path / "small"
    outputs.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(outputs)])
    if mounted.returncode:
        pytest.skip("making a small file system takes the right to mount one")
    try:
        with served() as simulator:
            report = run("force_power_off", NAME, outputs=outputs)
            assert changing(simulator) == []
        assert (report.account.outcome, report.exit_code) == (outcome, 10)
        assert "No space left on device" in str(report.record_error)
        assert not list(outputs.glob("*/*/*.part"))
    finally:
        subprocess.run(["umount", str(outputs)], check=True)


def test_a_run_loads_no_startup_file_of_its_user(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'region = "eu"\nraise SystemExit(3)\n'
    folder = tmp_path / "home/.ipython/profile_default/startup"
    folder.mkdir(parents=True)
    (folder / "00-mine.py").write_text(text)
    (tmp_path / "rc.py").write_text(text)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "rc.py"))
    report = run("force_power_off", {"vm_name": "web-01", **QUICK}, outputs=outputs)
    assert (report.account.outcome, report.exit_code) == (RunOutcome.PLANNED, 0)


def test_a_run_uses_this_python_whatever_kernel_its_user_has_installed_under_its_name(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tmp_path / "data/kernels/python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "x", "language": "python"}')
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    report = run("force_power_off", {"vm_name": "web-01", **QUICK}, outputs=outputs)
    assert (report.account.outcome, report.exit_code) == (RunOutcome.PLANNED, 0)
