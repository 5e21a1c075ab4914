"""The folders of an archive's records, as they are found."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.audit.asked import without_journal
from vergeos_nb.audit.chain import Finding, Kind
from vergeos_nb.audit.disk import content_of
from vergeos_nb.audit.ledger import Entry
from vergeos_nb.audit.manifest import JOURNAL, NAME, RECORD, Digest, Manifest, bundle, is_grown, read_manifest
from vergeos_nb.errors import RecordError

# What is beside the records below the archive's folder.
_BESIDE = frozenset({"plans", "leases", "signed", "timestamps", "removing"})


def folders_of(outputs: Path, but: Collection[str] = ()) -> Iterator[str]:
    """The folders that hold a record or are to hold one, as ``DAY/RECORD``.

    Args:
        but: paths that are left out.

    Raises:
        RecordError: the archive cannot be read.
    """
    try:
        with os.scandir(outputs) as days:
            for day in days:
                if day.name in _BESIDE or not day.is_dir():
                    continue
                with os.scandir(day.path) as records:
                    for record in records:
                        names = (NAME, RECORD, JOURNAL)
                        if f"{day.name}/{record.name}" in but:
                            continue
                        if record.is_dir(follow_symlinks=False) and any(
                            os.path.lexists(f"{record.path}/{name}") for name in names
                        ):
                            yield f"{day.name}/{record.name}"
    except OSError as error:
        raise RecordError(
            f"verifying {outputs}", f"{error.filename}: {error.strerror}", "is this an archive's folder?"
        ) from error


def unsealed(outputs: Path, sealed: Collection[str]) -> list[str]:
    """The folders of runs, as ``DAY/RECORD``, that are not among these paths. Looks into no other folder.

    Raises:
        RecordError: the archive cannot be read.
    """
    # Most are sealed, and a folder that is known by its name need not be looked into.
    begun = set(folders_of(outputs, but=sealed))
    begun |= {folder.relative_to(outputs).as_posix() for folder in without_journal(outputs, but=sealed)}
    return sorted(begun)


@dataclass(frozen=True, slots=True)
class Folder:
    """A record's folder.

    Attributes:
        path: its path below the archive's folder.
        manifest: the hash of its manifest, or "".
        says: what the manifest says, or None.
        finished: whether it holds more than a run that has not ended.
    """

    folder: Path
    path: str
    manifest: str
    says: Manifest | None
    finished: bool

    @classmethod
    def read(cls, outputs: Path, path: str) -> Folder:
        """Read the manifest and nothing else."""
        folder = outputs / path
        try:
            content = b"" if (folder / NAME).is_symlink() else content_of(folder / NAME)
        except OSError:
            content = None
        if content is None:
            return cls(folder, path, "", None, (folder / RECORD).exists())
        try:
            says = read_manifest(content)
        except ValueError:
            says = None
        return cls(folder, path, hashlib.sha256(content).hexdigest(), says, True)

    @property
    def own(self) -> Manifest | None:
        """The manifest, if it was made for this folder."""
        return self.says if self.says and self.says.path == self.path else None

    def has_grown(self, entry: Entry) -> bool:
        """Whether its journal is the one that a ledger line sealed, with lines added."""
        path = self.folder / JOURNAL
        try:
            if path.is_symlink() or path.stat().st_size <= entry.journal.size:
                return False
            return is_grown(content_of(path) or b"", entry.journal)
        except OSError:
            return False

    def was_finished_again(self, entry: Entry) -> bool:
        """Whether it is whole, says that it supersedes what a ledger line sealed, and adds to it at most."""
        own = self.own
        if own is None or own.place.supersedes != entry.place.count or self.wrong():
            return False
        return own.files[JOURNAL] == entry.journal or self.has_grown(entry)

    def wrong(self) -> list[Finding]:
        """Which files are not as the manifest says."""
        own = self.own
        if own is None:
            return []
        try:
            there = bundle(self.folder)
        except RecordError as error:
            return [Finding(self.path, Kind.FILE_CHANGED, error.came_back)]
        except OSError as error:
            return [Finding(self.path, Kind.FILE_MISSING, f"it cannot be read: {error.strerror}")]
        found = []
        for name, digest in own.files.items():
            kind, detail = _compare(there.pop(name, None), digest)
            if kind:
                found.append(Finding(f"{self.path}/{name}", kind, detail))
        for name in there:
            detail = "it was not there when the record was sealed"
            found.append(Finding(f"{self.path}/{name}", Kind.FILE_ADDED, detail))
        return found


def _compare(path: Path | None, digest: Digest) -> tuple[Kind | None, str]:
    if path is None:
        return Kind.FILE_MISSING, "it was sealed and is not there"
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == digest.size and (
                hashlib.file_digest(file, "sha256").hexdigest() == digest.sha256
            ):
                return None, ""
    except OSError as error:
        return Kind.FILE_MISSING, f"it cannot be read: {error.strerror}"
    return Kind.FILE_CHANGED, "it is not as it was sealed"
