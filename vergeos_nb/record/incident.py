"""The facts of a run that a reader needs first. Page, notebook, Markdown, mail and terminal all show them.

All facts come from the run state, so records of older versions have them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from vergeos_nb.clock import from_iso, iso
from vergeos_nb.journal.run_state import ChangingCall, RunState
from vergeos_nb.procedure.runbooks.catalog import FLEET_APPLY, role_of
from vergeos_nb.procedure.values.finding import Kind, of_result
from vergeos_nb.procedure.values.step_tables import EVIDENCE, FLEET_RUN
from vergeos_nb.procedure.values.table import Table
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.record.undo import undo_of
from vergeos_nb.vergeos.exchange import Request
from vergeos_nb.views.cells import COUNTED
from vergeos_nb.views.timeline import Span, length

MOST_EXHIBITS = 3
MOST_NAMES = 12
LONGEST = 240
# Acts after which a guest can have lost what it had not written.
FORCED = frozenset({"kill", "override"})
_NO_RECORD_OF = "that its journal holds, and that has no first line"


def facts_of(account: RunState) -> tuple[tuple[str, str], ...]:
    """(what, value) pairs in the order in which they are shown. Empty ones are left out."""
    opened = account.opened
    given: Mapping[str, Any] = opened.get("parameters") or {}
    pairs = (
        ("VM", _vm(account, given) if _over_one_vm(account) else ""),
        ("VMs", _vms(account)),
        ("done by", _operator(account)),
        ("approved by", _approval(account, given)),
        ("why", str(given.get("reason") or ("not given" if account.changing_calls else ""))),
        ("ticket", str(given.get("ticket") or "")),
        ("began", str(opened.get("at", ""))),
        ("ended", _ended(account)),
        *_sent(account),
        ("proved", _proved(account)),
        ("not known", "; ".join(_not_known(account))),
        ("to undo it", _undo(account)),
        ("plan digest", str(account.fact("plan_digest") or "")),
        ("exit code", str(account.exit_code)),
        ("warning", account.not_forwarded),
    )
    return tuple((what, value) for what, value in pairs if value)


def exhibits_of(account: RunState) -> tuple[Table, ...]:
    """The result tables of a run that is not over one VM, those of its last step first."""
    if _over_one_vm(account):
        return ()
    name = str(account.opened.get("runbook"))
    shown = [r for r in reversed(account.results) if role_of(name, r.step) not in ("connect", "plan")]
    tables = [_worst_first(table) for result in shown for table in result.tables if table.rows][
        :MOST_EXHIBITS
    ]
    # The list comes before the picture of its counts.
    return tuple(sorted(tables, key=lambda table: table.schema.name in COUNTED))


def _worst_first(table: Table) -> Table:
    """Put a fleet's VMs that need a look above those that are off."""
    if table.schema != FLEET_RUN:
        return table
    at = [name for name, _ in FLEET_RUN.columns].index("verdict")
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: row[at] == VerdictValue.OFF)))


def _over_one_vm(account: RunState) -> bool:
    return account.over_vm and account.opened.get("runbook") != FLEET_APPLY


def _vms(account: RunState) -> str:
    """The VMs of a fleet run."""
    tables = [table for result in account.results for table in result.tables if table.schema == FLEET_RUN]
    if not tables:
        return ""
    names = [str(row[0]) for row in tables[-1].rows]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{len(names)}: {', '.join(names[:MOST_NAMES])}{more}"


def _vm(account: RunState, given: Mapping[str, Any]) -> str:
    name, vm = str(given.get("vm_name") or ""), account.fact("vm") or {}
    if not vm:
        return f"{name} (not identified in this run)" if name else ""
    row = account.fact("status_key")
    keys = f"VM key {vm['key']}, machine {vm['machine']}" + (f", status row {row}" if row else "")
    return f"{name or vm.get('name')} ({keys})"


def _operator(account: RunState) -> str:
    opened, user = account.opened, account.profile.get("who")
    on_host = f" on {opened['on_host']}" if opened.get("on_host") else ""
    logged_in = f", logged in to the platform as {user}" if user else ""
    return f"{opened['operator']}{on_host}{logged_in}" if opened.get("operator") else ""


def _approval(account: RunState, given: Mapping[str, Any]) -> str:
    """Who approved and when, and how this is known."""
    approval = account.fact("approval")
    if not isinstance(approval, Mapping):
        return "nobody; a plan without an approval changes nothing" if account.fact("plan_digest") else ""
    at = approval.get("given_at")
    when = f" at {iso(at)}" if isinstance(at, int | float) else ""
    return f"{approval.get('approver', '')}{when}; known from {_how_known(account, given)}, not from a login"


