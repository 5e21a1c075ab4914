"""The schemas of the tables that steps show. That of the readings follows from the witnesses."""

from __future__ import annotations

from collections.abc import Mapping

from vergeos_nb.procedure.values.table import Schema

CHECKS = Schema(
    "checks",
    "What was checked",
    (("check", "text"), ("expected", "text"), ("found", "text"), ("agrees", "bool")),
)
VMS = Schema(
    "vms",
    "VMs that were found",
    (
        ("vm_key", "int"),
        ("name", "text"),
        ("machine_key", "int"),
        ("is_snapshot", "bool"),
        ("cpu_cores", "int"),
        ("ram_mb", "int"),
    ),
)
TWINS = Schema(
    "twins",
    "VMs of one name: which one do you mean?",
    (
        ("vm_key", "int"),
        ("name", "text"),
        ("node", "text"),
        ("status", "text"),
        ("last_write", "time"),
        ("cpu_cores", "int"),
        ("ram_mb", "int"),
        ("tags", "text"),
    ),
)
IDENTITY = Schema(
    "identity",
    "Side by side: is this the VM you mean?",
    (
        ("field", "text"),
        ("vm_record", "text"),
        ("status_row", "text"),
        ("you_expect", "text"),
        ("agrees", "bool"),
    ),
)
EVIDENCE = Schema(
    "evidence", "Evidence, source by source", (("source", "text"), ("says", "text"), ("because", "text"))
)
COUNTERS = Schema(
    "counters",
    "Counters of NICs and drives",
    (("counter", "text"), ("first", "int"), ("last", "int"), ("moved_by", "int")),
)
LOGS = Schema(
    "logs",
    "The machine's own log",
    (("at", "time"), ("level", "text"), ("user", "text"), ("text", "text")),
)
FACTS = Schema("facts", "Facts", (("fact", "text"), ("value", "text")))
REQUESTS = Schema(
    "requests",
    "Requests that change something",
    (("rung", "text"), ("method", "text"), ("path", "text"), ("body", "text"), ("what_it_does", "text")),
)
DIFFERENCE = Schema(
    "difference",
    "What differs from the approved plan",
    (("field", "text"), ("approved", "text"), ("now", "text")),
)
TRIAGE = Schema(
    "triage",
    "VMs that want a look, the most urgent first",
    (
        ("name", "text"),
        ("suggestion", "text"),
        ("reason", "text"),
        ("verdict", "text"),
        ("status", "text"),
        ("state", "text"),
        ("running", "bool"),
        ("for_s", "int"),
        ("node", "text"),
        ("node_state", "text"),
        ("heartbeat_s", "int"),
        ("counters", "text"),
        ("cpu_pct", "float"),
        ("ram_used_mb", "float"),
        ("ha_group", "text"),
        ("vm_key", "int"),
        ("machine_key", "int"),
        ("status_key", "int"),
        ("log_at", "time"),
        ("log", "text"),
    ),
)
FLEET = Schema(
    "fleet", "The fleet by node and status", (("node", "text"), ("status", "text"), ("vms", "int"))
)
FLEET_RUN = Schema(
    "fleet_run",
    "The VMs of the plan, and their records",
    (
        ("name", "text"),
        ("vm_key", "int"),
        ("node", "text"),
        ("where", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("exit_code", "int"),
        ("record", "text"),
        ("because", "text"),
    ),
)

RUNS = Schema(
    "runs",
    "Runs in the period",
    (
        ("opened", "time"),
        ("vm", "text"),
        ("runbook", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("operator", "text"),
        ("ticket", "text"),
        ("record", "text"),
    ),
)
ACTED = Schema(
    "acted",
    "Runs that changed something",
    (
        ("opened", "time"),
        ("vm", "text"),
        ("node", "text"),
        ("sent", "text"),
        ("outcome", "text"),
        ("verdict", "text"),
        ("took_s", "float"),
        ("operator", "text"),
        ("approver", "text"),
        ("reason", "text"),
        ("ticket", "text"),
        ("record", "text"),
    ),
)
OFFENDERS = Schema(
    "offenders",
    "VMs and nodes that needed it again and again",
    (
        ("kind", "text"),
        ("which", "text"),
        ("runs", "int"),
        ("forced", "int"),
        ("vms", "int"),
        ("last", "time"),
        ("tickets", "text"),
    ),
)
OUTCOMES = Schema(
    "outcomes", "Runs by day and outcome", (("day", "text"), ("outcome", "text"), ("runs", "int"))
)
OFTEN = Schema("often", "What was sent, by VM", (("vm", "text"), ("sent", "text"), ("times", "int")))

SCHEMAS: Mapping[str, Schema] = {
    schema.name: schema
    for schema in (
        CHECKS,
        VMS,
        TWINS,
        IDENTITY,
        EVIDENCE,
        COUNTERS,
        LOGS,
        FACTS,
        REQUESTS,
        DIFFERENCE,
        TRIAGE,
        FLEET,
        RUNS,
        ACTED,
        OFFENDERS,
        OUTCOMES,
        OFTEN,
        FLEET_RUN,
    )
}
