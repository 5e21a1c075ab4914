"""Find and read the folders of an archive's records."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Set
from pathlib import Path

from msgspec import Struct

from vergeos_nb.archive.ledger.chain import Flaw, FlawKind
from vergeos_nb.archive.ledger.disk import content_of, sha256_of
from vergeos_nb.archive.ledger.ledger_lines import Digest, LedgerEntry
from vergeos_nb.archive.ledger.manifest import Manifest, is_grown, listed, read_manifest
from vergeos_nb.archive.ledger.strays import LINE_ENDS, is_litter, with_unix_ends
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import DAYS, JOURNAL, MANIFEST, NO_DAYS, RECORD, is_day, what_of


def folders_in_days(outputs: Path) -> list[str]:
    """Every folder in a folder of an archive that may be a day, as ``DAY/NAME``, in order.

    Raises:
        RecordError: the archive cannot be read.
    """
    return sorted(_in_days(outputs))


def _in_days(outputs: Path) -> Iterator[str]:
    with _readable(outputs), os.scandir(outputs) as days:
        for day in days:
            if day.name in NO_DAYS or not day.is_dir(follow_symlinks=False):
                continue
            with os.scandir(day.path) as records:
                yield from (f"{day.name}/{one.name}" for one in records if one.is_dir(follow_symlinks=False))


def folders_of(outputs: Path, but: Collection[str] = ()) -> Iterator[str]:
    """The folders that hold a record, or the journal of a run that has none yet, as ``DAY/RECORD``.

    Args:
        but: paths to leave out.

    Raises:
        RecordError: the archive cannot be read.
    """
    for path in folders_in_days(outputs):
        if path not in but and is_begun(f"{outputs}/{path}"):
            yield path


def is_begun(folder: str) -> bool:
    """Whether a folder holds a record, or a run that will have one."""
    return any(os.path.lexists(f"{folder}/{name}") for name in (MANIFEST, RECORD, JOURNAL))


@contextlib.contextmanager
def _readable(outputs: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"verifying {outputs}",
            f"{error.filename}: {error.strerror}",
            "give an archive's folder with --outputs",
        ) from error


def without_journal(outputs: Path, but: Collection[str] = ()) -> Iterator[Path]:
    """The folders of runs without a record and without a line of a journal. Some may just be starting."""
    for day in sorted(outputs.glob(DAYS)):
        if not is_day(day.name) or day.is_symlink() or not day.is_dir():
            continue
        for folder in sorted(day.iterdir()):
            if f"{day.name}/{folder.name}" in but or what_of(folder) is None:
                continue
            if not folder.is_symlink() and has_no_journal(folder):
                yield folder


def has_not_begun(outputs: Path, path: str) -> bool:
    """Whether `without_journal` lists this folder, given as ``DAY/NAME``."""
    folder = outputs / path
    return is_day(folder.parent.name) and what_of(folder) is not None and has_no_journal(folder)


def has_no_journal(folder: Path) -> bool:
    """Whether a run's folder holds no record, and no journal or an empty one."""
    try:
        names = {entry.name: entry for entry in os.scandir(folder)}
        return not {RECORD, MANIFEST} & names.keys() and (
            JOURNAL not in names or not names[JOURNAL].stat().st_size
        )
    except OSError:
        return False


class Unmatched(Struct, frozen=True):
    """Where the ledger and the folders differ, as ``DAY/RECORD``, in order.

    Attributes:
        unsealed: folders of runs that the ledger does not know.
        missing: sealed records without a folder.
    """

    unsealed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def unmatched(outputs: Path, known: Callable[[], tuple[Set[str], Set[str]]]) -> Unmatched:
    """Compare the names of all folders with the ledger. Only folders that it does not know are read.

    Args:
        known: returns the paths of sealed and of removed records. It is called after the folders were
        listed, so that a record that is sealed meanwhile does not count as unsealed.

    Raises:
        RecordError: the archive cannot be read.
    """
    there = set(_in_days(outputs))
    sealed, removed = known()
    new = sorted(there - sealed - removed)
    return Unmatched(
        tuple(path for path in new if is_begun(f"{outputs}/{path}") or has_not_begun(outputs, path)),
        tuple(path for path in sorted(sealed - there) if not os.path.lexists(f"{outputs}/{path}")),
    )


