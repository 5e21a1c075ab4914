"""Threads beside a card: none of them ends in silence when what it calls fails."""

from __future__ import annotations

import threading

import pytest

from vergeos_nb.widgets.job import CardJob


def test_the_ticking_goes_on_after_a_tick_that_failed_and_the_failure_is_told() -> None:
    """Holds off: one exception in what draws the screen, and the wait stood still until its step ended."""
    told: list[str] = []
    ticks: list[float] = []
    enough = threading.Event()

    def tick(seconds: float) -> None:
        ticks.append(seconds)
        if len(ticks) == 3:
            enough.set()
        if len(ticks) < 3:
            raise KeyError("parameters")

    job = CardJob(
        lambda: enough.wait(60),
        lambda result, failure: None,
        on_tick=tick,
        on_trouble=lambda error: told.append(repr(error)),
    ).start()
    assert job.join(60)
    assert (told, ticks == sorted(ticks)) == (["KeyError('parameters')"] * 2, True)


def test_what_the_end_of_a_job_raises_is_told_also_where_telling_fails() -> None:
    told: list[str] = []

    def fails(result: object, failure: BaseException | None) -> None:
        raise RuntimeError(f"{result} cannot be shown")

    def tell(error: Exception) -> None:
        told.append(str(error))
        raise error

    assert CardJob(lambda: "it", fails, on_trouble=tell).start().join(60)
    assert told == ["it cannot be shown"]


def test_a_job_whose_thread_cannot_be_started_leaves_none_that_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds off: "running for 600 s" on the card of a step that never began."""
    job = CardJob(
        lambda: None, lambda *ended: None, on_tick=lambda seconds: None, on_trouble=lambda error: None
    )

    def full() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(job._thread, "start", full)
    with pytest.raises(RuntimeError):
        job.start()
    job._ticker.join(60)
    assert not job._ticker.is_alive()
