"""Reading fault rules from data: a JSON or TOML file, or what the control prefix was sent.

A file holds an array of rules under `rule` (in TOML: `[[rule]]` tables); a JSON file may also be the bare
array. An unknown key or an impossible value stops with a message that names it, and the nearest right key.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, get_args

from vergeos_nb.simulator.api.messages import Drop
from vergeos_nb.simulator.faults.rules import FIELDS, Rule

LARGEST = 1 << 20
DEEPEST = 64
_DOTTED = re.compile(rf"""(?:["']?[\w-]{{1,100}}["']?[ \t]*\.[ \t]*){{{DEEPEST}}}""")
_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "method": (str,),
    "path": (str,),
    "per_path": (bool,),
    "probability": (int, float),
    "max_per_window": (int,),
    "window": (int, float),
    "status": (int,),
    "text": (str,),
    "body": (str,),
    "headers": (dict,),
    "not_json": (bool,),
    "execute": (bool,),
    "delay": (int, float),
    "rows": (int,),
    "gzip": (bool,),
    "hints": (int,),
    "drip": (int, float),
    "drop": (str,),
}
_BOUNDS: dict[str, tuple[float, float]] = {
    "probability": (0, 1),
    "max_per_window": (0, 10**9),
    "window": (0, 10**9),
    "status": (100, 999),
    "delay": (0, 10**6),
    "rows": (0, 10**6),
    "hints": (0, 10**6),
    "drip": (0, 10**6),
}


def load_rules(path: str | Path) -> list[Rule]:
    """Read the rules of a file whose name ends in .json or .toml.

    Raises:
        ValueError: For a file that cannot be read as such, or a rule that is none.
        OSError: If the file cannot be opened.
    """
    file = Path(path)
    kind = file.suffix[1:] or "JSON"
    try:
        text = _text(file)
        data = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except RecursionError:
        raise ValueError(f"{file}: not readable as {kind}: too much in each other") from None
    except ValueError as error:
        raise ValueError(f"{file}: not readable as {kind}: {error}") from error
    try:
        return rules_from(data)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _text(file: Path) -> str:
    """A file that a person wrote: no pipe, which keeps one waiting, and nothing that takes minutes."""
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
        ValueError: For anything else, naming what is wrong.
    """
    if isinstance(data, dict) and set(data) == {"rule"}:
        data = data["rule"]
    entries = [data] if isinstance(data, dict) else data
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("faults are an array of rules, or an object with the array under 'rule'")
    return [_rule(entry, number) for number, entry in enumerate(entries, start=1)]


def _rule(entry: dict[str, Any], number: int) -> Rule:
    label = entry.get("name", f"rule-{number}")
    for key, value in entry.items():
        if key not in FIELDS:
            near = difflib.get_close_matches(key, FIELDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(FIELDS)}"
            raise ValueError(f"fault {label!r} has an unknown key {key!r}{hint}")
        if key not in ("nth", "ignore"):
            _check(label, key, value)
    lists = {"nth": _nth(label, entry.get("nth", ())), "ignore": _ignored(label, entry.get("ignore", ()))}
    return Rule(**{"name": f"rule-{number}", **entry, **lists})


def _check(label: str, key: str, value: Any) -> None:
    wanted: Any = _TYPES[key]
    is_bool = isinstance(value, bool)
    if not isinstance(value, wanted) or (is_bool and bool not in wanted):
        raise ValueError(f"fault {label!r}: {key} cannot be {value!r}")
    if key in _BOUNDS and not _BOUNDS[key][0] <= value <= _BOUNDS[key][1]:
        low, high = _BOUNDS[key]
        raise ValueError(f"fault {label!r}: {key} must be between {low:g} and {high:g}, not {value!r}")
    if key == "drop" and value not in get_args(Drop):
        raise ValueError(f"fault {label!r}: drop is one of {', '.join(get_args(Drop))}, not {value!r}")
    if key == "headers" and not all(
        isinstance(text, str) and text.isprintable() and name.isprintable() for name, text in value.items()
    ):
        raise ValueError(f"fault {label!r}: headers are texts without control characters")


def _ignored(label: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"fault {label!r}: ignore is a list of query parameters, it cannot be {value!r}")
    return tuple(value)


def _nth(label: str, value: Any) -> tuple[int, ...]:
    numbers = [value] if isinstance(value, int) else list(value) if isinstance(value, (list, tuple)) else [0]
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in numbers):
        raise ValueError(f"fault {label!r}: nth counts from 1, it cannot be {value!r}")
    return tuple(numbers)
