"""Read fault rules from data: a JSON or TOML file, or a request to the control prefix.

A file holds an array of rules under `rule` (in TOML: `[[rule]]` tables); a JSON file may also be the bare
array. An unknown key or an impossible value is refused with a message that names it and explains the key.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from vergeos_nb.simulator.faults.rules import FIELDS, Rule

LARGEST = 1 << 20
DEEPEST = 64
SHOWN = 60
_DOTTED = re.compile(rf"""(?:["']?[\w-]{{1,100}}["']?[ \t]*\.[ \t]*){{{DEEPEST}}}""")


def load_rules(path: str | Path) -> list[Rule]:
    """Read the rules of a file whose name ends in .json or .toml.

    Raises:
        ValueError: the file is no TOML or JSON, or a rule is not valid. The message names the key.
        OSError: If the file cannot be opened.
    """
    file = Path(path)
    kind = file.suffix[1:] or "JSON"
    try:
        text = _text(file)
        data = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except RecursionError:
        raise ValueError(f"{file}: not readable as {kind}: it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{file}: not readable as {kind}: {error}") from error
    try:
        return rules_from(data)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _text(file: Path) -> str:
    """The text of a file that a person wrote. Refuses a pipe, which could wait for ever, and a large file."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("it is no plain file")
    if file.stat().st_size > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    text = file.read_text(encoding="utf-8-sig")
    dotted = [line for line in text.split("\n") if line.count(".") >= DEEPEST]
    if file.suffix == ".toml" and any(map(_DOTTED.search, dotted)):
        raise ValueError(f"a key has more than {DEEPEST} parts")
    return text


def rules_from(data: Any) -> list[Rule]:
    """Make rules of one rule, an array of rules, or an object with the array under `rule`.

    Raises:
        ValueError: the data is anything else. The message says what is wrong.
    """
    if data == {}:
        raise ValueError(
            f"there is no fault rule in it; a rule has one or more of the keys {', '.join(FIELDS)}"
        )
    if isinstance(data, dict) and set(data) == {"rule"}:
        data = data["rule"]
    entries = [data] if isinstance(data, dict) else data
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("faults are an array of rules, or an object with the array under 'rule'")
    return [_rule({"name": f"rule-{number}", **entry}) for number, entry in enumerate(entries, start=1)]


def _rule(entry: dict[str, Any]) -> Rule:
    unknown = next((key for key in entry if key not in FIELDS), None)
    if unknown is not None:
        near = difflib.get_close_matches(unknown, FIELDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(FIELDS)}"
        raise ValueError(f"fault {entry['name']!r} has an unknown key {unknown!r}; {hint}")
    try:
        nth = entry.get("nth", ())
        return msgspec.convert({**entry, "nth": [nth] if isinstance(nth, int) else nth}, Rule)
    except msgspec.ValidationError as error:
        where = re.search(r"\$\.(\w+)", str(error))
        key = where[1] if where else "headers"
        value = repr(entry[key])[:SHOWN]
        raise ValueError(
            f"fault {entry['name']!r}: {key} cannot be {value}; it is: {FIELDS[key]} ({error})"
        ) from None
