"""The manifest of a record: its files with hashes, its place in the ledger, and the fields to search by.

The ledger line is computed from the manifest alone, byte for byte. So the record itself shows what its line
was, and whether the line was changed.
"""

from __future__ import annotations

import hashlib
import json
import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from vergeos_nb.archive.ledger.canonical_struct import canonical_struct
from vergeos_nb.archive.ledger.ledger_lines import Digest, InnerPath, LedgerEntry, LedgerPlace
from vergeos_nb.archive.ledger.strays import is_litter
from vergeos_nb.canonical import LARGEST
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import CHECKPOINTS, JOURNAL, MANIFEST, SIGNATURE

FIELDS = (
    "runbook",
    "vm",
    "vm_key",
    "operator",
    "approver",
    "ticket",
    "outcome",
    "verdict",
    "exit_code",
    "profile",
    "simulated",
    "opened_at",
    "ended_at",
)

# The first event that another process adds when it resumes a run that was cut short. Below: the events that
# are added when a run whose process is gone is finished, and how every line of a journal begins.
RESUMED = "resumed"
_ADDED = ("interrupted", "bug", "settled")
_BEGIN = b'{"n": '


class Manifest(Struct, frozen=True):
    """The content of ``manifest.json``.

    Attributes:
        signer: the fingerprint of the key that has signed these very bytes, in the file beside it; or None.
    """

    record: str
    path: InnerPath
    sealed_at: str
    place: LedgerPlace = field(name="ledger")
    fields: dict[str, Any]
    files: dict[str, Digest]
    signer: str | None = None
    format: Literal["vergeos-nb/manifest/1"] = "vergeos-nb/manifest/1"

    def encoded(self) -> bytes:
        """The file's bytes: canonical JSON without a line feed."""
        numbers = [self.place.count, self.place.supersedes, *(file.size for file in self.files.values())]
        return canonical_struct(self, [*self.fields.values(), *numbers])

    def line(self, encoded_sha256: str = "") -> bytes:
        """The ledger line that seals this manifest, with its line feed.

        Args:
            encoded_sha256: of the file's bytes, if the caller knows it already.
        """
        return LedgerEntry(
            count=self.place.count,
            previous=self.place.previous,
            supersedes=self.place.supersedes,
            head_was=self.place.head_was,
            manifest=encoded_sha256 or hashlib.sha256(self.encoded()).hexdigest(),
            journal=self.files[JOURNAL],
            record=self.record,
            path=self.path,
            sealed_at=self.sealed_at,
            fields=self.fields,
        ).line()


def read_manifest(content: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises:
        ValueError: they are no manifest, or not in canonical JSON.
    """
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
        if JOURNAL not in manifest.files or manifest.encoded() != content:
            raise ValueError("not as it is written")
    except RecursionError as error:
        raise ValueError("no manifest: it is nested too deep") from error
    return manifest


def bundle(folder: Path) -> dict[str, Path]:
    """The files of a record's folder by their names in it, without the manifest and its signature, in order.

    Raises:
        OSError: the folder cannot be listed.
        RecordError: something in it is neither a file nor a folder.
    """
    return {name: Path(path) for name, path in listed(str(folder)).items()}


def listed(folder: str) -> dict[str, str]:
    """The same with the paths as text, which is faster where there are many records.

    Raises:
        OSError: the folder cannot be listed.
        RecordError: something in it is neither a file nor a folder.
    """
    found: dict[str, str] = {}
    _collect(folder, "", found)
    for name in (MANIFEST, SIGNATURE):
        found.pop(name, None)
    return found


_name = operator.attrgetter("name")


def _collect(folder: str, before: str, found: dict[str, str]) -> None:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=_name):
            if entry.is_file(follow_symlinks=False):
                found[before + entry.name] = entry.path
            elif entry.is_dir(follow_symlinks=False):
                if entry.name != CHECKPOINTS:
                    _collect(entry.path, f"{before}{entry.name}/", found)
            elif is_litter(entry.name):
                # An editor's lock is a link.
                found[before + entry.name] = entry.path
            else:
                raise RecordError(
                    f"reading the record {folder}",
                    f"{entry.name!r} is a link or a device",
                    "a record holds plain files only: put the file itself there, or move it out",
                )


def is_grown(journal: bytes, sealed: Digest) -> bool:
    """Whether a journal is the sealed one, with the lines that finishing or resuming a dead run adds."""
    rest = journal[sealed.size :]
    if not rest or hashlib.sha256(journal[: sealed.size]).hexdigest() != sealed.sha256:
        return False
    lines = [line for line in rest.split(b"\n") if line]
    if lines and _event(lines[0]) == RESUMED:
        # A resumed run can have any events, and its last line can be cut off.
        return all(_event(line) for line in lines[:-1])
    return bool(lines) and all(_is_added(line) for line in lines)


def _event(line: bytes) -> str:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(data.get("event", "")) if isinstance(data, dict) else ""


def _is_added(line: bytes) -> bool:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        # Its writer may have been killed, so the line may be cut off.
        return line.startswith(_BEGIN[: len(line)])
    return isinstance(data, dict) and data.get("event") in _ADDED


def fields_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that people search by, from ``record.json``."""
    vm, approval, parameters = (_mapping(record.get(name)) for name in ("vm", "approval", "parameters"))
    told = {
        **{name: record.get(name) for name in FIELDS},
        "vm": vm.get("name") or parameters.get("vm_name"),
        "vm_key": vm.get("key"),
        "approver": approval.get("approver"),
    }
    return {name: _plain(told[name]) for name in FIELDS}


def row_of(entry: LedgerEntry) -> dict[str, Any]:
    """A sealed record as one row, from its ledger line."""
    return {
        **{name: entry.fields.get(name) for name in FIELDS},
        "record": entry.record,
        "path": entry.path,
        "sealed_at": entry.sealed_at,
        "line": entry.count,
        "supersedes": entry.supersedes,
        "manifest": entry.manifest,
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) <= LARGEST):
        return value
    # Half of a surrogate pair has no UTF-8.
    return str(value).encode("utf-8", "backslashreplace").decode()
