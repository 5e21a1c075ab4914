"""The head of a card: which step, where it is, why, what is going to be sent, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from vergeos_nb.client.preview import Preview, as_curl
from vergeos_nb.procedure.engine import Step
from vergeos_nb.procedure.model import StepResult, StepState
from vergeos_nb.views.bundle import LOOKS, environment

# State → (sign, words). The sign repeats what the words say.
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
    calls: Sequence[Preview],
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
            look=LOOKS[result.outcome] if result is not None else None,
            calls=[_shown(call) for call in calls],
            curl="\n\n".join(as_curl(host or "HOST", call, bearer=bearer) for call in calls),
        )
    )


def _shown(call: Preview) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "query": " ".join(f"{name}={value}" for name, value in call.query.items()),
        "body": "" if call.body is None else json.dumps(dict(call.body), ensure_ascii=False),
        "changing": call.changing,
    }
