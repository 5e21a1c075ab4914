"""The measurements of each system, as ``platform/SYSTEM.toml`` in the archive, for people to read and check.

Each entry has its own version, time and record. Entries that a run did not measure stay as they were. The
reader of the file decides which entries still count.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from vergeos_nb.client.scrub import Scrubber, visible
from vergeos_nb.clock import Clock, from_iso, iso
from vergeos_nb.errors import RecordError
from vergeos_nb.files import disk_errors, make_folder, put
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.shapes import MOST_BYTES, Unfit, content_of, fit, text_of, toml_of
from vergeos_nb.vergeos.measured import NOT_MEASURED, Measured, Measurements, SystemMeasured

FORMAT = "vergeos-nb/platform/1"
LONGEST_NAME = 80
_HEAD = """\
# What was measured of this VergeOS system. `vergeos-nb conformance` writes it, and verdicts rest on it.
# To check an entry by hand, open the record that it names and look at the step "Keep what was found out".
# An entry counts for its system and version only. Delete an entry, or the file, to have it count no more.
"""


class _Entry(msgspec.Struct):
    value: str
    version: str
    at: str
    record: str
    how: str = ""


class _System(msgspec.Struct):
    name: str
    cloud_name: str
    version: str
    simulated: bool


class _File(msgspec.Struct):
    format: str
    system: _System
    assumptions: dict[str, _Entry] = {}
    seen: dict[str, _Entry] = {}


class PlatformFiles:
    """The files of one archive.

    Args:
        record: the id of the run's record, which new entries name.
        scrubber: masks what is written.
    """

    def __init__(
        self, outputs: Path, clock: Clock, record: str = "", scrubber: Scrubber | None = None
    ) -> None:
        self._paths = ArchiveLayout(outputs.absolute())
        self._clock = clock
        self._record = record
        self._scrubber = scrubber or Scrubber()

    def find(self, name: str) -> Measurements:
        """The measurements of the system with this name; empty if there is no file.

        A file that cannot be read is not an error: none of its entries counts, and `damaged` says why.
        """
        path = self._paths.platform(file_name(name))
        try:
            held = fit(toml_of(text_of(content_of(path, MOST_BYTES))), _File)
            if held.format != FORMAT:
                raise Unfit(f"its format is {held.format!r}, and this version reads {FORMAT!r}")
            if held.system.name != name:
                raise Unfit("it is another system's")
            return Measurements(
                SystemMeasured(
                    held.system.name, held.system.cloud_name, held.system.version, held.system.simulated
                ),
                _measured(held.assumptions),
                _measured(held.seen),
            )
        except Unfit as unfit:
            return Measurements(damaged="" if unfit.missing else f"{path}: {unfit.why}")

    def keep(
        self,
        system: SystemMeasured,
        assumptions: Mapping[str, tuple[str, str]],
        seen: Mapping[str, tuple[str, str]],
    ) -> str:
        """Add this run's measurements, each a value and how it was measured. Returns the file's path.

        Raises:
            RecordError: it cannot be written.
        """
        path = self._paths.platform(file_name(system.name))
        earlier = self.find(system.name)
        text = _toml(
            system,
            _joined(earlier.assumptions, self._new(system, assumptions)),
            {**earlier.seen, **self._new(system, seen)},
        )
        with disk_errors(f"keeping what was measured in {path}"):
            make_folder(path.parent)
            if earlier.damaged:
                path.replace(path.with_name(f"{path.name}.damaged"))
            put(path, text.encode(), path.with_suffix(f".{secrets.token_hex(4)}.part"))
        return str(path)

    def _new(self, system: SystemMeasured, found: Mapping[str, tuple[str, str]]) -> dict[str, Measured]:
        if not self._record:
            raise RecordError(
                "keeping what was measured",
                "there is no record that holds the evidence",
                "run it as a run that leaves a record: `vergeos-nb conformance`",
            )
        now = self._clock.now()
        return {
            name: Measured(
                self._scrubber.text(value), self._scrubber.text(how), system.version, now, self._record
            )
            for name, (value, how) in found.items()
        }


def _joined(earlier: Mapping[str, Measured], new: Mapping[str, Measured]) -> dict[str, Measured]:
    """Earlier and new measurements. An earlier one stays if the new run did not measure it."""
    return {
        **earlier,
        **{name: one for name, one in new.items() if one.value != NOT_MEASURED or name not in earlier},
    }


def file_name(system: str) -> str:
    """The name of a system's file, from its id or its host, which may hold a port and colons."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", system)[:LONGEST_NAME] or "_"


def _measured(entries: Mapping[str, _Entry]) -> dict[str, Measured]:
    found = {}
    for name, one in entries.items():
        try:
            at = from_iso(one.at)
        except ValueError:
            raise Unfit(f"{name}: {one.at!r} is no time") from None
        found[name] = Measured(one.value, one.how, one.version, at, one.record)
    return found


def _toml(system: SystemMeasured, assumptions: Mapping[str, Measured], seen: Mapping[str, Measured]) -> str:
    lines = [
        _HEAD,
        f"format = {_text(FORMAT)}",
        "",
        "[system]",
        f"name = {_text(system.name)}",
        f"cloud_name = {_text(system.cloud_name)}",
        f"version = {_text(system.version)}",
        f"simulated = {'true' if system.simulated else 'false'}",
    ]
    for section, entries in (("assumptions", assumptions), ("seen", seen)):
        for name, one in sorted(entries.items()):
            lines += ["", f"[{section}.{name}]", *(f"{key} = {_text(value)}" for key, value in _pairs(one))]
    return "\n".join(lines) + "\n"


def _pairs(one: Measured) -> list[tuple[str, Any]]:
    return [
        ("value", one.value),
        ("how", one.how),
        ("version", one.version),
        ("at", iso(one.at)),
        ("record", one.record),
    ]


def _text(value: str) -> str:
    """A TOML string on one line."""
    return '"' + visible(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
