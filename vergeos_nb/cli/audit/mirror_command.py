"""``vergeos-nb audit mirror``."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.archive.mirror import mirror, shown
from vergeos_nb.cli.output import Output
from vergeos_nb.errors import UsageError
from vergeos_nb.shapes import is_folder


def mirror_archive(outputs: str | None, output: Output) -> int:
    """Copy to the mirror the records that it lacks. Returns the exit code.

    Raises:
        UsageError: no mirror is set up, or there is no such archive.
        RecordError: the target cannot be reached or written, or is the mirror of another archive.
    """
    folder = Path(outputs) if outputs else settings.outputs_dir()
    target = settings.archive_settings().mirror
    if target is None:
        hint = "name it with VERGEOS_NB_MIRROR, such as s3://bucket/prefix"
        raise UsageError("mirroring the archive", "no mirror is set up", hint)
    if not is_folder(folder):
        raise UsageError("mirroring the archive", f"there is no folder {folder}", "name it with --outputs")
    done = mirror(folder, target)
    for record in done.spoiled:
        output.line(f"✘ not copied, because not as it was sealed  {record}")
    if done.busy:
        output.line("Another process is at it.")
    else:
        count = len(done.copied)
        output.line(f"✔ {count} records copied; {shown(target)} has all up to number {done.lines}.")
    code = 3 if done.spoiled else 0
    output.result(
        {
            "lines": done.lines,
            "copied": list(done.copied),
            "spoiled": list(done.spoiled),
            "busy": done.busy,
            "exit_code": code,
        }
    )
    return code
