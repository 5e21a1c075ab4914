"""``vergeos-nb doctor``: shows what ``doctor.diagnose`` finds."""

from __future__ import annotations

from vergeos_nb.cli.output import Output
from vergeos_nb.connect.doctor import SIGNS, diagnose, exit_code


def doctor(profile: str, output: Output) -> int:
    """Check a system and show the findings. Returns the exit code."""
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
