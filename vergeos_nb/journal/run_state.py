"""The state of a run, read from its journal: steps, changing calls, how it ended. Derived, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from vergeos_nb.errors import ErrorInAnswer, RecordError, can_pass
from vergeos_nb.journal.journal import JournalText
from vergeos_nb.parameters import VmParameters
from vergeos_nb.procedure.engine.runbook import RunEnd
from vergeos_nb.procedure.engine.written_result import result_from_dict
from vergeos_nb.procedure.runbooks.catalog import act_in, known, role_of
from vergeos_nb.procedure.values.outcomes import Role, RunOutcome, StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.vergeos.exchange import Exchange, Request, exchange_of

BUG = 70
INTERRUPTED = 7


class ChangingCall(Request, frozen=True, kw_only=True):
    """A changing request whose intent was written.

    Attributes:
        step: the step that made it.
        exchange: the call and its answer, or None if it is unknown whether it was sent.
        act: what it does to the VM, in a word, or "" if it does not act on the VM.
        follows: the number of the last call that was written down before it.
    """

    intended_at: str
    exchange: Exchange | None = None
    step: str = ""
    act: str = ""
    follows: int = 0

    @property
    def acts_on_vm(self) -> bool:
        """Whether it could start or end the VM, or change its status row."""
        return bool(self.act)

    @property
    def can_be_tried_again(self) -> bool:
        """Whether it was refused for a reason that can pass, so that nothing was done."""
        return self.exchange is not None and can_pass(self.exchange.error)

    @property
    def answered(self) -> str:
        """The result in words: the status, and the error if the status alone says success."""
        if self.exchange is None:
            return "may have been sent, no answer was written down"
        if self.exchange.status is None:
            return f"no answer ({self.exchange.error})"
        kind, _, said = self.exchange.error.partition(": ")
        error = said.partition(", ")[2] if kind == ErrorInAnswer.__name__ else ""
        return f"answered {self.exchange.status}" + (f", {error}" if error else "")


class RunState(Struct, frozen=True):
    """How a run went.

    Attributes:
        opened: the ``run-opened`` line, or an empty mapping if not even that was written. If a person changed
            parameters during the run, it holds the changed ones.
        profile: the ``profile`` line, or an empty mapping if no profile could be used.
        results: the last result of each step that ended, in order. A step that was begun again and has not
            ended is not in it.
        outdated: steps that ended before the last request that changed the VM; their evidence is stale.
        consent: the newest ``consent`` line: what a person ticked and typed in an approval card, or None.
        running: the step that began and never ended, or "".
        in_order: whether the run was closed in order.
        bug: the ``bug`` line, if no step was begun after it.
        lost: whether its folder was found without a journal, so that it is unknown what the run sent.
        not_forwarded: why the target of the forwarding had not taken everything when the run ended, or "".
    """

    opened: Mapping[str, Any]
    profile: Mapping[str, Any]
    results: tuple[StepResult, ...]
    outdated: frozenset[str]
    exchanges: tuple[Exchange, ...]
    changing_calls: tuple[ChangingCall, ...]
    running: str
    in_order: bool
    interrupted_by: str
    ended_at: str
    bug: Mapping[str, Any] | None
    torn: bool
    consent: Mapping[str, Any] | None = None
    lost: bool = False
    not_forwarded: str = ""

    @property
    def decisive(self) -> StepResult | None:
        """The first step that kept the run from going on."""
        stops = (StepOutcome.REFUSED, StepOutcome.FAILED)
        # A method that failed and opened the next one decides nothing. The step that it opened decides.
        blocking = [r for r in self.results if r.outcome in stops and not r.facts.get("opens")]
        if blocking:
            return blocking[0]
        # An unanswered call is settled by Confirm; only Confirm's own unknown decides.
        open_ends = [r for r in self.results if r.outcome is StepOutcome.UNKNOWN]
        confirmed = self.last_of("confirm")
        settled = confirmed is not None and confirmed.outcome is StepOutcome.PASSED
        return open_ends[-1] if open_ends and not settled else None

    @property
    def outcome(self) -> RunOutcome:
        """How the run ended."""
        if self.bug or self.interrupted_by or not self.in_order:
            return RunOutcome.FAILED if self.bug else RunOutcome.INTERRUPTED
        decisive = self.decisive
        if decisive is not None:
            return RunOutcome(decisive.outcome.value)
        planned, confirmed = self.last_of("plan"), self.last_of("confirm")
        if (
            confirmed is not None
            and confirmed.outcome is StepOutcome.PASSED
            and confirmed.step not in self.outdated
        ):
            return RunOutcome.DONE
        if self.results and self.results[-1].facts.get("completes"):
            return RunOutcome.DONE  # a runbook without Confirm: its last step says that the run is done
        if self.acting_calls:
            return RunOutcome.UNKNOWN  # nobody has checked its effect
        if planned is not None and planned.outcome is StepOutcome.NOTHING_TO_DO:
            return RunOutcome.NOTHING_TO_DO
        if planned is not None and planned.outcome is StepOutcome.PASSED and self.fact("approval") is None:
            return RunOutcome.PLANNED
        return RunOutcome.INTERRUPTED

    @property
    def acting_calls(self) -> tuple[ChangingCall, ...]:
        """The changing calls that act on the VM."""
        return tuple(call for call in self.changing_calls if call.acts_on_vm)

    @property
    def verdict(self) -> VerdictValue:
        """The verdict of the evidence that was read after the last request that changed the VM."""
        facts = self._judged()
        return VerdictValue(facts["verdict"]) if facts else VerdictValue.UNKNOWN

    @property
    def rests_on(self) -> str:
        """What the verdict rests on: ``measured``, ``assumed``, or "" for unknown and in older journals."""
        return str(self._judged().get("rests_on") or "")

    def _judged(self) -> Mapping[str, Any]:
        # By the order of the journal's lines, not by their times: a clock can be set back.
        told = [r.facts for r in self.results if "verdict" in r.facts and r.step not in self.outdated]
        return told[-1] if told else {}

    @property
    def exit_code(self) -> int:
        """The command line's exit code for this run."""
        outcome = self.outcome
        if self.bug:
            return BUG
        if outcome in (RunOutcome.INTERRUPTED, RunOutcome.UNKNOWN):
            return INTERRUPTED
        if outcome is RunOutcome.NOTHING_TO_DO and self.verdict is not VerdictValue.OFF:
            # A run that restores a row needs no verdict: the row was already as wanted.
            return 0 if self.fact("as_asked") else INTERRUPTED
        decisive = self.decisive
        if decisive is None:
            return 0
        return int(decisive.error["exit_code"]) if decisive.error else INTERRUPTED

    @property
    def end(self) -> RunEnd:
        """How the run ended, in one value."""
        acts = tuple(call.act for call in self.acting_calls)
        return RunEnd(self.outcome, self.verdict, self.exit_code, acts)

    @property
    def over_vm(self) -> bool:
        """Whether the runbook is over one VM and so has a verdict."""
        runbook = known(str(self.opened.get("runbook")))
        return runbook is None or (runbook.over_vm and issubclass(runbook.parameters, VmParameters))

    @property
    def simulated(self) -> bool:
        """Whether a simulator answered. Before the first answer, the profile's name decides."""
        told = self.fact("simulated")
        if told is not None:
            return bool(told)
        return str(self.opened.get("profile")).partition(":")[0] == "simulator"

    def last_of(self, role: Role) -> StepResult | None:
        """The newest result of a step with this role, or None."""
        runbook = str(self.opened.get("runbook"))
        return next((r for r in reversed(self.results) if role_of(runbook, r.step) == role), None)

    def fact(self, name: str) -> Any:
        """The newest value that a step's facts have under this name, or None."""
        for result in reversed(self.results):
            if result.facts.get(name) is not None:
                return result.facts[name]
        return None


