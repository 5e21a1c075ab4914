"""Turn journal lines into messages, if they are important for people who do not see the run itself.

Each message names its run. ``id`` is the run and the line's number, so that a receiver can recognise a
message that comes twice. Names and reasons are from the journal, which is masked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb.archive.ledger.ledger_lines import hash_of
from vergeos_nb.archive.ledger.manifest import Manifest
from vergeos_nb.layout import run_id_of
from vergeos_nb.masking import masked_data

Message = Mapping[str, Any]

MOST_BYTES = 1700
"""The most bytes of a message as JSON. RFC 5426 asks receivers to take 2,048 octets in a datagram, with the
header."""
_LONGEST_TEXTS = (400, 120, 40, 12)
# The beginning of a line shows its event, and an exchange is important only if it changes something. So most
# lines are skipped without decoding them.
_EVENT = re.compile(rb'\{"n": \d{1,12}, "at": "[^"]{1,40}", "event": "([a-z-]{1,40})"')
_OF_A_STEP = ("step-ended", "settled")
_ABOUT = {"operator": "operator", "vm": "vm_name", "vm_key": "vm_key", "ticket": "ticket", "reason": "reason"}
_PLAIN = {
    "run-opened": "opened",
    "resumed": "resumed",
    "intent": "intent",
    "intent-kept": "intent",
    "exchange": "answer",
    "bug": "bug",
    "interrupted": "interrupted",
    "vm-began": "vm-began",
    "vm-ended": "vm-ended",
    "run-ended": "ended",
}
_FIELDS = {
    "run-opened": ("on_host", "pid"),
    "resumed": ("on_host", "pid"),
    "intent": ("method", "path", "body"),
    "intent-kept": ("method", "path", "body"),
    "exchange": ("method", "path", "body", "status", "error", "elapsed_s"),
    "bug": ("step", "error"),
    "interrupted": ("step", "by", "lost"),
    "vm-began": ("key", "name", "folder"),
    "vm-ended": ("key", "name", "folder", "outcome", "verdict", "exit_code", "headline"),
}


def may_matter(raw: bytes) -> bool:
    """False if a line certainly makes no message. Fast, because a journal has thousands of readings."""
    found = _EVENT.match(raw)
    if found is None:
        return True
    event = found[1].decode()
    if event == "exchange":
        return b'"changing": true' in raw
    return event in _PLAIN or event in _OF_A_STEP or event == "parameters"


def matters(line: Mapping[str, Any]) -> bool:
    """Whether a line can make a message. Fast, because a run asks for each of its lines."""
    event = line.get("event")
    if event == "exchange":
        return line.get("changing") is True
    return event in _OF_A_STEP or event in _PLAIN


class Teller:
    """Turns one run's lines into messages, in order. Remembers whose run it is and what it is about.

    Args:
        folder: the record's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._run = run_id_of(folder)
        self._about: dict[str, Any] = {}

    def message(self, line: Mapping[str, Any]) -> Message | None:
        """The message for the next line; None if the line is not important for others."""
        event, number = line.get("event"), line.get("n")
        self._learn(line)
        if not isinstance(event, str) or not matters(line):
            return None
        if event in _OF_A_STEP:
            told = self._of_result(line.get("result"))
        else:
            fields = {name: line[name] for name in _FIELDS.get(event, ()) if name in line}
            told = {"event": _PLAIN[event], **fields}
        if told is None or not isinstance(number, int):
            return None
        head = {"id": f"{self._run}/{number}", "run": self._run, "n": number, "at": line.get("at")}
        return _bounded({**head, **self._about, **told})

    def _learn(self, line: Mapping[str, Any]) -> None:
        """Remember who runs it, what it is about, and why, also if a person says so during the run."""
        match line.get("event"):
            case "run-opened":
                self._about = {name: line.get(name) for name in ("runbook", "operator", "profile")}
                given = line.get("parameters")
            case "parameters":
                given = line.get("changed")
            case _:
                return
        given = given if isinstance(given, Mapping) else {}
        self._about |= {name: given[key] for name, key in _ABOUT.items() if given.get(key)}

    def _of_result(self, result: Any) -> dict[str, Any] | None:
        """The message of a step that found the VM or a verdict, or that a person approved; otherwise None."""
        facts = result.get("facts") if isinstance(result, Mapping) else None
        if not isinstance(facts, Mapping):
            return None
        about = {name: result.get(name) for name in ("step", "outcome", "summary")}
        verdict = {name: facts[name] for name in ("verdict", "rests_on") if facts.get(name)}
        if isinstance(vm := facts.get("vm"), Mapping):
            self._about |= {"vm": vm.get("name"), "vm_key": vm.get("key")}
            return {"event": "found", **about}
        if isinstance(approval := facts.get("approval"), Mapping):
            who = {"approver": approval.get("approver"), "plan": facts.get("plan_digest")}
            return {"event": "approved", **who, **verdict, **about}
        return {"event": "verdict", **verdict, **about} if verdict else None


def sealed_message(folder: Path, manifest: Manifest) -> Message:
    """The message for a seal. It is from the ledger, because the journal has no line for it."""
    run = run_id_of(folder)
    return _bounded(
        {
            "id": f"{run}/sealed/{manifest.place.count}",
            "run": run,
            "at": manifest.sealed_at,
            "event": "sealed",
            "record": manifest.record,
            "ledger_line": manifest.place.count,
            "ledger_hash": hash_of(manifest.line()),
            **manifest.fields,
        }
    )


def as_json(message: Message) -> bytes:
    """The message as JSON in ASCII, so that it has no line feed and needs no byte order mark."""
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()


def _bounded(message: dict[str, Any]) -> Message:
    """The message masked, and then with its longest texts cut until it fits into one datagram."""
    whole = masked_data(message)
    for longest in _LONGEST_TEXTS:
        cut = {name: _cut(value, longest) for name, value in whole.items()}
        if len(as_json(cut)) <= MOST_BYTES:
            return cut
    return {name: whole[name] for name in ("id", "run", "n", "at", "event") if name in whole}


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else value[: longest - 1] + "…"
    if isinstance(value, Mapping | list):
        text = json.dumps(value)
        return value if len(text) <= longest else text[: longest - 1] + "…"
    return value
