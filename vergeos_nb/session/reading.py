"""Run steps that only read over one VM, outside of a run and without a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vergeos_nb.client.transport.wire import OnIntent
from vergeos_nb.clock import Clock
from vergeos_nb.errors import Refused
from vergeos_nb.parameters import RunParameters, VmParameters
from vergeos_nb.procedure.engine.case import Case, Target
from vergeos_nb.procedure.engine.engine import Engine, Step
from vergeos_nb.procedure.values.protocols import MeasuredSystems, Plans, Platform
from vergeos_nb.session.connection import CallLog
from vergeos_nb.settings.policy import Policy
from vergeos_nb.vergeos.exchange import Request


class Unwritten:
    """Journal and lease of a reading: both do nothing."""

    def write(self, event: str, /, **data: Any) -> None:
        """Keep nothing."""

    def make_room(self) -> None:
        """No change is sent, so nothing needs room."""

    def renew(self) -> None:
        """Reading needs no lease."""


def reading_case(
    *, runbook: str, options: RunParameters, operator: str, clock: Clock, target: Target, platform: Platform,
    plans: Plans, policy: Policy, measured: MeasuredSystems | None = None,
) -> Case:  # fmt: skip
    """A case without an approval, so that no step sends anything."""
    assert isinstance(options, VmParameters)
    return Case(
        runbook=runbook,
        options=options,
        operator=operator,
        clock=clock,
        journal=Unwritten(),
        target=target,
        platform=platform,
        policy=policy,
        plans=plans,
        lease=Unwritten(),
        stop_wanted=str,
        measured=measured,
    )


def reading_engine(case: Case, steps: Sequence[Step[Any]], calls: CallLog) -> Engine[Case]:
    """An engine over such a case."""
    return Engine(
        steps, case, system=case.system_label, sent_by=str, clock=case.clock, journal=Unwritten(), calls=calls
    )


def refuse_changes(who: str, hint: str) -> OnIntent:
    """A callback for the intent of a changing request that refuses it.

    Args:
        who: what only reads, such as "planning".
    """

    def refuse(request: Request) -> None:
        raise Refused(f"sending {request.method} {request.path}", f"{who} only reads", hint)

    return refuse
