"""Up to which line each run was delivered, and since when the target fails.

Both are small files in the archive's folder ``forwarding``. A run's mark is made when the run begins and
removed when its seal is delivered. So the marks show what is not delivered. If a mark is lost or damaged,
messages are sent twice, and nothing worse happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.manifest import Manifest, read_manifest
from vergeos_nb.files import Busy, lock, make_folder, opener
from vergeos_nb.layout import JOURNAL, MANIFEST, ArchiveLayout, archive_of, run_id_of
from vergeos_nb.shapes import Unfit, read_json

_SUFFIX = ".mark"
_OUTAGE = "outage.json"
_MOST_BYTES = 10_000


class DeliveryMark(Struct):
    """How much of a run was delivered.

    Attributes:
        lines: how many of the journal's lines, from the first on, need no more delivery.
        sealed: the line of the ledger whose message was delivered; 0 for none.
    """

    lines: int = 0
    sealed: int = 0


class HeldMark:
    """A run's mark that this process has locked.

    Attributes:
        mark: its content.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        content = os.pread(descriptor, _MOST_BYTES, 0)
        try:
            self.mark = msgspec.json.decode(content, type=DeliveryMark)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.mark = DeliveryMark()

    def put(self, **changed: Any) -> None:
        """Change these fields.

        Raises:
            OSError: the disk refuses it.
        """
        self.mark = msgspec.structs.replace(self.mark, **changed)
        _write(self._descriptor, self.mark)

    def drop(self) -> None:
        """Remove the mark, because everything was delivered."""
        self._path.unlink(missing_ok=True)


def _write(descriptor: int, mark: DeliveryMark) -> None:
    content = msgspec.json.encode(mark)
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))


def enlist(folder: Path) -> None:
    """Make the mark for a record's folder, unless there is one. A seal from before counts as delivered.

    Raises:
        OSError: it cannot be made.
    """
    layout = archive_of(folder)
    make_folder(layout.forwarding)
    path = _path_of(layout.outputs, run_id_of(folder))
    with suppress(FileExistsError), open(path, "xb", opener=opener) as file:
        sealed = manifest_in(folder)
        lines = _lines_within(folder / JOURNAL, sealed.files[JOURNAL].size) if sealed else 0
        file.write(msgspec.json.encode(DeliveryMark(lines, sealed.place.count if sealed else 0)))


def manifest_in(folder: Path) -> Manifest | None:
    """The manifest of a record; None if it is not sealed, or if the manifest cannot be read."""
    try:
        return read_manifest(content_of(folder / MANIFEST) or b"")
    except (OSError, ValueError):
        return None


def sealed_as_it_is(folder: Path) -> Manifest | None:
    """The manifest of a record, if its journal has not grown since its seal; otherwise None."""
    manifest = manifest_in(folder)
    try:
        size = (folder / JOURNAL).stat().st_size
    except OSError:
        return None
    return manifest if manifest and manifest.files[JOURNAL].size == size else None


def _lines_within(journal: Path, size: int) -> int:
    try:
        return (content_of(journal) or b"")[:size].count(b"\n")
    except OSError:
        return 0


@contextmanager
def held(outputs: Path, run: str, within_s: float = 0.0) -> Iterator[HeldMark | None]:
    """Lock a run's mark; None if there is none, or if another process is delivering this run.

    Args:
        within_s: how long to wait for the other process.
    """
    try:
        descriptor = os.open(path := _path_of(outputs, run), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        try:
            lock(descriptor, within_s)
        except Busy:
            yield None
            return
        except OSError:
            pass  # a file system without locks, so that messages may be sent twice
        yield HeldMark(path, descriptor)
    finally:
        os.close(descriptor)


def waiting(outputs: Path) -> list[str]:
    """The runs that are not delivered to their end, the oldest first."""
    try:
        names = [path.name for path in ArchiveLayout(outputs).forwarding.iterdir()]
    except OSError:
        return []
    return sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def _path_of(outputs: Path, run: str) -> Path:
    return ArchiveLayout(outputs).forwarding / f"{run}{_SUFFIX}"


class Outage(Struct):
    """A time in which the target accepts nothing.

    Attributes:
        target: the target's fingerprint.
        since: when the first failed attempt began, seconds since 1970.
        tried: when the last attempt began.
        why: what went wrong; "" while the first attempt goes on.
    """

    target: str
    since: float
    tried: float
    why: str = ""


def outage(outputs: Path, target: str) -> Outage | None:
    """The outage of this target; None if it accepts messages."""
    try:
        found = read_json(ArchiveLayout(outputs).forwarding / _OUTAGE, Outage, _MOST_BYTES)
    except Unfit:
        return None
    return found if found.target == target else None


def note_outage(outputs: Path, found: Outage | None) -> None:
    """Note for other processes that an attempt begins or has failed; with None, that it has succeeded."""
    path = ArchiveLayout(outputs).forwarding / _OUTAGE
    with suppress(OSError):
        if found is None:
            path.unlink(missing_ok=True)
            return
        draft = path.with_name(f"{_OUTAGE}.{os.getpid()}")
        with open(draft, "wb", opener=opener) as file:
            file.write(msgspec.json.encode(found))
        draft.replace(path)
