"""A second copy of the archive, on any storage that fsspec supports: S3, GCS, Azure, WebDAV, a share.

Ledger lines are the queue. ``mirror.json`` holds the number of the last line whose record was copied. If the
target is down, that number stays, and the next seal or `vergeos-nb audit mirror` continues from there. Each
copied file is read back and compared. Nothing is ever deleted at the target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from vergeos_nb.archive.folders.record_folders import Folder
from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import EMPTY, Head, Ledger, OpenLedger, read_head
from vergeos_nb.archive.ledger.ledger_events import standing
from vergeos_nb.archive.ledger.ledger_lines import Size, hash_of, read_line
from vergeos_nb.archive.ledger.manifest import bundle
from vergeos_nb.archive.ledger.strays import is_litter
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.files import Busy, create, locked, make_folder, put
from vergeos_nb.layout import (
    ATTRIBUTES,
    HEAD,
    HEAD_SUFFIX,
    LEDGER,
    MANIFEST,
    SIGNATURE,
    SIGNED,
    TIMESTAMPS,
    ArchiveLayout,
)
from vergeos_nb.settings import ArchiveSettings, Secret
from vergeos_nb.shapes import Unfit, read_json

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The result of a mirroring.

    Attributes:
        lines: the number of the last ledger line whose record is at the target.
        copied: ids of the records that were copied now.
        spoiled: ids of records that were changed since they were sealed. They are not copied.
        busy: another process was mirroring, so nothing was done.
    """

    lines: int
    copied: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()
    busy: bool = False


def mirror(outputs: Path, target: Secret) -> Mirrored:
    """Copy the records that the target lacks.

    Raises:
        RecordError: the target cannot be reached or written, returns other bytes than were written, or holds
            the ledger of another archive. Copies made before the error are kept, and not made again.
    """
    asked = f"mirroring to {shown(target)}"
    with _named(asked, target), _alone(outputs) as alone:
        if not alone:
            return Mirrored(_done(outputs, target), busy=True)
        with Ledger(outputs).opened() as ledger:
            return _Copying(outputs, target, asked).work(ledger)


@contextmanager
def _named(asked: str, target: Secret) -> Iterator[None]:
    """Turn a storage's own exceptions into a `RecordError`. None of them may end a run."""
    try:
        yield
    except RecordError:
        raise
    except Exception as error:
        secrets = [target.reveal(), *ArchiveSettings(mirror=target).secrets]
        why = Scrubber(secrets).cut(f"{type(error).__name__}: {error}", 300)
        hint = "it is tried again after the next seal, or with `vergeos-nb audit mirror`"
        raise RecordError(asked, why, hint) from None


def shown(target: Secret) -> str:
    """A target's URL without the parts that can hold a secret."""
    parts = urlsplit(target.reveal())
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else target.reveal()


