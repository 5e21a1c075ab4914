"""A plan in words for its card: what will be sent, from which state, and what stays closed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from vergeos_nb.procedure.engine.engine import Step
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.step_tables import STAYS_CLOSED
from vergeos_nb.widgets.card_head import at_a_card

OVER_ASSUMED_LIFE = (
    "This plan opens Force power off although its record or log looks alive. It rests on the words of the "
    "person who checked (assertion)."
)
# On the card the parameter is a field.
_UP_TO = re.compile(r"plan again with up_to=(\w+) to open it")
# The sentence how to apply the plan is not needed on its own card.
_TO_APPLY = re.compile(r"To apply it: [^.]*\.?$")


def in_three_lines(result: StepResult, steps: Sequence[Step[Any]]) -> Sequence[tuple[str, str]]:
    """What will be sent, from which state, and what can be lost."""
    plan = result.facts.get("plan") or {}
    requests = plan.get("requests") or []
    titles = {latch: step.title for step in steps for latch in step.latches}
    names = [titles.get(str(one["rung"]), str(one["rung"])) for one in requests]
    before = plan.get("before") or {}
    node = before.get("node")
    losses = [
        f"{name}: {loss.strip()}"
        for name, one in zip(names, requests, strict=True)
        if (loss := str(one.get("effect", "")).partition(";")[2])
    ]
    lines = [
        ("What will be sent, each once, and no more than is needed", ", then ".join(names) or "nothing"),
        (
            "From",
            f"{before.get('status')}, running {str(before.get('running')).lower()}, "
            f"{'no node' if node is None else f'node {node}'}; verdict {plan.get('verdict')}",
        ),
    ]
    return [*lines, ("What to know of it", "; ".join(losses))] if losses else lines


def closed_by(result: StepResult) -> tuple[str, ...]:
    """What the plan does not open, and what else a person should know before approving it, as sentences."""
    tables = [table for table in result.tables if table.schema.name == STAYS_CLOSED.name]
    shut = [
        f"Not opened by this approval: {title}, because {because}; {_at_its_field(str(way))}."
        for table in tables
        for title, because, way in table.rows
    ]
    words = re.split(r"(?=As it stands, this plan does not open)", at_a_card(result.next_step))
    rest = [text for one in words if not one.startswith("As it stands") and (text := _said(one))]
    if not tables:
        rest += [text for one in words if one.startswith("As it stands") and (text := _said(one))]
    assumed = [OVER_ASSUMED_LIFE] if (result.facts.get("plan") or {}).get("over_assumed_life") else []
    return (*rest, *assumed, *shut)


def _at_its_field(way: str) -> str:
    return _UP_TO.sub(r'to open it, choose "Change the plan" and the last method \1', way)


def _said(text: str) -> str:
    return _TO_APPLY.sub("", text.strip()).strip()
