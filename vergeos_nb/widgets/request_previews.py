"""The requests that each step is going to send, as far as they are known. The client builds them."""

from __future__ import annotations

from typing import Any

from vergeos_nb.client.preview import preview
from vergeos_nb.errors import VergeNbError
from vergeos_nb.procedure.engine.case import Case, RunCase
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.vergeos.exchange import Request


def calls_of(step: Step[Any], case: RunCase | None) -> tuple[Request, ...]:
    """The requests that this step is going to make, as far as they are known, in order."""
    # Only the request of Connect is known before the run is open.
    if step.role != "connect" and not isinstance(case, Case):
        return ()
    try:
        return tuple(request for ask in step.requests(case) for request in preview(ask))
    except (AssertionError, VergeNbError):
        # A key is not known yet, or the typed text is not valid. The step itself will say so.
        return ()