class _Copying:
    def __init__(self, outputs: Path, target: Secret, asked: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise RecordError(asked, "fsspec is not installed", "pip install 'vergeos-nb[mirror]'") from error
        self._outputs = outputs
        self._target = target
        self._asked = asked
        self._files, self._root = url_to_fs(target.reveal())
        # A folder on this machine is private like the archive. Other stores keep their own permissions.
        self._on_this_machine = "file" in self._files.protocol

    def work(self, ledger: OpenLedger) -> Mirrored:
        if not ledger.end:
            return Mirrored(0)
        with _named(self._asked, self._target):
            self._folder("")
            head, there = self._read_through(ledger)
            done = _done(self._outputs, self._target)
            copied = self._copy(ledger, head, done if done <= head.count else 0)
            # The head is written last. The number that was noted here says nothing of the ledger there.
            if copied.copied or there != head:
                self._ledger(ledger, head)
            return copied

    def _copy(self, ledger: OpenLedger, head: Head, done: int) -> Mirrored:
        """Copy the records of the lines after ``done``. A later line of the same record is after it, too."""
        there = standing(islice(ledger.lines(), done, None)).sealed
        copied: list[str] = []
        spoiled: list[str] = []
        for count, raw in enumerate(islice(ledger.lines(), done, None), start=done + 1):
            entry = read_line(raw)
            # A record that was sealed again or removed later no longer has the files of this line.
            if entry is not None and there.get(entry.record) == entry:
                whole = self._record(entry.path, entry.manifest)
                (copied if whole else spoiled).append(entry.record)
            _note(self._outputs, self._target, count)
        return Mirrored(head.count, tuple(copied), tuple(spoiled))

    def _record(self, path: str, manifest: str) -> bool:
        folder = Folder.read(self._outputs, path)
        if folder.manifest != manifest or folder.own is None or folder.wrong():
            return False
        names = [*bundle(folder.folder), *((SIGNATURE,) if folder.own.signer else ()), MANIFEST]
        self._folder(path)
        for name in names:
            if "/" in name:
                self._folder(f"{path}/{name.rpartition('/')[0]}")
            # The manifest last: where it is, the record is whole.
            self._put(f"{path}/{name}", (folder.folder / name).read_bytes())
        return True

    def _ledger(self, ledger: OpenLedger, head: Head) -> None:
        self._put_lines(LEDGER, ledger.lines())
        if (attributes := content_of(ArchiveLayout(self._outputs).attributes)) is not None:
            self._put(ATTRIBUTES, attributes)
        self._put(HEAD, f"{head}\n".encode())
        for path in sorted(
            path for name in (SIGNED, TIMESTAMPS) for path in self._outputs.glob(f"{name}/*{HEAD_SUFFIX}*")
        ):
            # With a head that is newer than its copy of the ledger, the mirror would not verify.
            if not is_litter(path.name) and int(path.name.partition(".")[0].partition("-")[0]) <= head.count:
                self._folder(path.parent.name)
                self._put(f"{path.parent.name}/{path.name}", path.read_bytes())

    def _folder(self, name: str) -> None:
        where = f"{self._root}/{name}".rstrip("/")
        if self._on_this_machine:
            make_folder(Path(where))
        else:
            self._files.makedirs(where, exist_ok=True)

    def _put(self, name: str, content: bytes) -> None:
        where = self._place(name)
        self._files.pipe_file(where, content)
        back = self._files.cat_file(where)
        self._compare(name, hashlib.sha256(content).digest(), hashlib.sha256(back).digest())

    def _put_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """The same for a file that is too long to be held in memory."""
        where = self._place(name)
        written, back = hashlib.sha256(), hashlib.sha256()
        with self._files.open(where, "wb") as file:
            for line in lines:
                file.write(line)
                written.update(line)
        with self._files.open(where, "rb") as file:
            while piece := file.read(_PIECE):
                back.update(piece)
        self._compare(name, written.digest(), back.digest())

    def _place(self, name: str) -> str:
        where = f"{self._root}/{name}"
        if self._on_this_machine:
            create(Path(where))
        return where

    def _compare(self, name: str, written: bytes, back: bytes) -> None:
        if back != written:
            hint = "check the target: it returns other bytes than were written"
            raise RecordError(self._asked, f"{name} reads differently there than it was written", hint)

    def _read_through(self, ledger: OpenLedger) -> tuple[Head, Head]:
        """The head of this ledger, and of the one there. Refuses a target whose head is not a line of it."""
        told = self._head_there()
        there = EMPTY if told is None else read_head(told)
        count, newest, same = 0, b"", there is not None and there.count == 0
        for count, newest in enumerate(ledger.lines(), start=1):
            if there is not None and there.count == count:
                same = hash_of(newest) == there.hash
        if there is None or not same:
            raise RecordError(
                self._asked,
                f"the ledger there ends with {there or 'no valid head'}, which is not a line of this one",
                "it is the mirror of another archive, or this archive was rewritten: compare them with "
                "`vergeos-nb audit verify --expect-head` before anything else",
            )
        return Head(count, hash_of(newest)), there

    def _head_there(self) -> str | None:
        try:
            told = self._files.cat_file(f"{self._root}/{HEAD}")
        except FileNotFoundError:
            return None
        return str(told.decode("utf-8", "replace").removesuffix("\n"))


def _done(outputs: Path, target: Secret) -> int:
    try:
        state = read_json(ArchiveLayout(outputs).mirror, _State)
    except Unfit:
        return 0
    return state.lines if state.target == _name(target) else 0


class _State(Struct):
    target: str
    lines: Size


def _note(outputs: Path, target: Secret, count: int) -> None:
    content = json.dumps({"target": _name(target), "lines": count}).encode()
    paths = ArchiveLayout(outputs)
    put(paths.mirror, content, paths.mirror_draft)


def _name(target: Secret) -> str:
    # Tells one target from another. A hash, because the URL can hold a secret.
    return hashlib.sha256(target.reveal().encode()).hexdigest()


@contextmanager
def _alone(outputs: Path) -> Iterator[bool]:
    with ExitStack() as held:
        try:
            held.enter_context(locked(ArchiveLayout(outputs).mirror_lock, 0))
        except Busy:
            yield False
            return
        yield True
