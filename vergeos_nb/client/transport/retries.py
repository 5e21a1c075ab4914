"""Repeat reads, limited in number and time, with jitter. No other request is ever repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from vergeos_nb import errors
from vergeos_nb.client.transport.connecting import is_passing
from vergeos_nb.clock import Clock
from vergeos_nb.imports import absent

with absent("tornado"):  # loads slowly, and only tenacity's coroutines for tornado use it
    import tenacity

READ_ATTEMPTS = 4
READ_TOTAL_S = 60.0
"""No attempt begins later than this many seconds after the first one."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
JITTER_S = 0.5
PASSING_STATUSES = frozenset({500, 502, 503, 504})

T = TypeVar("T")


class _OutOfTime(tenacity.stop.stop_base):
    # tenacity's own limit reads the machine's clock, which a test cannot step
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()

    def __call__(self, state: tenacity.RetryCallState) -> bool:
        return self._clock.monotonic() - self._began + state.upcoming_sleep > READ_TOTAL_S


def read_again(attempt: Callable[[int], T], clock: Clock) -> T:
    """The result of ``attempt(number)``, called up to `READ_ATTEMPTS` times while its failure may pass.

    Raises:
        VergeNbError: the last failure. It says how many attempts were made in which time.
    """
    began = clock.monotonic()

    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(READ_ATTEMPTS) | _OutOfTime(clock),
        wait=_wait,
        retry=tenacity.retry_if_exception(may_pass),
        sleep=clock.sleep,
        reraise=True,
    )
    number = 0
    try:
        for trial in retrying:
            with trial:
                number = trial.retry_state.attempt_number
                return attempt(number)
    except errors.VergeNbError as failure:
        if number > 1:
            failure.came_back += f" ({number} attempts in {clock.monotonic() - began:.0f} s)"
        raise
    raise AssertionError("tenacity ends with a result or a failure")


def may_pass(failure: BaseException) -> bool:
    """Whether the same read may succeed a moment later."""
    match failure:
        case errors.TlsFailed() | errors.ProxyFailed():
            return False
        case errors.NameNotResolved():
            return is_passing(failure)
        case errors.NotConnected() | errors.Unanswered() | errors.RateLimited():
            return True
        case errors.ServerError():
            return failure.status in PASSING_STATUSES
    return False


_backoff = tenacity.wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=JITTER_S)


def _wait(state: tenacity.RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.retry_after_s if isinstance(failure, errors.HttpError) else None
    return max(asked or 0.0, _backoff(state))
