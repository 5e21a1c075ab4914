"""Find out how a platform behaves: by reading, and with a test VM that may be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from vergeos_nb.bound import Unbound
from vergeos_nb.parameters import FIRST, AskedOn, ConfirmingParameters, Seconds, check_vm_name
from vergeos_nb.procedure.engine.case import Case
from vergeos_nb.procedure.engine.engine import Ask, Draft, Step
from vergeos_nb.procedure.engine.runbook import Runbook
from vergeos_nb.procedure.engine.system_identity import name_of
from vergeos_nb.procedure.steps import previews
from vergeos_nb.procedure.steps.common_steps import (
    ALIVE,
    CONFIRM,
    CONNECT,
    LOCATE,
    STATUS_KEY,
    VERIFY,
    plan_step,
)
from vergeos_nb.procedure.steps.learning.conclusions import conclusions, conclusions_table
from vergeos_nb.procedure.steps.learning.experiments import (
    BESIDE,
    NO_VM,
    kill,
    plan_experiments,
    stop,
    with_vm,
    write,
)
from vergeos_nb.procedure.steps.learning.observations import LearnCase, as_facts, observations_table
from vergeos_nb.procedure.steps.learning.platform_reading import look_at_tables, looking_at_tables, watch_rows
from vergeos_nb.procedure.steps.watching import Watch
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.vergeos import requests
from vergeos_nb.vergeos.measured import SystemMeasured


def _test_vm(name: str, info: ValidationInfo) -> str:
    return check_vm_name(name, info) if name else ""


class LearnPlatformParameters(ConfirmingParameters):
    """Its parameters, in addition to those of every confirming runbook."""

    vm_name: Annotated[
        str, AfterValidator(_test_vm), Unbound("the plan's vm holds name and keys"), AskedOn("locate")
    ] = Field(
        "",
        title="Test VM that may be lost (empty: read only)",
        description="An expendable VM that is stopped and killed; empty reads only.",
    )
    watch_s: Annotated[Seconds, AskedOn(FIRST)] = Field(
        12.0,
        title="Seconds that rows are watched",
        description="Seconds that rows are watched to see whether they are written; 12 or more.",
    )
    look_s: Annotated[float, Field(ge=0.5, le=60, allow_inf_nan=False)] = Field(
        2.5, title="Seconds between two looks", description="Seconds between two looks at the rows."
    )
    stop_wait_s: Annotated[Seconds, AskedOn("plan")] = Field(
        12.0,
        title="Seconds for Power Off",
        description="Seconds within which Power Off must stop the test VM before it is killed.",
    )
    settle_s: Seconds = Field(
        5.0,
        title="Seconds that the test VM is looked at, at the end",
        description="Seconds that the test VM is looked at, at the end.",
    )

    @classmethod
    def subject_of(cls, given: Mapping[str, Any]) -> str:
        """The test VM's name, or the platform."""
        return str(given.get("vm_name") or "platform")


def left(case: Case) -> Draft:
    """The state of the test VM at the end, by two readings. Every state is a valid finding."""
    if not case.options.vm_name:
        return Draft(StepOutcome.SKIPPED, NO_VM, facts={"completes": True})
    if case.approval is None and not case.sent:
        return Draft(StepOutcome.SKIPPED, "Nothing was tried out.")
    watch = Watch(case)
    watch.read()
    case.clock.sleep(case.confirming().settle_s)
    watch.read()
    if watch.last is None:
        return Draft(StepOutcome.UNKNOWN, f"The test VM cannot be read: {watch.trouble}.")
    verdict = watch.verdict.value.value
    summary = f"The test VM's row says {watch.last.status}; the verdict on its process is {verdict}."
    return Draft(StepOutcome.PASSED, summary, "", watch.tables(), watch.facts())


def keep(case: LearnCase) -> Draft:
    """Keep the findings in the archive, for this system and version."""
    assert case.info is not None
    assert case.measured is not None
    system = SystemMeasured(
        name_of(case.target, case.info), case.info.cloud_name, case.info.version, case.info.simulated
    )
    seen = {one.name: (one.value, one.how) for one in case.seen.values()}
    found = conclusions(case.seen)
    measured = {name: (one.word, one.because) for name, one in found.items()}
    path = case.measured.keep(system, measured, seen)
    known = case.measured.find(system.name)
    return Draft(
        StepOutcome.PASSED,
        f"{known.words(case.info, case.clock.now())}. Kept in {path}.",
        "",
        (conclusions_table(found), observations_table(case.seen)),
        {
            "seen": as_facts(case.seen),
            "assumptions": {name: {"is": one.word, "because": one.because} for name, one in found.items()},
            "kept": path,
        },
    )


def writing(case: LearnCase) -> Sequence[Ask]:
    """The three PUTs that write a stopped row's own values."""
    key = case.known_status_key()
    bodies = [requests.override(key).fields, *({name: value} for name, value in BESIDE.items())]
    return [previews.writing(key, body) for body in bodies]


STEPS: Sequence[Step[Any]] = (
    replace(CONNECT, vendor_step=""),
    Step(
        "tables",
        "Look at the tables",
        "",
        "Does this version have the columns that the procedure reads, in a form that it can read?",
        look_at_tables,
        role="judge",
        verb="Look at the tables",
        requests=looking_at_tables,
    ),
    Step(
        "rows",
        "Watch rows being written",
        "",
        "A row that is written on for a stopped VM proves no life; one that is not written proves no death.",
        watch_rows,
        role="judge",
        verb="Watch the rows",
    ),
    replace(
        LOCATE, vendor_step="", why="Only with a test VM: it is stopped and killed.", act=with_vm(LOCATE.act)
    ),
    replace(STATUS_KEY, vendor_step="", act=with_vm(STATUS_KEY.act)),
    replace(VERIFY, vendor_step="", act=with_vm(VERIFY.act)),
    replace(ALIVE, act=with_vm(ALIVE.act)),
    plan_step(
        "What is tried out with the test VM, and who agreed that it may be lost.",
        with_vm(plan_experiments),
        {"expendable": "This VM may be lost: nobody needs it or its disks."},
    ),
    Step(
        "stop",
        "Stop the test VM",
        "",
        "What does the platform answer, and when does the row follow?",
        stop,
        changing=True,
        role="act",
        verb="Send Power Off to {vm}",
        requests=previews.sending("poweroff"),
        latches=("poweroff",),
    ),
    Step(
        "kill",
        "Kill the stopped test VM",
        "",
        "What does the platform say to a kill of a stopped VM, and are its rows written on?",
        kill,
        changing=True,
        role="act",
        verb="Send Kill Power to {vm}",
        requests=previews.sending("kill"),
        latches=("kill",),
    ),
    Step(
        "write",
        "Write the row's own values",
        "",
        "The last step of the procedure is this PUT. Which columns may be written, and what does it leave?",
        write,
        changing=True,
        role="act",
        verb="Write the status row of {vm}",
        requests=writing,
        latches=("write", *(f"write {name}" for name in BESIDE)),
    ),
    Step(
        "keep",
        "Keep what was found out",
        "",
        "Later verdicts on this system and version rest on what was measured here.",
        keep,
        role="judge",
        verb="Keep it",
    ),
    replace(
        CONFIRM,
        title="How the test VM is left",
        vendor_step="",
        why="An experiment ends with a look at what it has left.",
        act=left,
        verb="Look at the test VM",
    ),
)

RUNBOOK = Runbook(
    name="learn_platform",
    parameters=LearnPlatformParameters,
    case=LearnCase,
    steps=STEPS,
    acts={"override": "write"},
    over_vm=False,
)
