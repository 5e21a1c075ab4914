"""What the first lines of a record say."""

from __future__ import annotations

from collections.abc import Callable

from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.record.incident import facts_of


def test_a_refused_request_leaves_nothing_to_undo(rehearse: Callable[..., Rehearsal]) -> None:
    """Holds off: "no request undoes it" over a VM to which nothing was done."""
    run = rehearse("reader")
    account = run.run(**LADDER, approve=run.run(**LADDER).fact("plan_digest"))
    told = dict(facts_of(account))
    assert "answered 403" in told["sent 1"]
    assert told["to undo it"] == "nothing is to be undone: no request was carried out"
