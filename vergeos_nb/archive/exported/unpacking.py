"""Unpack the zip of an export that can come from anybody: no file outside the folder, bounded in size."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from vergeos_nb.errors import Refused

MOST_BYTES = 1 << 29
"""The largest export that is unpacked, in bytes. A week's record takes a few megabytes."""
MOST_MEMBERS = 10_000
LONGEST_PART, LONGEST_NAME = 200, 1_000
"""The longest name of a file and the longest path, in bytes. Every file system can hold them below a
temporary folder."""
_PIECE = 1 << 20


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A temporary folder with the members of a zip.

    Raises:
        Refused: it is damaged, too large, or has a member that is no plain file inside of it.
        OSError: it cannot be read, or the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="vergeos-nb-") as folder:
        try:
            with zipfile.ZipFile(path) as file:
                _unpack(file, path, Path(folder))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
            raise _refused(path, f"it is a damaged zip ({error})") from error
        yield Path(folder)


def _unpack(file: zipfile.ZipFile, path: Path, folder: Path) -> None:
    members = file.infolist()
    if len(members) > MOST_MEMBERS:
        raise _refused(path, f"it has {len(members):,} members, more than {MOST_MEMBERS:,}")
    files: set[str] = set()
    folders: set[str] = set()
    listed: set[str] = set()
    left = MOST_BYTES
    for member in members:
        name = member.filename
        # File systems that do not tell large from small letters would write one over the other.
        own = PurePosixPath(name.casefold())
        above = {str(folder) for folder in own.parents} - {"."}
        why = _why_not(member) or ("is there twice" if str(own) in listed else "")
        listed.add(str(own))
        (folders if member.is_dir() else files).add(str(own))
        folders |= above
        if why or files & {str(own), *above} & folders:
            raise _refused(path, f"its member {name!r} {why or 'makes a file of a folder'}")
        target = folder / name
        if member.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open(member) as source, target.open("xb") as into:
            # The size that a zip names is not trusted.
            while piece := source.read(_PIECE):
                left -= len(piece)
                if left < 0:
                    raise _refused(path, f"it unpacks to more than {MOST_BYTES:,} bytes")
                into.write(piece)


def _why_not(member: zipfile.ZipInfo) -> str:
    """Why a member is not unpacked; "" if it can be."""
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    parts = PurePosixPath(name).parts
    # `orig_filename` is the name as the zip has it, including the part after a zero byte.
    if "\0" in member.orig_filename or "\\" in name or ":" in name:
        return "has a name that systems read differently"
    if not parts or name.startswith("/") or ".." in parts:
        return "leads out of the folder"
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_NAME or any(len(part) > LONGEST_PART for part in encoded.split(b"/")):
        return "has a name that is too long"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > member.is_dir():
        return "is a link or a device"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that no export is"
    return ""


def _refused(path: Path, why: str) -> Refused:
    return Refused(f"unpacking {path}", why, "get the export again from the person who made it")