def _how_known(account: RunState, given: Mapping[str, Any]) -> str:
    consent = account.consent or {}
    if consent.get("digest"):
        second = " by each of two people" if consent.get("typed_by_approver") else ""
        count = len(consent.get("ticks") or ())
        return f"the approval card (VM's name typed{second}, {count} points ticked)"
    if account.opened.get("runbook") == FLEET_APPLY:
        return "the command that approved the plan"
    named = "the name" if given.get("approver") else "the operator"
    return f"{named} and the plan's digest that the run was started with"


def _ended(account: RunState) -> str:
    try:
        span = Span(from_iso(str(account.opened["at"])), from_iso(account.ended_at))
    except (KeyError, ValueError):
        return account.ended_at
    return f"{account.ended_at}, after {length(span)}"


def _sent(account: RunState) -> list[tuple[str, str]]:
    if account.opened.get("runbook") == FLEET_APPLY:
        return [("sent", "in the records of the VMs")]
    if not account.changing_calls:
        lost = "" if account.opened else f" {_NO_RECORD_OF}"
        return [("sent", f"no changing call: none was sent{lost}")]
    effects = {result.step: of_result(result) for result in account.results}
    told = []
    for n, call in enumerate(account.changing_calls, start=1):
        found = effects.get(call.step)
        effect = f"; {found.word}" if found and found.kind is not Kind.SENT else ""
        told.append((f"sent {n}", f"{call} at {call.intended_at}: {_came_back(call)}{effect}"))
    return told


def _came_back(call: ChangingCall) -> str:
    return call.answered if call.exchange else "MAY HAVE BEEN SENT, no answer was written down"


def _votes(account: RunState, says: Sequence[str]) -> list[tuple[str, str]]:
    """Source and reason of those votes of the newest evidence that say one of these words."""
    rows: Sequence[Sequence[Any]] = ()
    for result in account.results:
        if result.step not in account.outdated and result.facts.get("verdict") == account.verdict:
            rows = next((t.rows for t in result.tables if t.schema.name == EVIDENCE.name), rows)
    return [
        (str(source), str(because)) for source, said, because in (row[:3] for row in rows) if said in says
    ]


def _proved(account: RunState) -> str:
    if not _over_one_vm(account):
        return ""
    signs = {VerdictValue.OFF: ("dead",), VerdictValue.ALIVE: ("alive",)}.get(account.verdict)
    if signs is None:
        return "nothing" if account.results else ""
    by = "; ".join(_short(f"{source} {because}") for source, because in _votes(account, signs))
    word, lives = "the process is gone", account.verdict is VerdictValue.ALIVE
    if account.rests_on == "assumed":
        word = (
            "nothing; it is assumed that the process LIVES" if lives else f"{word}, if what is assumed holds"
        )
    elif lives:
        word = "the process LIVES"
    assertion = str((account.opened.get("parameters") or {}).get("assertion") or "")
    said = f"; a person's word: {assertion}" if assertion else ""
    return word + (f": {by}" if by else "") + said


def _not_known(account: RunState) -> Iterator[str]:
    """Questions that this record leaves open, in words."""
    if _over_one_vm(account) and account.results and account.verdict is VerdictValue.UNKNOWN:
        yield "whether the VM's process lives"
    for n, call in enumerate(account.changing_calls, start=1):
        if call.exchange is None or call.exchange.status is None:
            yield f"whether request {n} arrived"
    if silent := [source for source, _ in _votes(account, ("silent",))]:
        yield f"nothing is shown by {', '.join(silent)}"
    forced = FORCED & {call.act for call in account.acting_calls}
    if forced and account.verdict is not VerdictValue.ALIVE:
        yield "whether the guest lost data that it had not written"


def _undo(account: RunState) -> str:
    if not account.acting_calls:
        return ""
    if all(call.can_be_tried_again for call in account.acting_calls):
        return "nothing is to be undone: no request was carried out"
    undo = undo_of(account)
    if undo is None and account.verdict is VerdictValue.OFF:
        return "power the VM on by hand; what its guest had not written does not come back"
    if undo is None:
        return "no request undoes it; do not power the VM on before its process is known to be gone"
    request = Request(**undo["request"])
    return f"runbook restore_status with this record would send {request}; this run has undone nothing"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} …"
