"""A headless run on the terminal: its progress, its summary, and its result for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb.cli.output import Output, said
from vergeos_nb.cli.run_warning import warning
from vergeos_nb.layout import PAGE, RECORD
from vergeos_nb.procedure.values.finding import Kind, of_result
from vergeos_nb.procedure.values.outcomes import RunOutcome, StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.runner.headless import RunReport, run
from vergeos_nb.vergeos.assumptions import ASSUMPTIONS
from vergeos_nb.vergeos.measured import MEASURED_FALSE
from vergeos_nb.views.badges import badge_of, badge_of_line
from vergeos_nb.views.summary import summary_text


def run_and_report(
    runbook: str, given: Mapping[str, str], outputs: Path, deadline_s: float | None, output: Output
) -> int:
    """Run a runbook headless and print the result. Returns the exit code.

    Raises:
        UsageError: a parameter is not valid, or there is no such runbook.
    """
    report = run(runbook, given, outputs=outputs, deadline_s=deadline_s, on_line=progress_on(output))
    show(report, output)
    if report.account.outcome is RunOutcome.PLANNED and (digest := report.account.fact("plan_digest")):
        output.line(f"  apply   the same command with --approve {digest}")
    output.result(as_json(report))
    return report.exit_code


def progress_on(output: Output) -> Any:
    """A receiver of journal lines that shows how far the run is."""

    def on_line(line: Mapping[str, Any]) -> None:
        match line["event"]:
            case "step-began":
                output.progress(f"… {line['title']}")
            case "note":
                output.progress(f"    {line['text']}")
            case "step-ended":
                result = line["result"]
                output.progress(f"{badge_of_line(result).sign} {result['title']}: {result['summary']}")

    return on_line


def show(report: RunReport, output: Output) -> None:
    """The run's summary, what it measured of the platform, and where its record is."""
    summary = summary_of(report.account)
    output.block(summary_text(summary))
    output.line()
    if warned := [one for one in summary.results if _warns(one) and one.next_step != summary.next_step]:
        for one in warned:
            output.line(f"  {badge_of(one).sign} {one.title}: {one.next_step}")
        output.line()
    if measured := report.account.fact("assumptions"):
        for name, one in measured.items():
            output.line(f"  {one['is'].ljust(len(MEASURED_FALSE))}  {ASSUMPTIONS[name].sentence}")
        output.line(f"  kept in {report.account.fact('kept')}")
        output.line()
    if report.record_error:
        output.block(f"NO RECORD: {said(report.record_error)}")
    else:
        output.line(f"  record  {report.folder}")
        output.line(f"  read    {report.folder / PAGE}")


def _warns(result: StepResult) -> bool:
    """Whether a step passed with something that a person should know before approving."""
    look = of_result(result).kind is Kind.LOOK
    return look and result.outcome is StepOutcome.PASSED and bool(result.next_step)


def as_json(report: RunReport) -> dict[str, Any]:
    """A run's result for programs."""
    account = report.account
    return {
        **account.end.as_dict(),
        "rests_on": account.rests_on or None,
        "exit_code": report.exit_code,
        "plan_digest": account.fact("plan_digest"),
        "record": str(report.folder) if (report.folder / RECORD).exists() else None,
        "profile": account.opened.get("profile"),
        "simulated": account.simulated,
        **({"assumptions": measured} if (measured := account.fact("assumptions")) else {}),
        **warning(account),
    }
