"""One writer to the terminal: no name drives it, and no encoding makes it fail."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.at_night import at_night
from tests.cli.test_commands import COMMAND, WAITS
from tests.commands import command
from tests.served import changing, served
from vergeos_nb.cli.entry import call
from vergeos_nb.cli.main import cli
from vergeos_nb.cli.output import Output
from vergeos_nb.record.record_folder import check

PACKAGE = Path(__file__).parents[2] / "vergeos_nb"
ENCODINGS = ("ascii", "latin-1", "cp437", "utf-8")
# A title, colours, marks that turn the direction of writing, C1, a line that looks like ours, another script.
DRIVES = "web\x1b]0;owned\x07\x1b[31m\x9b31m\u202e\u2066\x7f\u2028\n✔ done\r\ud83d漢ü-01"
TURNS = "web-\u202e\u2066ü漢-01"
TABLE = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 70}


class Terminal:
    """Standard output and error of one call in this process."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self.streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n") for _ in range(2)]

    def call(self, *arguments: str) -> int:
        """Call the command line. Returns the exit code."""
        before = sys.stdout, sys.stderr, threading.excepthook, sys.unraisablehook
        sys.stdout, sys.stderr = self.streams
        try:
            code = call(cli, list(arguments))
        finally:
            sys.stdout, sys.stderr, threading.excepthook, sys.unraisablehook = before
        assert code in TABLE, (arguments, code)
        return code

    def printed(self) -> tuple[str, str]:
        """What was printed, as a terminal of this encoding reads it."""
        return tuple(s.buffer.getvalue().decode(self.encoding) for s in self.streams)  # type: ignore[attr-defined,return-value]


def drives(text: str) -> set[str]:
    """The characters that a terminal would obey, or that nobody sees."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def called(encoding: str, *arguments: str) -> tuple[int, str, str]:
    terminal = Terminal(encoding)
    code = terminal.call(*arguments)
    out, err = terminal.printed()
    assert "Traceback" not in out + err, arguments
    assert drives(out + err) == set(), arguments
    return code, out, err


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, bytes]]:
    """An archive with one record of a simulated system with hostile names, and what announces that where."""
    archive = tmp_path_factory.mktemp("archive") / "out\x1b[31m\u202eputs"
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("VERGEOS_NB_RUNTIME_DIR", str(home))
        with served() as simulator:
            simulator.world.set_row("vms", simulator.world.vm("web-01").key, name=TURNS)
            simulator.world.set_row("vms", simulator.world.vm("web-02").key, name=DRIVES)
            code, _, err = called("utf-8", "stuck", "--gap", "1.1", "--outputs", str(archive))
            assert code == 0, err
            yield archive, home / "simulator.json", (home / "simulator.json").read_bytes()


@pytest.fixture
def hostile(system: tuple[Path, Path, bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive of that system, which the profile ``simulator`` finds."""
    archive, announced, told = system
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(announced.parent))
    # A command that serves a simulator takes away what this process has announced.
    announced.write_bytes(told)
    announced.chmod(0o600)
    return archive


