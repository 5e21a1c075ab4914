"""Signals: what is stopped by them, and what is done whole before they count."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from vergeos_nb.runner import jupyter_lab as lab
from vergeos_nb.runner.stopping import SIGNALS, signals_held


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_within_the_block_counts_after_it_and_once(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, frame: came.append(number))
    try:
        with signals_held():
            signal.raise_signal(number)
            signal.raise_signal(number)
            assert came == []
        assert came == [number]
        signal.raise_signal(number)
        assert came == [number, number]
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_held():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_in_the_moment_in_which_jupyterlab_is_started_ends_it(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: the process was there, what ends it was not yet, and it went on for ever."""
    started: list[subprocess.Popen[bytes]] = []

    class Signalled(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-overload]
            started.append(self)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", Signalled)
    # A job in the background of a shell begins with an ignored SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            lab.ended_in_order(),
            lab.open_lab(tmp_path, tmp_path / "outputs", profile="elsewhere", browser=False),
        ):
            pytest.fail("it is not ready yet")
        assert [process.poll() is None for process in started] == [False]
    finally:
        signal.signal(signal.SIGINT, before)
        for process in started:
            process.kill()
