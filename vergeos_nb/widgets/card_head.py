"""The head of a card: the step, its state, why it is there, the requests to come, and the result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.client.preview import as_curl
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import EVIDENCE, IDENTITY
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.views.badges import badge_of
from vergeos_nb.views.bundle import environment

# State → (sign, words). The sign repeats the words.
STATES: Mapping[StepState, tuple[str, str]] = {
    StepState.WAITING: ("○", "waiting"),
    StepState.READY: ("●", "ready"),
    StepState.RUNNING: ("▶", "running"),
    StepState.ENDED: ("■", "ended"),
}


def head(
    number: int,
    step: Step[Any],
    state: StepState,
    result: StepResult | None,
    calls: Sequence[Request],
    *,
    host: str,
    bearer: bool,
    system: str,
) -> str:
    """The head as HTML. Everything in it is escaped once.

    Args:
        host: for the curl commands, or "" while it is not known.
        bearer: whether the profile sends a token or API key.
        system: the system in words, simulated or real first, or "".
    """
    return (
        environment()
        .get_template("card.html.j2")
        .render(
            number=number,
            step=step,
            system=system,
            state=STATES[state],
            result=result,
            badge=badge_of(result) if result is not None else None,
            facts=key_facts(result) if result is not None else (),
            calls=[_shown(call) for call in calls],
            curl="\n\n".join(as_curl(host or "HOST", call, bearer=bearer) for call in calls),
        )
    )


def key_facts(result: StepResult) -> Sequence[tuple[str, str]]:
    """The evidence for a step's badge, in a few lines: the sources that voted, and the comparison.

    A reloaded page shows them, because they are a part of the card itself and not of its output.
    """
    rows: list[tuple[str, str]] = []
    for table in result.tables:
        if table.schema.name == EVIDENCE.name:
            rows += [
                (f"{source} says {says}", str(why)) for source, says, why in table.rows if says != "silent"
            ]
            if table.rows and not rows:
                rows.append(("no source", "says that it lives or that it is gone"))
        elif table.schema.name == IDENTITY.name:
            rows += [(str(row[0]), side_by_side(row)) for row in table.rows]
    return rows


def side_by_side(row: Sequence[Any]) -> str:
    """A row of the identity table as a line of text."""
    _, vm_record, status_row, expected, agrees = row
    parts = (("VM record", vm_record), ("status row", status_row), ("you expect", expected))
    told = [f"{what} {value}" for what, value in parts if value]
    if agrees is not None:
        told.insert(0, "agrees" if agrees else "DIFFERS")
    return ", ".join(told)


def _shown(call: Request) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "query": " ".join(f"{name}={value}" for name, value in call.query.items()),
        "body": "" if call.body is None else json.dumps(dict(call.body), ensure_ascii=False),
        "changing": call.method != "GET",
    }