def commands(archive: Path) -> list[Sequence[str]]:
    """Every command that ends by itself, as far as it can be called in this process."""
    (record,) = {path.parent.name for path in archive.glob("*/*/record.json")}
    outputs = ("--outputs", str(archive))
    others = ("--outputs", f"{archive}-others")
    return [
        ("--help",), ("--version",), (), (DRIVES,), ("run",), ("run", "--help"), ("run", DRIVES),
        ("run", "force_power_off", f"--{DRIVES}"), ("run", "force_power_off", "-p", DRIVES),
        ("run", "force_power_off", "--deadline", DRIVES),
        ("run", "force_power_off", "-p", f"{DRIVES}=1", *others),
        ("simulator", "--list"), ("simulator", "--scenario", DRIVES), ("simulator", "--faults", DRIVES),
        ("lab", "--profile", DRIVES), ("doctor",), ("doctor", "--profile", DRIVES),
        ("fleet", "plan", DRIVES), ("fleet", "plan", "--name", DRIVES), ("fleet", "status", DRIVES, *outputs),
        ("fleet", "approve", DRIVES, "--approver", DRIVES, *outputs), ("fleet", "apply", DRIVES, *outputs),
        ("fleet", "resume", DRIVES, *outputs),
        ("audit", "list", *outputs), ("audit", "list", "--csv", *outputs),
        ("audit", "list", "--removed", *outputs),
        ("audit", "list", "--vm", DRIVES, *outputs), ("audit", "list", "--since", DRIVES, *outputs),
        ("audit", "show", record, *outputs), ("audit", "show", DRIVES, *outputs),
        ("audit", "verify", *outputs),
        ("audit", "verify", "--outputs", DRIVES), ("audit", "verify", "--expect-head", DRIVES, *outputs),
        ("audit", "diff", record, record, *outputs), ("audit", "diff", record, DRIVES, *outputs),
        ("audit", "export", record, "-o", str(archive.parent / f"x{TURNS}"), *outputs),
        ("audit", "hold", record, "--reason", TURNS, *outputs),
        ("audit", "release", record, "--reason", TURNS, *outputs),
        ("audit", "prune", "--keep", "0", "--reason", DRIVES, *outputs), ("audit", "recover", *outputs),
        ("audit", "reindex", *outputs), ("audit", "sign", *outputs), ("audit", "mirror", *outputs),
        ("audit", "forward", *outputs),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_command_fails_on_an_encoding_or_lets_a_word_drive_the_terminal(
    hostile: Path, encoding: str
) -> None:
    for arguments in commands(hostile):
        called(encoding, *arguments)
        code, out, _ = called(encoding, *arguments, "--json")
        lines = out.splitlines()
        if lines and "--help" not in arguments and "--version" not in arguments and arguments != ():
            answer = json.loads(lines[-1])
            assert out.isascii() or "--csv" in arguments, arguments
            assert answer.get("exit_code", code) == code, arguments


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_stuck_shows_hostile_names_as_text_and_gives_programs_their_value(
    hostile: Path, encoding: str
) -> None:
    # Holds off: the name of a VM sets the terminal's title and colours.
    look = ("stuck", "--all", "--gap", "1.1", "--outputs", str(hostile.parent / "looks"))
    code, out, _ = called(encoding, *look)
    assert (code, "web\\x1b]0;owned\\x07\\x1b[31m\\x9b31m\\u202e\\u2066" in out) == (0, True)
    code, out, _ = called(encoding, *look, "--csv")
    assert (code, "\\x1b]0;owned" in out) == (0, True)
    code, out, _ = called(encoding, *look, "--json")
    (line,) = out.splitlines()
    assert line.isascii()
    assert {DRIVES, TURNS} <= {vm["name"] for vm in json.loads(line)["vms"]}


@pytest.mark.parametrize("encoding", ["ascii", at_night("latin-1")])
def test_an_apply_whose_terminal_has_not_our_signs_is_done_and_ends_with_0(
    outputs: Path, encoding: str
) -> None:
    # Holds off: the VM is forced off, the record says done, and the command ends with 1 and a traceback.
    run = ["run", "force_power_off", "-p", f"vm_name={TURNS}", *WAITS, "--outputs", str(outputs)]
    with served() as simulator:
        simulator.world.set_row("vms", simulator.world.vm("web-01").key, name=TURNS)
        environ = {**os.environ, "PYTHONIOENCODING": encoding}
        planned = command(*run, "--json")
        answer = json.loads(planned.stdout.splitlines()[-1])
        done = subprocess.run(
            [*COMMAND, *run, "--approve", answer["plan_digest"]],
            capture_output=True,
            env=environ,
            timeout=150,
        )
        assert len(changing(simulator)) == 3
    printed = (done.stdout + done.stderr).decode(encoding)
    assert (done.returncode, "Traceback" in printed, drives(printed)) == (0, False, set())
    assert "\\u202e" in printed
    newest = max(outputs.glob("*/*/record.json"), key=lambda path: path.stat().st_mtime_ns).parent
    assert (json.loads((newest / "record.json").read_text())["outcome"], check(newest)) == ("done", [])


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "✔ ü漢 \\ud83d\\x1b\\u202e"),
        ("latin-1", "+ ü\\u6f22 \\ud83d\\x1b\\u202e"),
        ("ascii", "+ \\xfc\\u6f22 \\ud83d\\x1b\\u202e"),
        ("cp437", "+ ü\\u6f22 \\ud83d\\x1b\\u202e"),
        ("utf-16", "✔ ü漢 \\ud83d\\x1b\\u202e"),
    ],
)
def test_a_line_is_shown_in_what_the_terminal_has(
    monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    terminal = Terminal(encoding)
    monkeypatch.setattr(sys, "stdout", terminal.streams[0])
    Output(as_json=False).line("✔ ü漢 \ud83d\x1b\u202e")
    assert terminal.printed()[0] == f"{shown}\n"


def test_what_no_number_of_json_says_is_null() -> None:
    from vergeos_nb.cli.output import as_json

    assert as_json({"a": float("nan"), "b": [float("inf"), 1.5], "c": "\x7f\u202e"}) == (
        '{"a": null, "b": [null, 1.5], "c": "\\u007f\\u202e"}'
    )


def test_nobody_but_the_one_writer_prints() -> None:
    """Holds off: a module of its own that fails on an encoding, or prints what drives the terminal."""
    found = []
    for room in ("cli", "runner"):
        for path in sorted((PACKAGE / room).rglob("*.py")):
            if path.name == "output.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                stream = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
                if named in ("print", "click.echo", "click.secho", "click.echo_via_pager") or stream in (
                    "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__",
                ):  # fmt: skip
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
