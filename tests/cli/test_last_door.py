"""What nobody foresaw ends in a sentence and an exit code of the table, and its traceback in a file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from tests.cli.test_commands import COMMAND
from tests.served import served
from vergeos_nb.cli.commands import Group
from vergeos_nb.cli.entry import call
from vergeos_nb.machine import lacking, lacking_in

PASSWORD = "canary-Pa55word"
FILE = re.compile(r"\S*vergeos-nb-bug-\S+\.txt")


@pytest.fixture(autouse=True)
def _hooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The door sets these for its process; here the process goes on."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def ending(raises: Callable[[], object]) -> int:
    """The exit code of a command that does this."""

    @click.group(cls=Group)
    def root() -> None:
        """A command line."""

    @root.command()
    def fail() -> None:
        """Fail."""
        raises()

    return call(root, ["fail"])


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_a_bug_is_told_in_a_sentence_and_its_traceback_is_in_a_file_of_this_user(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERGE_HOST", "lab.example")
    monkeypatch.setenv("VERGE_USERNAME", "admin")
    monkeypatch.setenv("VERGE_PASSWORD", PASSWORD)
    assert ending(raising(KeyError(f"x\x1b\u202e{PASSWORD}"))) == 70
    err = capsys.readouterr().err
    found = FILE.search(err)
    assert found is not None
    path = Path(found[0])
    text = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Traceback (most recent call last)" in text
    assert "Traceback" not in err
    assert PASSWORD not in text + err
    assert "\x1b" not in err


ENDS: dict[str, tuple[BaseException, int, str]] = {
    "Ctrl-C": (KeyboardInterrupt(), 7, "Ctrl-C stopped it"),
    "no input": (EOFError(), 70, "a bug of this program"),
    "click gives up": (click.Abort(), 7, "Ctrl-C stopped it"),
    "a word": (click.BadParameter("no"), 2, "no"),
    "click's 1": (click.ClickException("no"), 2, "no"),
    "a file": (click.FileError("x", "no"), 2, "no"),
    "files": (OSError(24, "Too many open files"), 2, "ulimit -n"),
    "memory": (MemoryError(), 2, "not enough memory"),
    "threads": (RuntimeError("can't start new thread"), 2, "ulimit -u"),
    "a full disk": (OSError(28, "No space left on device", "/x"), 10, "/x: No space left on device"),
    "a read-only disk": (OSError(30, "Read-only file system", "/x"), 10, "/x: Read-only file system"),
    "no package": (
        ModuleNotFoundError("x", name="httpx.a"),
        2,
        "package 'httpx' is not installed",
    ),
    "no module of ours": (ModuleNotFoundError("x", name="vergeos_nb.a"), 70, "a bug of this program"),
    "a dead child": (BrokenPipeError(32, "Broken pipe"), 70, "a bug of this program"),
    "a bug": (ZeroDivisionError("x"), 70, "a bug of this program"),
}


@pytest.mark.parametrize("how", ENDS)
def test_every_end_has_an_exit_code_of_the_table_and_a_sentence(
    capsys: pytest.CaptureFixture[str], how: str
) -> None:
    error, code, said = ENDS[how]
    assert ending(raising(error)) == code
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in out + err


def test_a_thread_that_nobody_foresaw_to_fail_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start() -> None:
        thread = threading.Thread(target=raising(ZeroDivisionError("x")))
        thread.start()
        thread.join()

    assert ending(start) == 0
    err = capsys.readouterr().err
    assert "a bug of this program: ZeroDivisionError: x" in err
    assert "Traceback" not in err


def test_an_error_that_came_of_a_lack_is_one_even_where_another_was_raised_over_it() -> None:
    error = ValueError("x")
    error.__cause__ = OSError(24, "Too many open files")
    known = lacking(error, "trying")
    assert known is not None
    assert known.exit_code == 2
    assert lacking(ValueError("x"), "trying") is None
    assert lacking_in("ExecutionError: OSError: [Errno 24] Too many open files", "trying") is not None
    assert lacking_in("KeyError: 24", "trying") is None


def shell(line: str, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command under what a shell sets up before it."""
    return subprocess.run(
        ["sh", "-c", f'{line} exec "$@"', "sh", *COMMAND, *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


RUN = ("run", "force_power_off", "-p", "vm_name=web-01")


@pytest.mark.parametrize("arguments", [RUN, ("stuck",), ("fleet", "status", "x"), ("audit", "list")])
def test_a_working_directory_that_was_removed_is_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    # Holds off: a raw traceback and exit code 1.
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "unset VERGEOS_NB_OUTPUTS; rmdir ../gone;"
    done = shell(code, gone, *arguments, "--json")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 2
    assert "What to do" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("simulator", "--list"), ("doctor",)])
def test_an_answer_that_cannot_be_written_is_told_where_it_is_all_that_was_asked_for(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with served(), Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    assert (done.returncode, "Traceback" in done.stderr) == (10, False)
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("limit", "named"), [("ulimit -n 64;", "64 files"), ("ulimit -v 400000;", "400000 KB (ulimit -v)")]
)
def test_a_limit_of_the_shell_that_is_too_low_for_a_run_is_named_before_it_begins(
    tmp_path: Path, limit: str, named: str
) -> None:
    # Holds off: "a bug of this program", or a native library that aborts.
    done = shell(limit, tmp_path, *RUN, "--outputs", str(tmp_path / "outputs"))
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert named in done.stderr
    assert not (tmp_path / "outputs").exists()


def test_a_soft_limit_is_raised_as_far_as_a_run_needs(tmp_path: Path) -> None:
    script = "import resource; from vergeos_nb.machine import check_limits; check_limits('x'); "
    script += "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    done = subprocess.run(
        ["sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh", sys.executable, "-c", script],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert int(done.stdout) >= 96


def test_a_reader_that_has_gone_is_no_failure() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -c 1; exit ${PIPESTATUS[0]}', "bash", *COMMAND, "simulator", "--list"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_ends_a_reading_command_with_7_and_a_sentence(tmp_path: Path) -> None:
    with served() as simulator:
        process = subprocess.Popen(
            [*COMMAND, "stuck", "--gap", "60", "--outputs", str(tmp_path / "outputs")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        # Its first step has ended, and the wait between the two readings begins.
        assert process.stderr.readline()
        assert simulator.requests
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (7, False)
    assert "Ctrl-C stopped it" in err
