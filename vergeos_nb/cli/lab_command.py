"""``vergeos-nb lab``: JupyterLab over a working copy of the runbooks, until it is stopped."""

from __future__ import annotations

from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.cli.output import Output
from vergeos_nb.runner.jupyter_lab import ended_in_order, open_lab, runbooks_here, wait_for


def lab(profile: str, base: str | None, outputs: str | None, port: int, browser: bool, output: Output) -> int:
    """Open it, say where, and wait. Returns the exit code."""
    if profile.partition(":")[0] != settings.SIMULATOR_NAME and not settings.wants_password(profile):
        settings.load_profile(profile)  # an invalid name is reported here, not in a card
    archive = Path(outputs) if outputs else settings.outputs_dir()
    folder = Path(base) if base else Path("lab")
    with (
        ended_in_order(),
        open_lab(
            runbooks_here(),
            folder,
            archive,
            profile=profile,
            port=port,
            browser=browser,
            say=output.progress,
        ) as opened,
    ):
        try:
            output.line(f"JupyterLab is ready: {opened.url}", hands_out=True)
            output.line(f"Working copy: {opened.folder}")
            output.line(f"Records go to: {archive.absolute()}")
            output.line("Stop it with Ctrl-C; runs that are open then end as interrupted.")
            told = {"url": opened.url, "folder": str(opened.folder), "pid": opened.process.pid}
            output.result(told, hands_out=True)
            return wait_for(opened)
        except KeyboardInterrupt:
            return 0