def run_state_of(journal: JournalText) -> RunState:
    """The state of a run, from its journal's lines.

    Raises:
        RecordError: a line refers to something that is in no earlier line.
    """
    told = _Told()
    for line in journal.lines:
        try:
            told.take(line)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
            raise RecordError(
                "reading a journal",
                f"line {line.get('n')} ({line.get('event')}) is not valid: {error}",
                "the run cannot be finished from it: restore the file from a copy, or keep the folder as "
                "it is and look at the VM by hand",
            ) from error
    return RunState(
        opened=told.opened,
        profile=told.profile,
        results=tuple(told.results.values()),
        outdated=told.outdated,
        exchanges=tuple(told.exchanges.values()),
        changing_calls=tuple(told.calls),
        running=told.running,
        in_order=told.in_order,
        interrupted_by=told.interrupted_by,
        ended_at=next((str(line["at"]) for line in reversed(journal.lines) if line["event"] != "masked"), ""),
        bug=told.bug,
        torn=journal.torn,
        consent=told.consent,
        lost=told.lost,
        not_forwarded=told.not_forwarded,
    )


@dataclass(slots=True)
class _Told:
    """The state after the lines so far."""

    opened: Mapping[str, Any] = field(default_factory=dict)
    profile: Mapping[str, Any] = field(default_factory=dict)
    results: dict[str, StepResult] = field(default_factory=dict)
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    calls: list[ChangingCall] = field(default_factory=list)
    outdated: frozenset[str] = frozenset()
    running: str = ""
    in_order: bool = False
    interrupted_by: str = ""
    bug: Mapping[str, Any] | None = None
    consent: Mapping[str, Any] | None = None
    lost: bool = False
    not_forwarded: str = ""
    senders: tuple[str, ...] = ()

    def take(self, line: Mapping[str, Any]) -> None:
        """Take the next line."""
        match line["event"]:
            case "run-opened":
                self.opened = line
            case "parameters":
                changed = {**self.opened.get("parameters", {}), **line["changed"]}
                self.opened = {**self.opened, "parameters": changed}
            case "profile":
                self.profile = line
            case "consent":
                self.consent = line
            case "resumed":
                self.in_order, self.interrupted_by, self.running = False, "", ""
                self.senders = ()
            case "step-began":
                self.running, self.interrupted_by, self.bug = line["step"], "", None
                self.results = self._kept(self.running)
            case "exchange":
                exchange = exchange_of(line)
                self.exchanges[exchange.number] = exchange
                self.calls = _answered(self.calls, exchange)
                # A refused node query changes nothing here, because another step sent it.
                if exchange.changing and can_pass(exchange.error) and self.senders[-1:] == (self.running,):
                    self.senders = self.senders[:-1]
            case "intent" | "intent-kept":
                name = str(self.opened.get("runbook"))
                runbook, act = known(name), act_in(name, line["path"], line["body"])
                call = ChangingCall(
                    line["method"],
                    line["path"],
                    line["body"],
                    intended_at=line["at"],
                    step=self.running,
                    act=act,
                    follows=max(self.exchanges, default=0),
                )
                self.calls.append(call)
                if runbook is not None and runbook.latches_of(self.running):
                    self.senders = (*self.senders, self.running)
                if call.acts_on_vm:
                    self.outdated = frozenset(self.results)
            case "step-ended":
                self._ended(result_from_dict(line["result"], self.exchanges))
                self.running = ""
            case "bug":
                self.bug = line
            case "interrupted":
                self.interrupted_by, self.lost = line["by"], bool(line.get("lost"))
            case "settled":
                self.exchanges |= {item["number"]: exchange_of(item) for item in line["exchanges"]}
                self._ended(result_from_dict(line["result"], self.exchanges))
            case "not-forwarded":
                self.not_forwarded = line["why"]
            case "run-ended":
                self.in_order = True

    def _ended(self, result: StepResult) -> None:
        self.results = {**self._kept(result.step), result.step: result}
        self.outdated -= {result.step}

    def _kept(self, step: str) -> dict[str, StepResult]:
        """The results that stay when this step begins: of earlier steps, and of steps that sent something.

        After something was sent, only the plan is made again, for the steps that follow. The steps up to the
        last sender are never run again.
        """
        runbook = known(str(self.opened.get("runbook")))
        ids = [one.id for one in runbook.steps] if runbook else []
        sender = self.senders[-1] if self.senders else ""
        if step not in ids or sender not in ids or ids.index(step) >= ids.index(sender):
            return _up_to(self.results, step)
        sent = ids[: ids.index(sender) + 1]
        return {name: result for name, result in self.results.items() if name in sent and name != step}


def _up_to(results: Mapping[str, StepResult], step: str) -> dict[str, StepResult]:
    """The results before this step's earlier result. Later results depended on it."""
    steps = list(results)
    keep = steps[: steps.index(step)] if step in results else steps
    return {name: results[name] for name in keep}


def _answered(calls: Sequence[ChangingCall], exchange: Exchange) -> list[ChangingCall]:
    return [
        replace(c, exchange=exchange)
        if exchange.changing and c.exchange is None and c.key == exchange.key
        else c
        for c in calls
    ]
