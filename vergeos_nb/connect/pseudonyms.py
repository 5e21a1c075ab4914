"""Replace names, addresses and texts of a real system by invented ones. Equal texts get equal replacements.

Kept are only numbers, truth values, words of the platform's own lists, versions, and a few more texts of a
known form. Everything else is replaced, also in unknown columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from vergeos_nb.errors import RecordError
from vergeos_nb.simulator import CAPTURE_FORMAT as FORMAT
from vergeos_nb.simulator import column_words

SHORTEST_LEAK = 4
"""A shorter original text is not searched for, because it is a part of too many words."""

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_REFERENCE = re.compile(r"[a-z_]{1,40}/\d{1,12}")
_FORMS: Mapping[str, re.Pattern[str]] = {
    "machine_type": re.compile(r"pc-(?:q35|i440fx)-\d+\.\d+|pc|q35|yottabyte"),
    "cpu_speed": re.compile(r"\d+(?:\.\d+)? [MG]Hz"),
    "os_family": _WORD,
    "advanced": re.compile(r"share-rw=(?:on|off)"),
    **dict.fromkeys(("owner", "creator", "member"), _REFERENCE),
    **dict.fromkeys(
        ("yb_version", "os_version", "kernel_version", "appserver_version", "vsan_version", "qemu_version"),
        re.compile(r"\d[\d.]*(?:yb-\d+)?(?: \d\d/\d\d/\d\d)?"),
    ),
}
"""Column -> the form of the texts that it keeps."""

_SAID = re.compile(
    r"VM action '[a-z_]{1,30}' sent|VM has (?:shutdown|reset|started|migrated|hibernated)"
    r"|VM is unresponsive|VM was killed"
)
"""Log lines that only say what the platform did, and are kept (vendor documents)."""

_MADE: Mapping[str, Callable[[int], str]] = {
    "macaddress": lambda number: "02:00:" + number.to_bytes(4, "big").hex(":"),
    "uuid": lambda number: f"00000000-0000-4000-8000-{number:012d}",
    "id": lambda number: f"{number:040x}",
    **dict.fromkeys(
        ("ipaddress", "ip", "gateway", "ipmi_address", "host"),
        lambda number: f"198.18.{number >> 8 & 255}.{number & 255}",
    ),
    "network": lambda number: f"198.19.{number & 255}.0/24",
}
"""Column -> how an invented text of its form is made. 198.18.0.0/15 is for tests (RFC 2544)."""


class Pseudonyms:
    """The invented texts of one capture. No other object knows the original texts."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._kept: set[str] = set()
        self._words: set[str] = {"", FORMAT}

    def masked(self, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row without the names of people and things."""
        words = column_words(table)
        return {name: self._value(table, name, value, words.get(name)) for name, value in row.items()}

    def _value(self, table: str, column: str, value: Any, words: frozenset[str] | None) -> Any:
        if isinstance(value, list):
            return value if all(isinstance(item, (int, float)) for item in value) else []
        if isinstance(value, Mapping):
            return {}
        if not isinstance(value, str) or value == "":
            return value
        if self._is_kept(table, column, value, words):
            self._kept.add(value)
            return value
        if column == "ha_group" and value.startswith("+"):
            return "+" + self._invented("ha_group", value[1:])
        return self._invented(column, value)

    def _is_kept(self, table: str, column: str, value: str, words: frozenset[str] | None) -> bool:
        if words is not None and value in words:
            self._words.add(value)
            return True
        if words is not None and _WORD.fullmatch(value):
            return True
        if column == "text":
            return _SAID.fullmatch(value) is not None
        if table == "settings" and column in ("value", "default_value"):
            return re.fullmatch(r"-?\d{1,12}|true|false", value) is not None
        if table == "settings" and column in ("$key", "key"):
            return _WORD.fullmatch(value) is not None
        return column in _FORMS and _FORMS[column].fullmatch(value) is not None

    def _invented(self, column: str, text: str) -> str:
        if text not in self._made:
            number = self._counts[column] = self._counts.get(column, 0) + 1
            make = _MADE.get(column)
            self._made[text] = make(number) if make else f"{column.replace('_', '-')}-{number}"
        return self._made[text]

    def check(self, content: bytes, others: Iterable[str]) -> None:
        """Search the finished file, and refuse it if it holds an original text or one of `others`.

        Args:
            content: the whole file.
            others: secrets, host and user of this profile.

        Raises:
            RecordError: it holds one. The error does not repeat the text.
        """
        # A "+" before a name is kept, because it changes the meaning of an HA group.
        said = {text.removeprefix("+") for text in _texts(msgspec.json.decode(content))}
        known = {*self._made.values(), *self._words}
        unknown = said - known - self._kept
        free = (said & self._kept) - self._words
        originals = [text for text in self._made if len(text) >= SHORTEST_LEAK]
        leaked = sum(text in kept for text in originals for kept in free)
        told = sum(other in text for other in others if len(other) >= SHORTEST_LEAK for text in said)
        if unknown or leaked or told:
            raise RecordError(
                "writing the capture",
                f"{len(unknown) + leaked + told} texts of this system were still in it after masking",
                "nothing was written. Report it, with the version of VergeOS.",
            )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
