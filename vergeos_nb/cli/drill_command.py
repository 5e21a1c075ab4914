"""``vergeos-nb drill``: simulate the system of a record, and show two runs side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from vergeos_nb.archive.index import Index
from vergeos_nb.cli.commands import Asking
from vergeos_nb.cli.options import json_option, outputs_option
from vergeos_nb.cli.output import Output
from vergeos_nb.connect.simulated import announce, withdraw
from vergeos_nb.errors import RecordNotFound
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import RunState, run_state_of
from vergeos_nb.layout import DAYS, JOURNAL
from vergeos_nb.runner.drilled_record import debriefing, simulator_of
from vergeos_nb.shapes import is_file
from vergeos_nb.simulator import serve_until_stopped


@click.command(cls=Asking)
@click.argument("record")
@click.option(
    "--beside", metavar="RECORD", help="Serve nothing; show the run of this record beside the first."
)
@click.option("--mask", is_flag=True, help="Replace names, addresses and texts.")
@outputs_option
@json_option
def drill(record: str, beside: str | None, mask: bool, outputs: Path, output: Output) -> int:
    """Serve the system of a record as a simulated system until SIGINT or SIGTERM.

    RECORD is the id of a record in the archive, its folder, or an unpacked export. The profile
    `simulator` finds the system. After the drill, `--beside` shows both runs side by side.
    """
    then = _run_of(record, outputs)
    if beside is not None:
        return _show(then, _run_of(beside, outputs), output)

    def ready(info: Mapping[str, Any]) -> None:
        announce(info)
        # The user name and password for whoever started the drill.
        Output(as_json=True).result(info, hands_out=True)

    try:
        serve_until_stopped(simulator_of(then, mask=mask), announce=ready)
    finally:
        withdraw(os.getpid())
    return 0


def _run_of(record: str, outputs: Path) -> RunState:
    """The state of a record's run, from its journal.

    Raises:
        RecordNotFound: no record with one journal has this name.
    """
    folder = Path(record)
    if not folder.is_dir():
        return run_state_of(read_journal(outputs / Index(outputs).by_id(record).path / JOURNAL))
    found = [folder / JOURNAL] if is_file(folder / JOURNAL) else list(folder.glob(f"{DAYS}/*/{JOURNAL}"))
    if len(found) != 1:
        raise RecordNotFound(
            "making a drill of a record",
            f"{folder} holds {len(found)} journals",
            "name the folder of one record, or its id as `vergeos-nb audit list` shows it",
        )
    return run_state_of(read_journal(found[0]))


def _show(then: RunState, now: RunState, output: Output) -> int:
    lines = debriefing(then, now)
    widths = [max(len(getattr(line, name)) for line in lines) for name in ("step", "then")]
    for line in lines:
        sign = " " if line.then == line.now else "≠"
        output.line(f"{sign} {line.step.ljust(widths[0])}  {line.then.ljust(widths[1])}  {line.now}")
    output.result({"steps": [asdict(line) for line in lines]})
    return 0
