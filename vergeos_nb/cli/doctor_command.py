"""``vergeos-nb doctor``: shows what ``doctor.diagnose`` finds, and whether messages can be forwarded."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path

import click

from vergeos_nb.archive.platform_files import PlatformFiles
from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.clock import SystemClock
from vergeos_nb.connect.doctor import SIGNS, Diagnosis, diagnose, exit_code
from vergeos_nb.errors import SettingsError
from vergeos_nb.forwarding.delivery import try_out
from vergeos_nb.procedure.engine.system_identity import name_of
from vergeos_nb.session.cases import target_of
from vergeos_nb.settings import Profile, archive_settings
from vergeos_nb.vergeos.rows import SystemInfo


@click.command(cls=Asking)
@click.option("--profile", default="simulator", show_default=True, help="The system to look at.")
@outputs_option
@json_option
def doctor(profile: str, outputs: Path, output: Output) -> int:
    """Check whether a system can be reached and read. Checks login, TLS and clock, too. Changes nothing."""
    files = PlatformFiles(outputs, clock := SystemClock())

    def known(opened: Profile, system: SystemInfo) -> str:
        return files.find(name_of(target_of(opened), system)).words(system, clock.now())

    findings = [*diagnose(profile, clock=clock, known=known), *_forwarding()]
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
            "findings": [asdict(finding) for finding in findings],
        }
    )
    return code


def _forwarding() -> list[Diagnosis]:
    """The result of a test message, if a target is set up. A failure is only a warning, as in a run."""
    url = archive_settings().forward
    if url is None:
        return []
    try:
        target, why = try_out(url, platform.node())
    except SettingsError as error:
        return [Diagnosis("forwarding", None, error.came_back, error.next_step)]
    if why:
        later = "Runs go on all the same; `vergeos-nb audit forward` delivers later what is missing."
        return [Diagnosis("forwarding", None, f"{target} did not take a test message: {why}", later)]
    return [Diagnosis("forwarding", True, f"a test message was sent to {target}")]
