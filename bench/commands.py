"""Trials that are commands, each in a fresh process."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.claim import Sample, Trial
from vergeos_nb.runner.stopping import signals_held

BIN = Path(sys.executable).parent
# The unit of `ru_maxrss`.
_RSS_BY_MB = 1_000_000 if sys.platform == "darwin" else 1_000


def without_switches() -> dict[str, str]:
    """This process's variables, without those that keep Python from writing compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def command(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    code: int = 0,
    terminal: bool = False,
) -> Trial:
    """A trial that runs a command to its end: wall and processor time, and peak memory.

    Args:
        environ: variables beside those of this process.
        code: the exit code that is expected.
        terminal: whether its standard output is a terminal.
    """

    def trial() -> Sample:
        if not terminal:
            return run(arguments, cwd=cwd, environ=environ, code=code)
        with _terminal() as stdout:
            return run(arguments, cwd=cwd, environ=environ, code=code, stdout=stdout)

    return trial


@contextmanager
def _terminal() -> Iterator[int]:
    """A terminal as a file to write to. Its output is thrown away."""
    ours, theirs = pty.openpty()

    def read() -> None:
        with suppress(OSError):
            while os.read(ours, 1 << 16):
                pass

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def run(
    arguments: Sequence[str | Path],
    *,
    cwd: Path,
    environ: Mapping[str, str] | None = None,
    code: int = 0,
    stdout: int | None = None,
) -> Sample:
    """Run a command once and measure it, children included.

    It has its own process group, which is ended if the benchmark is interrupted.

    Args:
        stdout: where its standard output goes; None keeps it for the error.

    Raises:
        RuntimeError: it ended with another exit code; the text holds the end of what it printed.
    """
    log = cwd / "command.log"
    with log.open("wb") as out:
        began = time.perf_counter()
        process = None
        try:
            with signals_held():
                process = subprocess.Popen(
                    [str(word) for word in arguments],
                    cwd=cwd,
                    env={**without_switches(), **(environ or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=out if stdout is None else stdout,
                    stderr=out,
                    start_new_session=True,
                )
            # `wait4` and not `wait`, because it returns the usage of this process and its children.
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            # If the benchmark is stopped, the started processes must end, too.
            if process is not None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            raise
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != code:
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        words = " ".join(str(word) for word in arguments)
        raise RuntimeError(f"{words} ended with {process.returncode}, not {code}:\n{said}")
    return Sample(took, used.ru_utime + used.ru_stime, used.ru_maxrss / _RSS_BY_MB)
