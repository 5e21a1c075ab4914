"""Faults as data: rules that make an answer fail, wait or never arrive.

A rule says to which requests it applies (method, path pattern), to which of those (the nth, a share of them,
those above a rate), and what goes wrong. Rules come from a scenario, a file, Python or the control prefix.
The simulator counts how often each rule fires, so that a test can find rules that never fired.
"""

from __future__ import annotations

import fnmatch
import random
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict

from vergeos_nb.simulator.api.messages import Drop, Request

FIELDS = {
    "name": "what the rule is called in reports; made up if left out",
    "method": "shell pattern of the HTTP method; default * (all)",
    "path": "shell pattern of the path, such as /api/v4/machine_status/*; default * (all)",
    "nth": "which of the matching requests, counted from 1: a number or a list; default each",
    "per_path": "true: count each path by itself",
    "probability": "share of the matching requests, 0 to 1, drawn from the simulator's seed; default 1",
    "max_per_window": "a rate limit: fires only above this many matching requests in a window",
    "window": "length of that window in seconds; default 1",
    "status": "answer with this HTTP status, without executing the request",
    "text": "the text under `err` in that answer",
    "body": "a literal answer body instead (status 200 if none is given)",
    "headers": "more headers for the answer, such as Retry-After or another Date",
    "not_json": "true: answer with a page of HTML (status 200 if none is given)",
    "execute": "true: execute the request although the rule gives the answer",
    "delay": "seconds before the answer; the request is executed at once",
    "ignore": "a list of query parameters that are ignored, such as filter and limit",
    "rows": "repeat the rows of a list answer until there are this many",
    "gzip": "true: encode the answer, as `Content-Encoding: gzip` says",
    "hints": "send this many answers `103 Early Hints` before the answer",
    "drip": "seconds between any two bytes of the answer, headers included",
    "drop": "before: close the connection, unexecuted; after: execute, then close; truncate: cut the answer",
}
"""Every key of a rule with what it does: the documentation of the file format, and the only list of keys."""


Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=10**6)]
Seconds = Annotated[float, Meta(ge=0, le=10**6)]


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fault; the keys are explained in `FIELDS`."""

    name: str
    method: str = "*"
    path: str = "*"
    nth: tuple[Annotated[int, Meta(ge=1)], ...] = ()
    per_path: bool = False
    probability: Share = 1.0
    max_per_window: Count | None = None
    window: Seconds = 1.0
    status: Annotated[int, Meta(ge=100, le=999)] | None = None
    text: str = ""
    body: str | None = None
    headers: dict[str, str] = {}
    not_json: bool = False
    execute: bool = False
    delay: Seconds = 0.0
    ignore: tuple[str, ...] = ()
    rows: Count = 0
    gzip: bool = False
    hints: Count = 0
    drip: Seconds = 0.0
    drop: Drop | None = None

    def __post_init__(self) -> None:
        if not all(text.isprintable() for header in self.headers.items() for text in header):
            raise ValueError("a header has no control characters")

    def as_data(self) -> dict[str, object]:
        """The keys that differ from their default, as a file of rules has them."""
        return dict(msgspec.to_builtins(self))

    @property
    def gives_answer(self) -> bool:
        """Does the rule itself give the answer, instead of the core?"""
        return self.status is not None or self.body is not None or self.not_json

    @property
    def executes(self) -> bool:
        """Is the request executed although the rule fires?"""
        return self.drop != "before" and (self.execute or not self.gives_answer)


@dataclass
class Fault:
    """A rule with its counts: how often it matched a request, and how often it fired."""

    rule: Rule
    matched: int = 0
    fired: int = 0
    paths: dict[str, int] = field(default_factory=dict)
    recent: list[float] = field(default_factory=list)

    def wants(self, request: Request, now: float, dice: random.Random) -> bool:
        """Count the request if it matches. Returns whether the rule fires for it."""
        rule = self.rule
        if not fnmatch.fnmatchcase(request.method, rule.method):
            return False
        if not fnmatch.fnmatchcase(request.path, rule.path):
            return False
        self.matched += 1
        self.paths[request.path] = self.paths.get(request.path, 0) + 1
        count = self.paths[request.path] if rule.per_path else self.matched
        if rule.nth and count not in rule.nth:
            return False
        if rule.max_per_window is not None and not self._over_limit(now):
            return False
        return rule.probability >= 1.0 or dice.random() < rule.probability

    def _over_limit(self, now: float) -> bool:
        limit = self.rule.max_per_window or 0
        self.recent = [moment for moment in self.recent if now - moment < self.rule.window]
        self.recent.append(now)
        return len(self.recent) > limit


class Faults:
    """The rules in force, in order: the first that fires decides."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._faults: list[Fault] = []
        self._dice = random.Random(seed)

    def add(self, *rules: Rule) -> None:
        """Add rules after the present ones."""
        self._faults += [Fault(rule) for rule in rules]

    def clear(self) -> None:
        """Forget all rules and restart the random numbers."""
        self._faults = []
        self._dice = random.Random(self._seed)

    def choose(self, request: Request, now: float) -> Rule | None:
        """Return the rule that fires for this request, if any; every matching rule counts it."""
        wanting = [fault for fault in self._faults if fault.wants(request, now, self._dice)]
        if not wanting:
            return None
        wanting[0].fired += 1
        return wanting[0].rule

    def report(self) -> list[dict[str, object]]:
        """Return each rule with how often it matched and fired."""
        return [{**asdict(f.rule), "matched": f.matched, "fired": f.fired} for f in self._faults]

    def never_fired(self) -> list[str]:
        """Return the names of the rules that have not fired: a test may fail on them."""
        return [fault.rule.name for fault in self._faults if not fault.fired]


def list_faults() -> dict[str, str]:
    """Return every key of a fault rule with its explanation."""
    return dict(FIELDS)
