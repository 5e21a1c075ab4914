"""``vergeos-nb``: the command line. Each command is imported when it is called."""

from __future__ import annotations

import sys

from vergeos_nb.cli.commands import Group, version_option
from vergeos_nb.cli.entry import call

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}

audit = Group(
    "audit",
    help="List, check, export and keep sealed records.",
    late={
        "diff": ("audit.diff_command:diff", "Show field by field where two records differ."),
        "export": ("audit.export_command:export", "Write one record into one file."),
        "forward": ("audit.forward_command:forward", "Deliver events that were not forwarded yet."),
        "hold": ("audit.retention_commands:hold", "Put a record on legal hold."),
        "list": (
            "audit.list_commands:list_records",
            "List sealed records, the oldest run first.",
        ),
        "mirror": ("audit.mirror_command:mirror", "Copy the records that the mirror lacks."),
        "prune": ("audit.retention_commands:prune", "Remove records by age and count, except those on hold."),
        "recover": ("audit.recover_command:recover", "Finish the records of runs whose process died."),
        "reindex": ("audit.list_commands:reindex", "Rebuild the index."),
        "release": ("audit.retention_commands:release", "End a record's legal hold."),
        "remove": (
            "audit.retention_commands:remove",
            "Remove records and leave a tombstone of each in the ledger.",
        ),
        "show": ("audit.show_command:show", "Show one record, and check its files."),
        "sign": ("audit.sign_command:sign", "Verify the archive and sign the end of its ledger."),
        "timestamp": (
            "audit.timestamp_command:timestamp",
            "Ask a timestamp authority to confirm the ledger.",
        ),
        "verify": (
            "audit.verify_command:verify",
            "Check that every record and the ledger are as they were sealed.",
        ),
    },
)
fleet = Group(
    "fleet",
    help="Force many VMs off: plan, approve, apply, resume.",
    late={
        "apply": (
            "fleet_group.apply_commands:apply",
            "Apply an approved plan: one VM, then two, four, … up to the limit.",
        ),
        "approve": ("fleet_group.plan_commands:approve", "Approve the plan with this DIGEST."),
        "plan": (
            "fleet_group.plan_commands:plan",
            "Plan for the VMs of a FILE, or for those that a selector matches.",
        ),
        "resume": (
            "fleet_group.apply_commands:resume",
            "Continue a fleet run that was stopped or killed.",
        ),
        "status": ("fleet_group.apply_commands:status", "Show the state of each VM of a plan."),
    },
)
cli = Group(
    "vergeos-nb",
    help="""Runbooks for VergeOS: force a stuck VM off, prove it, keep the record.

    \b
    Exit codes: 0 done as asked (planned, off, nothing to do) · 2 usage · 3 refused by a guard ·
    4 not found or ambiguous · 5 drift or expired approval · 6 still alive · 7 unknown ·
    8 API or network · 9 authentication or permission · 10 no record · 70 a bug
    """,
    context_settings=CONTEXT,
    params=[version_option],
    commands=[audit, fleet],
    late={
        "capture": (
            "measuring.capture_command:capture",
            "Write the rows that a power-off reads to a file, without names.",
        ),
        "conformance": (
            "measuring.conformance_command:conformance",
            "Find out how a platform behaves, and keep what was measured.",
        ),
        "demo": ("demo_command:demo", "Run the whole job on the simulator: plan, approve, force off, prove."),
        "doctor": ("doctor_command:doctor", "Check whether a system can be reached and read."),
        "drill": (
            "drill_command:drill",
            "Serve the system of a record as a simulated system until SIGINT or SIGTERM.",
        ),
        "lab": (
            "lab_command:lab",
            "Open JupyterLab over a working copy of the runbooks, until it is stopped.",
        ),
        "run": ("run_command:run", "Run a runbook headless."),
        "simulator": (
            "simulator_command:simulator",
            "Serve a simulated VergeOS over TLS on loopback until SIGINT or SIGTERM.",
        ),
        "stuck": (
            "fleet_group.stuck_command:stuck",
            "List the stuck VMs of a whole system.",
        ),
    },
)


def main(arguments: list[str] | None = None) -> None:
    """The entry point. Whatever happens, the user sees a sentence, and the exit code is a documented one."""
    sys.exit(call(cli, arguments))
