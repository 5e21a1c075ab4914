"""``vergeos-nb doctor``: shows what ``doctor.diagnose`` finds."""

from __future__ import annotations

import click

from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option
from vergeos_nb.cli.output import Output
from vergeos_nb.connect.doctor import SIGNS, diagnose, exit_code


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to look at.")
@json_option
def doctor(profile: str, output: Output) -> int:
    """Check whether a system can be reached and read. Also checks login, TLS and clock. Changes nothing."""
    findings = diagnose(profile)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        output.line(f"{SIGNS[finding.ok]} {finding.name.ljust(width)}  {finding.detail}")
        if finding.next_step:
            output.line(f"  {' ' * width}  What to do: {finding.next_step}")
    code = exit_code(findings)
    output.result(
        {
            "profile": profile,
            "exit_code": code,
            "findings": [
                {"name": f.name, "ok": f.ok, "detail": f.detail, "next_step": f.next_step} for f in findings
            ],
        }
    )
    return code
