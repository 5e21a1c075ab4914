"""Read files into shapes. People may have written them, and a crash or an attacker may have damaged them.

All files are read here: settings, plans, leases, journals, the ledger, records. A shape is a `msgspec`
struct. Reading is limited in size and depth and never waits for another process. It raises only `Unfit`,
which names line and field. The caller knows what the file is for, and turns `Unfit` into one of our errors.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from vergeos_nb.words import nearest

T = TypeVar("T")

MOST_BYTES: Final = 1 << 20
"""The most bytes of a file that a person writes, such as a policy."""
MOST_OF_OURS: Final = 1 << 30
"""The most bytes of a file that we write ourselves, such as a journal."""
DEEPEST: Final = 64
"""The most levels of nested lists and objects in such a file."""
DEEPEST_LINE: Final = 500
"""The same in a journal's line, which holds an answer of the platform."""
_STEP = 1 << 20
_SHOWN = 60
_DOTTED = re.compile(rf"(?:[\w-]{{1,100}}[ \t]*\.[ \t]*){{{DEEPEST}}}")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'")
_KINDS = {
    stat.S_IFDIR: "Is a directory",
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a section or object",
    "null": "nothing",
}


class Unfit(Exception):  # noqa: N818 — every caller makes an error of its own kind of it
    """A file or a text that does not have the expected shape.

    Attributes:
        why: what is wrong with it, and where, in a sentence.
        hint: what to write instead, or "".
        missing: whether there is no such file.
    """

    def __init__(self, why: str, hint: str = "", *, missing: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.missing = missing


def is_file(path: Path) -> bool:
    """Whether a file exists at this path. False also for a path that is too long or not valid."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder exists at this path. False also for a path that is too long or not valid."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def opened(path: Path) -> IO[bytes]:
    """A plain file, open for reading. A pipe is not opened, so reading never waits for another process.

    Raises:
        Unfit: the file is missing, is not a plain file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise Unfit(error.strerror or str(error), missing=missing) from error
    except ValueError:
        raise Unfit("its path holds a NUL byte") from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind == stat.S_IFREG:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise Unfit(_KINDS.get(kind, "it is no plain file"))


def content_of(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a plain file.

    Args:
        most: bytes; a longer file is not read.

    Raises:
        Unfit: the file is missing, is not a plain file, is too long, or cannot be read.
    """
    with opened(path) as file:
        try:
            # Read the present length first and then the rest, because Python allocates as much as it is asked
            # to read.
            content = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)
            while len(content) <= most and (more := file.read(_STEP)):
                content += more
        except (OSError, MemoryError) as error:
            raise Unfit(getattr(error, "strerror", None) or "it does not fit into memory") from error
    if len(content) > most:
        raise Unfit(f"it has more than {most:,} bytes")
    return content


def text_of(content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with a byte order mark, as editors on Windows write it.

    Raises:
        Unfit: it is not such a text.
    """
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(content) > 2
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = "" if wide else f": line {line} holds a byte that is none"
        raise Unfit(f"it is not UTF-8 text{where}", "save it as UTF-8") from None


def toml_of(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    Raises:
        Unfit: it is not TOML, or it has thousands of nested tables or digits.
    """
    import tomllib

    # For a key with thousands of parts tomllib needs minutes.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") >= DEEPEST and _DOTTED.search(_QUOTED.sub("q", line)):
            raise Unfit(f"line {number} has a key of more than {DEEPEST} parts")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unfit(f"it is no TOML: {error}", "correct it at that line") from None
    except RecursionError:
        raise Unfit(_too_deep(DEEPEST)) from None
    except (ValueError, OverflowError) as error:
        raise Unfit(f"it is no TOML: {_short(str(error))}", "shorten that value") from None
    return _bounded(data, DEEPEST)


def json_of(content: bytes | str, deepest: int = DEEPEST) -> Any:
    """The content of a JSON text. A name may occur only once in an object. NaN and infinity are not accepted.

    Raises:
        Unfit: it is not JSON.
    """
    import json

    text = content if isinstance(content, str) else text_of(content)
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise Unfit(f"it is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Unfit(_too_deep(deepest)) from None
    except ValueError as error:
        raise Unfit(f"it is no JSON: {_short(str(error))}") from None
    return _bounded(data, deepest)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{_short(repr(twice))} is there twice in one object")
    return data


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def object_of_line(raw: bytes) -> dict[str, Any]:
    """The object that one line of a JSONL file holds. Fast: a journal has thousands.

    Raises:
        Unfit: the line holds no object.
    """
    import msgspec

    try:
        data = _any_json()(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # A platform can send half of a surrogate pair. This is JSON, but msgspec does not read it.
        data = json_of(raw, DEEPEST_LINE)
    if not isinstance(data, dict):
        raise Unfit("it is no object")
    # There are never more levels than brackets, and brackets are faster to count.
    if raw.count(b"[") + raw.count(b"{") > DEEPEST_LINE:
        _bounded(data, DEEPEST_LINE)
    return data


@cache
def _any_json() -> Callable[[bytes], Any]:
    import msgspec

    return msgspec.json.Decoder().decode


def fit(data: Any, shape: type[T]) -> T:
    """Data in its shape.

    Raises:
        Unfit: the data has another shape; the message names the field.
    """
    import msgspec

    try:
        return msgspec.convert(data, shape, strict=True)
    except msgspec.ValidationError as error:
        raise _misfit(str(error), data, shape) from None
    except RecursionError:
        raise Unfit(_too_deep(DEEPEST)) from None


def read_json(path: Path, shape: type[T], most: int = MOST_OF_OURS) -> T:
    """A JSON file of ours in its shape.

    Raises:
        Unfit: the file cannot be read, or has another shape.
    """
    return fit(json_of(content_of(path, most), DEEPEST_LINE), shape)


def _misfit(message: str, data: Any, shape: type) -> Unfit:
    said, _, path = message.partition(" - at `$")
    value, name, within = _at(data, path.rstrip("`"))
    where = f" in {within!r}" if within else ""
    inside = f" in {name!r}" if name else ""
    if unknown := re.match(r"Object contains unknown field `(.*)`", said, re.DOTALL):
        near = nearest(unknown[1], _fields(shape))
        return Unfit(f"nothing reads {unknown[1]!r}{inside}", f"Did you mean {near!r}?" if near else "")
    if missing := re.match(r"Object missing required field `(.*)`", said, re.DOTALL):
        return Unfit(f"{missing[1]!r} is missing{inside}")
    wanted = re.match(r"Expected `(.*?)`( .*)?", said)
    words = [_WORDS.get(one.strip(), one.strip()) for one in wanted[1].split("|")] if wanted else []
    hint = f"{' or '.join(words)}{(wanted and wanted[2]) or ''} belongs there" if words else ""
    return Unfit(f"{name!r} is {_short(repr(value))}{where}" if name else f"it is {_kind(value)}", hint)


def _at(data: Any, path: str) -> tuple[Any, str, str]:
    """The target of a msgspec path: its value, its name, and the path of its parent."""
    names: list[str] = []
    for key in re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", path):
        if key[0]:
            data = data.get(key[0]) if isinstance(data, Mapping) else None
            names.append(key[0])
        elif isinstance(data, list) and key[1].isdigit():
            data = data[int(key[1])]
            names.append(f"[{key[1]}]")
        else:
            # A value of a mapping. msgspec does not say which one.
            return data, "".join(names[-1:]), ""
    if not names:
        return data, "", ""
    last = names[-1] if not names[-1].startswith("[") else "".join(names[-2:])
    within = ".".join(names[: -1 if last == names[-1] else -2]).replace(".[", "[")
    return data, last, within


def _fields(shape: Any) -> Iterable[str]:
    """The names of all fields of a struct and of the structs in it."""
    import msgspec

    def names(kind: Any) -> Iterable[str]:
        if isinstance(kind, msgspec.inspect.StructType):
            for field in kind.fields:
                yield field.encode_name
                yield from names(field.type)
        for inner in (getattr(kind, "item_type", None), *getattr(kind, "types", ())):
            if inner is not None:
                yield from names(inner)

    return set(names(msgspec.inspect.type_info(shape)))


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return names.get(type(value), "a number")


def _bounded(data: T, deepest: int) -> T:
    level: list[Any] = [data]
    for _ in range(deepest + 1):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return data
    raise Unfit(_too_deep(deepest))


def _inner(outer: Any) -> Iterable[Any]:
    if isinstance(outer, dict):
        return outer.values()
    return outer if isinstance(outer, list) else ()


def _too_deep(deepest: int) -> str:
    return f"it holds more than {deepest} lists or objects in each other"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
