"""A second copy of the archive, on any storage that fsspec supports: S3, GCS, Azure, WebDAV, a share.

Ledger lines are the queue. ``mirror.json`` holds the number of the last line whose record was copied. If the
target is down, that number stays, and the next seal or `vergeos-nb audit mirror` continues from there. Each
copied file is read back and compared. Nothing is ever deleted at the target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from vergeos_nb.archive.folders.record_folders import Folder
from vergeos_nb.archive.ledger.disk import content_of
from vergeos_nb.archive.ledger.ledger import Head, Ledger, LedgerSnapshot, read_head
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
    try:
        with _alone(outputs) as alone:
            if not alone:
                return Mirrored(_done(outputs, target), busy=True)
            return _Copying(outputs, target, asked).work()
    except RecordError:
        raise
    except Exception as error:
        # Each storage has its own exceptions, and none of them may end a run.
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

    def work(self) -> Mirrored:
        snapshot = Ledger(self._outputs).snapshot()
        if not snapshot.lines:
            return Mirrored(0)
        self._folder("")
        self._refuse_another_history(snapshot)
        done = _done(self._outputs, self._target)
        done = done if done <= len(snapshot.lines) else 0
        there = standing(snapshot.lines).sealed
        copied: list[str] = []
        spoiled: list[str] = []
        for count, raw in enumerate(snapshot.lines[done:], start=done + 1):
            entry = read_line(raw)
            # A record that was sealed again or removed later no longer has the files of this line.
            if entry is not None and there.get(entry.record) == entry:
                whole = self._record(entry.path, entry.manifest)
                (copied if whole else spoiled).append(entry.record)
            _note(self._outputs, self._target, count)
        if copied or done < len(snapshot.lines):
            self._ledger(snapshot)
        return Mirrored(len(snapshot.lines), tuple(copied), tuple(spoiled))

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

    def _ledger(self, snapshot: LedgerSnapshot) -> None:
        content = b"".join(snapshot.lines)
        self._put(LEDGER, content)
        if (attributes := content_of(ArchiveLayout(self._outputs).attributes)) is not None:
            self._put(ATTRIBUTES, attributes)
        last = hash_of(snapshot.lines[-1])
        self._put(HEAD, f"{Head(len(snapshot.lines), last)}\n".encode())
        for path in sorted(
            path for name in (SIGNED, TIMESTAMPS) for path in self._outputs.glob(f"{name}/*{HEAD_SUFFIX}*")
        ):
            # With a head that is newer than its copy of the ledger, the mirror would not verify.
            if not is_litter(path.name) and int(path.name.partition(".")[0].partition("-")[0]) <= len(
                snapshot.lines
            ):
                self._folder(path.parent.name)
                self._put(f"{path.parent.name}/{path.name}", path.read_bytes())

    def _folder(self, name: str) -> None:
        where = f"{self._root}/{name}".rstrip("/")
        if self._on_this_machine:
            make_folder(Path(where))
        else:
            self._files.makedirs(where, exist_ok=True)

    def _put(self, name: str, content: bytes) -> None:
        where = f"{self._root}/{name}"
        if self._on_this_machine:
            create(Path(where))
        self._files.pipe_file(where, content)
        back = self._files.cat_file(where)
        if hashlib.sha256(back).digest() != hashlib.sha256(content).digest():
            hint = "check the target: it returns other bytes than were written"
            raise RecordError(self._asked, f"{name} reads differently there than it was written", hint)

    def _refuse_another_history(self, snapshot: LedgerSnapshot) -> None:
        try:
            told = self._files.cat_file(f"{self._root}/{HEAD}")
        except FileNotFoundError:
            return
        head = read_head(told.decode("utf-8", "replace").removesuffix("\n"))
        if head is None or head.count > len(snapshot.lines) or (
            head.count and hash_of(snapshot.lines[head.count - 1]) != head.hash
        ):  # fmt: skip
            raise RecordError(
                self._asked,
                f"the ledger there ends with {head}, which is not a line of this one",
                "it is the mirror of another archive, or this archive was rewritten: compare them with "
                "`vergeos-nb audit verify --expect-head` before anything else",
            )


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
