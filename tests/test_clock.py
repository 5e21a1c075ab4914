"""Waiting that somebody else can end."""

from __future__ import annotations

import threading

import pytest

from vergeos_nb.clock import CancellableClock, Cancelled


def test_a_sleeper_is_woken_by_another_thread() -> None:
    clock = CancellableClock()
    threading.Timer(0.01, clock.cancel).start()
    with pytest.raises(Cancelled):
        clock.sleep(60.0)


def test_a_cancel_lasts_until_it_is_taken_back() -> None:
    clock = CancellableClock()
    clock.cancel()
    with pytest.raises(Cancelled):
        clock.sleep(0.0)
    clock.rearm()
    clock.sleep(0.0)
    assert not isinstance(Cancelled(), Exception)
