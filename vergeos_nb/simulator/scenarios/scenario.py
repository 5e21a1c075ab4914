"""The type of a scenario, and the decorator that declares one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.world.world import Row, World

Prepare = Callable[[World, Row], None]


@dataclass(frozen=True)
class Scenario:
    """A situation to rehearse on. The same rows and keys at each start.

    Attributes:
        name: the name in `--scenario NAME` and `simulator:NAME`.
        explanation: the situation, and how the platform reacts.
        story: the message to the person on call, at the start of a drill. It does not reveal the solution.
        seen: the signs that a good engineer would have noticed, for the end of the drill.
        prepare: changes the base fleet. It is given the vms row of the VM that the scenario is about.
        subject: the name of that VM.
        rules: faults that are in force from the start.
        triggers: what happens to the VM just before a matching request is executed. A rule's name is that
            of a handler of life.py.
        role: the rights of the credentials, "admin" or "reader".
        equal_keys: the four keys of a VM are equal.
        switches: how the platform behaves here in points that no source settles (fields of `Switches`).
        credentials_expire: the API key and session tokens answer 401. The password still works.
    """

    name: str
    explanation: str
    story: str
    seen: str
    prepare: Prepare
    subject: str = "web-01"
    rules: tuple[Rule, ...] = ()
    triggers: tuple[Rule, ...] = ()
    role: str = "admin"
    equal_keys: bool = False
    credentials_expire: bool = False
    switches: Mapping[str, Any] = field(default_factory=dict)


class Scenarios(dict[str, Scenario]):
    """Scenarios by name, in the order in which they were declared."""

    def declare(self, *, story: str, seen: str, **options: Any) -> Callable[[Prepare], Prepare]:
        """Declare the scenario that a function prepares: its name is the name, its docstring the explanation.

        Args:
            story, seen: texts of the drill.
            options: the other fields of `Scenario`.
        """

        def register(prepare: Prepare) -> Prepare:
            explanation = " ".join((prepare.__doc__ or "").split())
            self[prepare.__name__] = Scenario(prepare.__name__, explanation, story, seen, prepare, **options)
            return prepare

        return register