class Folder(Struct, frozen=True):
    """A record's folder.

    Attributes:
        path: its path below the archive's folder.
        manifest: the hash of its manifest, or "".
        says: the content of the manifest, or None.
        finished: whether it has a record or a manifest.
    """

    folder: Path
    path: str
    manifest: str
    says: Manifest | None
    finished: bool

    @classmethod
    def read(cls, outputs: Path, path: str) -> Folder:
        """Read only the manifest."""
        folder = outputs / path
        try:
            content = b"" if (folder / MANIFEST).is_symlink() else content_of(folder / MANIFEST)
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

    def has_grown(self, entry: LedgerEntry) -> bool:
        """Whether its journal is the one that this ledger line sealed, with lines added to it."""
        path = self.folder / JOURNAL
        try:
            if path.is_symlink() or path.stat().st_size <= entry.journal.size:
                return False
            return is_grown(content_of(path) or b"", entry.journal)
        except OSError:
            return False

    def was_finished_again(self, entry: LedgerEntry) -> bool:
        """Whether it is whole, supersedes the record of this ledger line, and has only added lines to it."""
        own = self.own
        if own is None or own.place.supersedes != entry.place.count or self.wrong():
            return False
        return own.files[JOURNAL] == entry.journal or self.has_grown(entry)

    def wrong(self) -> list[Flaw]:
        """The files that are not as the manifest says."""
        return list(wrong_files(str(self.folder), self.own)) if self.own else []


def wrong_files(folder: str, own: Manifest) -> tuple[Flaw, ...]:
    """Which files of a folder are not as its manifest says."""
    try:
        there = listed(folder)
    except RecordError as error:
        return (Flaw(own.path, FlawKind.FILE_CHANGED, error.came_back),)
    except OSError as error:
        return (Flaw(own.path, FlawKind.FILE_MISSING, f"it cannot be read: {error.strerror}"),)
    found = []
    for name, digest in own.files.items():
        kind, detail = _compare(there.get(name), digest)
        if kind:
            found.append(Flaw(f"{own.path}/{name}", kind, detail))
    for name in there:
        if name in own.files:
            continue
        kind, detail = _LITTER if is_litter(name) else _ADDED
        found.append(Flaw(f"{own.path}/{name}", kind, detail))
    return tuple(found)


_ADDED = FlawKind.FILE_ADDED, "it was not there when the record was sealed"
_LITTER = (
    FlawKind.LITTER,
    "a desktop, an editor or NFS left it, to judge by its name; it is no part of the record: take it out",
)


def is_link(outputs: Path, path: str) -> bool:
    """Whether a record, or its day, is a link."""
    return (outputs / path).is_symlink() or (outputs / path).parent.is_symlink()


def _compare(path: str | None, digest: Digest) -> tuple[FlawKind | None, str]:
    if path is None:
        return FlawKind.FILE_MISSING, "it was sealed and is not there"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            if size == digest.size and sha256_of(descriptor, size) == digest.sha256:
                return None, ""
        finally:
            os.close(descriptor)
        # Each line end can have become two bytes.
        if (
            digest.size < size <= 2 * digest.size
            and Digest.of(with_unix_ends(Path(path).read_bytes())) == digest
        ):
            return FlawKind.LINE_ENDS, LINE_ENDS
    except OSError as error:
        return FlawKind.FILE_MISSING, f"it cannot be read: {error.strerror}"
    return FlawKind.FILE_CHANGED, "it is not as it was sealed"
