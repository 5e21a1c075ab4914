"""Undo capsules of earlier runs, read from their records in the archive and checked first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb import settings
from vergeos_nb.errors import RecordError, RecordNotFound, Refused
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.layout import JOURNAL, RECORD
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.record.undo import undo_of
from vergeos_nb.settings import normal_host
from vergeos_nb.shapes import is_file, is_folder


class Capsules:
    """Records below an archive's folder, by their id or by their path."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs.absolute()

    def capsule(self, record: str) -> Mapping[str, Any]:
        """The override of a record.

        Everything is read from the journal, whose hash is in ``record.json``. There is no hash of
        ``record.json`` itself, so it must agree with the journal.

        Args:
            record: the record's id, or a path to its folder or its ``record.json``.

        Raises:
            RecordNotFound: there is no such record.
            Refused: it is damaged, or it was changed after the run.
        """
        folder = self._find(record)
        asked = f"reading the record {folder.name}"
        try:
            said, wrong = read(folder), check(folder)
            if JOURNAL not in said["files"]:
                wrong = [f"it names no hash of {JOURNAL}", *wrong]
            account = run_state_of(read_journal(folder / JOURNAL)) if not wrong else None
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise _changed(asked, str(error)) from error
        if account is None:
            raise _changed(asked, "; ".join(wrong))
        capsule = {
            "record": folder.name,
            "host": account.profile.get("host"),
            "system_id": account.fact("system_id"),
            "cloud_name": account.fact("cloud_name"),
            "simulated": account.simulated,
            "vm": account.fact("vm"),
            "status_key": account.fact("status_key"),
            "undo": undo_of(account),
        }
        differ = [name for name, value in capsule.items() if name in said and said[name] != value]
        if differ:
            raise _changed(asked, f"{RECORD} and {JOURNAL} do not agree on: {', '.join(differ)}")
        # Older versions wrote a host as it was typed.
        return {**capsule, "host": normal_host(str(capsule["host"]))}

    def _find(self, record: str) -> Path:
        path = settings.from_home(record)
        if len(path.parts) > 1 or path.name == RECORD:
            folder = path.parent if path.name == RECORD else path
            if is_file(folder / RECORD):
                return folder.absolute()
        elif is_folder(self._outputs) and record not in ("", ".", ".."):
            # Compared by name, so that an id is never read as a pattern.
            found = [day / record for day in self._outputs.iterdir() if is_file(day / record / RECORD)]
            if len(found) == 1:
                return found[0]
        raise RecordNotFound(
            f"finding the record {record!r}",
            f"there is none in {self._outputs}, nor at such a path",
            "give the name of its folder as `vergeos-nb run` printed it, or the folder's path",
        )


def _changed(asked: str, what: str) -> Refused:
    return Refused(asked, what, "do not act on it; get the record from its archive, or look at the VM")
