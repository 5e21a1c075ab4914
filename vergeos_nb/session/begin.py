"""Begin a run: make its folder, register its secrets, and check its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from vergeos_nb import settings
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.clock import Clock
from vergeos_nb.errors import UsageError, VergeNbError
from vergeos_nb.journal.header import open_journal, refuse_at_the_door, this_user
from vergeos_nb.parameters import RunParameters
from vergeos_nb.procedure.runbooks.catalog import read_parameters, schema_of
from vergeos_nb.record.record_folder import new_folder


class Begun(Struct, frozen=True):
    """A run that has a folder.

    Attributes:
        options: its parameters; or the error if one is not valid. The error is in the journal, too.
        scrubber: knows the secrets of the profile that the parameters name.
    """

    folder: Path
    options: RunParameters | UsageError
    scrubber: Scrubber


def begin_run(
    runbook: str, given: Mapping[str, Any], clock: Clock, *, outputs: Path, folder: Path | None = None
) -> Begun:
    """Make the folder of a run and check its parameters. A run that is refused has a journal, too.

    Args:
        given: parameters by name, as text or values.
        folder: the run's folder, if a runner has already made it.

    Raises:
        UsageError: there is no such runbook.
        RecordError: folder or journal could not be made; nothing was sent.
    """
    schema = schema_of(runbook)
    # Do this first: somebody may have typed the profile's password as a name.
    scrubber = Scrubber(settings.secrets_known(given.get("profile")))
    folder = folder or new_folder(outputs, runbook, schema.subject_of(given), clock.now())
    try:
        return Begun(folder, read_parameters(runbook, given), scrubber)
    except UsageError as error:
        refuse_run(folder, clock, scrubber, runbook, given, error)
        return Begun(folder, error, scrubber)


def refuse_run(
    folder: Path,
    clock: Clock,
    scrubber: Scrubber,
    runbook: str,
    given: Mapping[str, Any],
    error: VergeNbError,
) -> None:
    """Write the journal of a run that ended before its first step.

    Raises:
        RecordError: it cannot be written.
    """
    plain = {name: value for name, value in given.items() if is_plain(value)}
    journal = open_journal(folder, clock, scrubber, runbook=runbook, parameters=plain, operator=this_user())
    refuse_at_the_door(journal, clock, error)


def is_plain(value: Any) -> bool:
    """Whether a value of a notebook can be a parameter. Other values are not written down."""
    return value is None or isinstance(value, str | int | float | bool | list | dict)
