"""The head of a card: the step, its state, why it is there, the requests to come, and the result."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vergeos_nb.client.preview import as_curl
from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.outcomes import StepState
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import EVIDENCE, IDENTITY
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.views.badges import badge_of
from vergeos_nb.views.bundle import rendered, static_view
from vergeos_nb.widgets.teaching import NOT_TAUGHT, Teaching

# State → (sign, word). Both say the same.
STATES: Mapping[StepState, tuple[str, str]] = {
    StepState.WAITING: ("○", "waiting"),
    StepState.READY: ("●", "ready"),
    StepState.RUNNING: ("▶", "running"),
    StepState.ENDED: ("■", "ended"),
}

# The sentence of a plan's step that says how to approve it headless.
_HEADLESS = re.compile(r"To apply it: run again with [\w= ]*approve=[0-9a-f]{64}\.?\s*")
_DIGEST = re.compile(r"Digest ([0-9a-f]{12})[0-9a-f]{52}\.?")


@dataclass(frozen=True, slots=True)
class Said:
    """The texts of an open card about a step that has ended.

    Attributes:
        summary: the result.
        advice: what to do.
        caution: warnings before the next step, in amber, each as a paragraph.
        facts: the evidence in a few lines.
        digest: the digest of a plan. A button copies it.
        where: the VM, its node and its process, if they are known.
    """

    summary: str
    advice: str = ""
    caution: tuple[str, ...] = ()
    facts: Sequence[tuple[str, str]] = ()
    digest: str = ""
    where: str = ""


def said_of_result(result: StepResult) -> Said:
    """The texts for the result of most steps."""
    return Said(at_a_card(result.summary), at_a_card(result.next_step), facts=key_facts(result))


def head(
    number: int,
    step: Step[Any],
    state: StepState,
    result: StepResult | None,
    said: Said | None,
    calls: Sequence[Request],
    *,
    host: str,
    bearer: bool,
    taught: Teaching = NOT_TAUGHT,
) -> str:
    """The head as HTML. Everything in it is escaped once.

    Args:
        said: the texts about the result, if there is one.
        host: the host for the curl commands, or "" while it is not known.
        bearer: whether the profile sends a token or API key.
        taught: the notebook's text about the step. Without it, the step's own reason is shown.
    """
    return rendered(
        "card",
        number=number,
        step=step,
        taught=taught.paragraphs,
        state=STATES[state],
        result=result,
        said=said,
        badge=badge_of(result) if result is not None else None,
        calls=[_shown(call) for call in calls],
        curl="\n\n".join(as_curl(host or "HOST", call, bearer=bearer) for call in calls),
    )


def at_a_card(text: str) -> str:
    """A text without the sentence how to approve headless, because a card has a button for that.

    The digest is cut. The evidence below the card has all of it.
    """
    return _DIGEST.sub(r"Plan number \1…", _HEADLESS.sub("", text)).strip()


def unfolded(result: StepResult) -> str:
    """The whole result of a step whose card is open, as HTML that can be unfolded."""
    evidence = at_a_card(static_view(result)["text/html"])
    return f"<details><summary>What came out</summary>{evidence}</details>"


def key_facts(result: StepResult) -> Sequence[tuple[str, str]]:
    """The evidence for a step's badge, in a few lines: the sources that voted, and the comparison.

    A reloaded page shows them, because they are a part of the card itself and not of its output.
    """
    rows: list[tuple[str, str]] = []
    for table in result.tables:
        if table.schema.name == EVIDENCE.name:
            rows += [(f"{row[0]} says {row[1]}", str(row[2])) for row in table.rows if row[1] != "silent"]
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
    if agrees:
        return " = ".join(told)
    return f"{'DIFFERS: ' if agrees is False else ''}{', '.join(told)}"


def _shown(call: Request) -> dict[str, Any]:
    return {
        "method": call.method,
        "path": call.path,
        "query": " ".join(f"{name}={value}" for name, value in call.query.items()),
        "body": "" if call.body is None else json.dumps(dict(call.body), ensure_ascii=False),
        "changing": call.method != "GET",
    }
