"""The last search for secrets before a record is sealed. A sealed file cannot be changed afterwards.

Everything was masked when it was written. The search uses the same masking, so it finds the texts that
masking would change. An older version's journal can hold such texts, or a log that somebody put into the
folder. They are masked in place, because a text from outside must never prevent a seal. Only a secret of our
own that cannot be masked, in a picture or in a file's name, refuses the seal.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vergeos_nb.masking import Scrubber

_LINES = ".jsonl"
_INDENTS = {".json": 2, ".ipynb": 1}


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A record's files without secrets.

    Attributes:
        changed: the new contents of these files.
        stuck: where there are secrets that cannot be masked, in words that do not repeat them.
    """

    changed: Mapping[str, bytes]
    stuck: tuple[str, ...] = ()


def clean(files: Mapping[str, bytes], scrubber: Scrubber, sealed: Mapping[str, int] | None = None) -> Cleaned:
    """Search a record's files.

    Args:
        files: content by name.
        sealed: by file, how many of its first bytes were sealed before. These are not changed.
    """
    changed, stuck = {}, []
    for number, (name, content) in enumerate(files.items(), start=1):
        if scrubber.knows(name):
            # Repeating the name would tell the secret.
            stuck.append(f"a secret of this run is in the name of file {number} of {len(files)}")
            continue
        first = (sealed or {}).get(name, 0)
        masked = masked_file(name, content[first:], scrubber)
        if masked is None:
            stuck.append(f"a secret of this run is in {name}, which is no text")
        elif masked != content[first:]:
            changed[name] = content[:first] + masked
    return Cleaned(changed, tuple(stuck))


def masked_file(name: str, content: bytes, scrubber: Scrubber) -> bytes | None:
    """A file's content without secrets; None if it holds secrets that cannot be masked."""
    if b"\0" in content:
        return None if scrubber.is_in(content) else content
    if name.endswith(_LINES):
        return _masked_lines(content, scrubber)
    text = content.decode("utf-8", "surrogateescape")
    indent = next((n for ending, n in _INDENTS.items() if name.endswith(ending)), 0)
    masked = _masked_json(text, scrubber, indent) if indent else scrubber.text(text)
    return content if masked == text else masked.encode("utf-8", "surrogateescape")


def _masked_lines(content: bytes, scrubber: Scrubber) -> bytes:
    """Lines of JSON without secrets, a line at a time: the journal of a long watch has megabytes."""
    changed: dict[int, bytes] = {}
    for number, line in enumerate(io.BytesIO(content)):
        # Only a line feed ends a line.
        text = line.decode("utf-8", "surrogateescape")
        masked = _masked_json(text.removesuffix("\n"), scrubber, None) + "\n" * text.endswith("\n")
        if masked != text:
            changed[number] = masked.encode("utf-8", "surrogateescape")
    if not changed:
        return content
    return b"".join(changed.get(number, line) for number, line in enumerate(io.BytesIO(content)))


def _masked_json(text: str, scrubber: Scrubber, indent: int | None) -> str:
    """Mask the decoded values, so that JSON's escapes hide nothing. Other content is masked as text."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return scrubber.text(text)
    masked = scrubber.data(data)
    if masked == data:
        return text
    return _dumped(masked, indent) + ("\n" if text.endswith("\n") else "")


def _dumped(data: Any, indent: int | None) -> str:
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    # Half of a surrogate pair is written as its escape.
    return text if text.isascii() or _encodes(text) else json.dumps(data, indent=indent)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
