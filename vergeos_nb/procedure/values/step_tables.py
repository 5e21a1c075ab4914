"""The tables that steps show, except the table of readings, which the witnesses declare."""

from __future__ import annotations

from typing import get_args

from vergeos_nb.procedure.values.table import ColumnKind, Schema

SCHEMAS: dict[str, Schema] = {}
"""Every table below, by name."""


def _table(name: str, caption: str, columns: str) -> Schema:
    """Declare a table. Each column is a word. It holds text unless a colon and its kind follow."""
    kinds: dict[str, ColumnKind] = {kind: kind for kind in get_args(ColumnKind)}
    words = (word.partition(":") for word in columns.split())
    pairs = tuple((column, kinds[kind or "text"]) for column, _, kind in words)
    SCHEMAS[name] = schema = Schema(name, caption, pairs)
    return schema


CHECKS = _table("checks", "What was checked", "check expected found agrees:bool")
VMS = _table(
    "vms",
    "VMs that were found",
    "vm_key:int name machine_key:int is_snapshot:bool cpu_cores:int ram_mb:int",
)
STAYS_CLOSED = _table("stays_closed", "What this plan does not open", "step because way_on")
TWINS = _table(
    "twins",
    "VMs of one name: which one do you mean?",
    "vm_key:int name node status last_write:time cpu_cores:int ram_mb:int tags",
)
IDENTITY = _table(
    "identity",
    "Side by side: is this the VM you mean?",
    "field vm_record status_row you_expect agrees:bool",
)
EVIDENCE = _table("evidence", "Evidence, source by source", "source says because rests_on")
COUNTERS = _table("counters", "Counters of NICs and drives", "counter first:int last:int moved_by:int")
LOGS = _table("logs", "The machine's own log", "at:time level user text")
FACTS = _table("facts", "Facts", "fact value")
REQUESTS = _table("requests", "Requests that change something", "rung method path body what_it_does")
DIFFERENCE = _table("difference", "What differs from the approved plan", "field approved now")
TRIAGE = _table(
    "triage",
    "VMs that want a look, the most urgent first",
    "name suggestion reason verdict status state running:bool for_s:int node node_state heartbeat_s:int "
    "counters cpu_pct:float ram_used_mb:float ha_group vm_key:int machine_key:int status_key:int "
    "log_at:time log",
)
FLEET = _table("fleet", "The fleet by node and status", "node status vms:int")
FLEET_RUN = _table(
    "fleet_run",
    "The VMs of the plan, and their records",
    "name vm_key:int node where outcome verdict exit_code:int record because",
)
RUNS = _table("runs", "Runs in the period", "opened:time vm runbook outcome verdict operator ticket record")
ACTED = _table(
    "acted",
    "Runs that changed something",
    "opened:time vm node sent outcome verdict took_s:float operator approver reason ticket record",
)
OFFENDERS = _table(
    "offenders",
    "VMs and nodes that needed it again and again",
    "kind which runs:int forced:int vms:int last:time tickets",
)
OUTCOMES = _table("outcomes", "Runs by day and outcome", "day outcome runs:int")
OFTEN = _table("often", "What was sent, by VM", "vm sent times:int")
OBSERVATIONS = _table("observations", "What was seen of the platform", "what value how")
LEARNED_TABLES = _table(
    "learned_tables",
    "Tables as the platform gives them",
    "table rows:int missing unreadable took_ms:int refused",
)
LEARNED_ROWS = _table(
    "learned_rows",
    "Which rows are written, and how often",
    "machine:int name kind row habit writes:int over_s:float oldest_s:float",
)
ASSUMED = _table(
    "assumed", "Assumptions about the platform, and what was measured", "assumption measured because"
)
