"""Finish the records of runs whose process died, and read back the effect of an unsettled call.

Recovery only reads: its client refuses every changing call before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
from msgspec import Struct

from vergeos_nb import settings
from vergeos_nb.archive.finishing import finish_record
from vergeos_nb.archive.folders.record_folders import has_no_journal, without_journal
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.archive.seal import newest_entries, waits_for_its_seal
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.connect.simulated import find_announced, open_profile
from vergeos_nb.errors import RecordError, Refused, SettingsError, UsageError, VergeNbError
from vergeos_nb.journal.asked import begin_after_death, read_asked
from vergeos_nb.journal.header import life_of
from vergeos_nb.journal.journal import DEATH, append_after_death, read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import JOURNAL, RECORD, archive_of
from vergeos_nb.parameters import ConfirmingParameters
from vergeos_nb.procedure.engine.case import Target
from vergeos_nb.procedure.engine.system_identity import differences, name_of
from vergeos_nb.procedure.runbooks.catalog import read_parameters, runbook_of
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.processes import Life
from vergeos_nb.record.record_folder import read
from vergeos_nb.session.cases import target_of
from vergeos_nb.session.connection import CallLog
from vergeos_nb.session.reading import reading_case, reading_engine, refuse_changes
from vergeos_nb.settings.policy import Policy
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, SystemInfo, Vm, VmKey

# Nobody can see from here whether a run on another machine, or in another container, lives. It counts as dead
# after this long without a new line.
SILENT_S = 3600.0
# A closed run is sealed at once. If it is not sealed after this time, its own process will not do it.
CLOSED_S = 60.0
# The longest time for which reading back watches whether the row settles.
SETTLE_S = 10.0


class Recovered(Struct, frozen=True):
    """One run that was finished.

    Attributes:
        asked: the platform's answer, or why it was not asked.
    """

    folder: Path
    account: RunState
    asked: str


def unfinished(outputs: Path, clock: Clock) -> Iterator[Path]:
    """Folders of runs whose process is gone, without a sealed record or with an unsettled call."""
    begun = (path.parent for path in outputs.glob(f"*/*/{JOURNAL}"))
    folders = sorted({*without_journal(outputs), *begun})
    sealed = newest_entries(outputs, {folder.name for folder in folders})
    for folder in folders:
        if has_no_journal(folder):
            # If the ledger has its record, the folder was emptied later. `audit verify` reports that.
            if folder.name not in sealed and not _is_starting(folder, clock):
                yield folder
            continue
        journal = folder / JOURNAL
        dead = not _lives(journal, clock)
        if (dead and _open_ended(folder)) or (
            (dead or _is_over(journal, clock)) and waits_for_its_seal(folder, sealed)
        ):
            yield folder


def _open_ended(folder: Path) -> bool:
    if not (folder / RECORD).exists():
        return True
    try:
        record = read(folder)
    except RecordError:
        return True
    if record.get("verdict") != "unknown" or not record.get("changing_calls"):
        return False
    # A run that failed right after its call has not settled it either.
    return record.get("outcome") == "interrupted" or (
        record.get("outcome") == "failed" and _unsettled(folder)
    )


def _unsettled(folder: Path) -> bool:
    """Whether the effect of the last request that changed the VM was never checked."""
    try:
        account = run_state_of(read_journal(folder / JOURNAL))
    except (RecordError, KeyError):
        return False
    return bool(account.acting_calls) and not any(_is_settled(account, r) for r in account.results)


def recover(folder: Path, *, ask: bool = True, clock: Clock | None = None) -> Recovered:
    """Finish one run's record.

    Args:
        ask: whether the effect of an unsettled call may be read back from the platform.

    Raises:
        RecordError: the journal cannot be read, or the record cannot be written.
        UsageError: its runbook is not installed.
    """
    clock = clock or SystemClock()
    path = folder / JOURNAL
    if has_no_journal(folder):
        begin_after_death(folder, clock)
    account = run_state_of(read_journal(path))
    scrubber = Scrubber(settings.secrets_known(account.opened.get("profile")))
    if not (account.in_order or account.interrupted_by or account.bug):
        append_after_death(path, clock, "interrupted", step=account.running, by=DEATH)
    said = "it sent nothing that acts on the VM"
    if account.acting_calls:
        said = "each request that was sent has a known result, so the VM was not read back"
    if account.lost:
        said = "its folder was found without a journal: nobody knows whether it has sent something"
    if not account.opened:
        said = "its journal has no first line, so nobody knows whether anything was sent"
    if account.acting_calls and not any(_is_settled(account, r) for r in account.results):
        said = "the platform was not asked"
        if ask:
            try:
                settled, exchanges = _read_back(account, folder, clock, scrubber)
                data = {
                    "result": settled.as_dict(),
                    "exchanges": [exchange.as_dict() for exchange in exchanges],
                }
                append_after_death(path, clock, "settled", **scrubber.data(data))
                said = settled.summary
            except VergeNbError as error:
                said = f"asking failed: {error.asked}: {error.came_back}"
    return Recovered(folder, finish_record(folder, scrubber, clock=clock), scrubber.text(said))


def _is_settled(account: RunState, result: StepResult) -> bool:
    return "verdict" in result.facts and result.step not in account.outdated


def _is_starting(folder: Path, clock: Clock) -> bool:
    """Whether the process of this run may still open its journal."""
    asked = read_asked(folder)
    if asked is None:
        return False
    life = life_of([msgspec.to_builtins(asked)])
    if life is Life.UNKNOWN:
        return clock.now() - asked.at.timestamp() < SILENT_S
    return life is Life.LIVES


def _lives(journal: Path, clock: Clock) -> bool:
    try:
        life = life_of(read_journal(journal).lines)
        silent = clock.now() - journal.stat().st_mtime
    except (VergeNbError, OSError):
        return False
    return silent < SILENT_S if life is Life.UNKNOWN else life is Life.LIVES


def _is_over(journal: Path, clock: Clock) -> bool:
    """Whether the run was closed a while ago. Its process may still live without having sealed it."""
    try:
        last = read_journal(journal).lines[-1]
        return last["event"] == "run-ended" and clock.now() - journal.stat().st_mtime > CLOSED_S
    except (VergeNbError, IndexError, OSError):
        return False


def _same_system(account: RunState, profile: settings.Profile, info: SystemInfo) -> None:
    """Refuse to read back from another system than the run's, because there the keys mean other machines.

    Raises:
        Refused: the profile leads to another system now.
    """
    then = {
        "simulated": account.simulated,
        "system_id": account.fact("system_id"),
        "host": settings.normal_host(str(account.profile.get("host"))),
        "cloud_name": account.fact("cloud_name"),
    }
    differ = [what for what, was, now in differences(then, target_of(profile), info) if was != now]
    if differ:
        raise Refused(
            "reading the VM back",
            f"this is not the run's system: it has another {', '.join(differ)}",
            f"correct the profile {profile.name!r} so that it names the run's system, and recover again",
        )


def _whom(account: RunState, plans: PlanShelf) -> tuple[Vm, StatusKey]:
    """The VM of the run, from its journal, or from its plan if the journal has lost it.

    Raises:
        UsageError: neither names the VM.
    """
    vm, status_key = account.fact("vm"), account.fact("status_key")
    if vm is None or status_key is None:
        plan = plans.find(str(account.opened["parameters"].get("approve", "")))
        if plan is None or "vm" not in plan.content:
            raise UsageError(
                "reading the VM back", "its journal does not say which VM it was", "look at the VM by hand"
            )
        vm, status_key = plan.content["vm"], plan.content["vm"]["status_key"]
    return Vm(VmKey(vm["key"]), vm["name"], MachineKey(vm["machine"]), False), StatusKey(status_key)


def _read_back(
    account: RunState, folder: Path, clock: Clock, scrubber: Scrubber
) -> tuple[StepResult, Sequence[Exchange]]:
    """Run the step Confirm, as the run itself would have done."""
    runbook = str(account.opened["runbook"])
    options = read_parameters(runbook, dict(account.opened["parameters"]))
    confirm = next(step for step in runbook_of(runbook).steps if step.role == "confirm")
    if not isinstance(options, ConfirmingParameters):
        raise UsageError("reading the VM back", "this runbook confirms nothing", "look at the VM by hand")
    settle_s = min(options.settle_s, SETTLE_S)
    options = options.model_copy(update={"settle_s": settle_s, "confirm_timeout_s": settle_s * 3 + 5})
    vm, status_key = _whom(account, PlanShelf(archive_of(folder).outputs))
    profile = settings.load_profile(options.profile)
    if profile.kind == "simulator" and find_announced() is None:
        raise SettingsError(
            "reading the VM back", "the run's own simulator is gone", "do nothing: no real system was touched"
        )
    calls = CallLog(max((e.number for e in account.exchanges), default=0))
    with ExitStack() as stack:
        opened = stack.enter_context(open_profile(profile))
        scrubber.add(settings.secrets_of(opened))
        refuse = refuse_changes("recovery", "begin a new run to change something")
        wire = stack.enter_context(
            Wire(opened, clock=clock, on_intent=refuse, on_exchange=lambda e: calls.add(calls.numbered(e)))
        )
        known = account.profile
        case = reading_case(
            runbook=runbook,
            options=options,
            operator=str(account.opened.get("operator")),
            clock=clock,
            target=Target(opened.name, str(known.get("host")), opened.kind, str(known.get("who")), ""),
            platform=VergeApi(wire),
            plans=PlanShelf(archive_of(folder).outputs, scrubber),
            policy=Policy(),
        )
        case.vm, case.status_key = vm, status_key
        case.info = case.platform.system()
        _same_system(account, opened, case.info)
        files = PlatformFiles(archive_of(folder).outputs, clock)
        case.knowledge = files.find(name_of(case.target, case.info)).knowledge(case.info)
        if (plan := account.fact("plan")) is not None:
            case.plan = Plan(plan)
        result = reading_engine(case, [confirm], calls).run(confirm.id)
        scrubber.add(wire.secrets)
    return result, calls.since(0)
