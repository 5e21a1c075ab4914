"""Which VMs are meant: a list of names and keys, or a selector. Never "all" by leaving something out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vergeos_nb.errors import UsageError, VmAmbiguous, VmNotFound
from vergeos_nb.records import Columns
from vergeos_nb.words import did_you_mean

SELECTABLE = ("name", "node", "status", "state", "suggestion", "verdict", "ha_group")


@dataclass(frozen=True, slots=True)
class Named:
    """A VM as somebody named it: by name, by key, or both, which then have to agree."""

    name: str = ""
    key: int | None = None


@dataclass(frozen=True, slots=True)
class FleetVm:
    """A VM that is meant, as the platform has it."""

    name: str
    key: int
    machine: int
    node: str
    group: str


def read_list(path: Path) -> tuple[Named, ...]:
    """VMs of a CSV file with a line of names, or of a JSON file: what `vergeos-nb stuck` prints.

    Columns or fields are ``name`` and ``vm_key`` (or ``key``); others are left alone. JSON may be a list, or
    an object with a list ``vms``, of objects, names or keys.

    Raises:
        UsageError: it cannot be read, names no VM, or names something that is no VM.
    """
    asked = f"read the VMs of {path}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(asked, str(error), "give a CSV or JSON file.") from error
    if text.lstrip().startswith(("[", "{")):
        try:
            # A list may stand in the last line of what a command has printed.
            data = json.loads(text)
        except ValueError as error:
            raise UsageError(asked, f"it is no JSON: {error}", "give what `stuck --json` prints.") from error
        items = data.get("vms") if isinstance(data, dict) else data
        if not isinstance(items, list):
            raise UsageError(asked, "it holds no list of VMs", "give a list, or an object with a list `vms`.")
    else:
        reader = csv.DictReader(io.StringIO(text))
        names = reader.fieldnames or []
        if not {"name", "vm_key", "key"} & set(names):
            raise UsageError(asked, f"its columns are {', '.join(names)}", "give name or vm_key.")
        items = list(reader)
    found = tuple(_named(item, asked) for item in items)
    if not found:
        raise UsageError(asked, "it names no VM", "an empty list is never taken for all VMs.")
    return found


def _named(item: Any, asked: str) -> Named:
    if isinstance(item, str):
        item = {"name": item}
    elif isinstance(item, int) and not isinstance(item, bool):
        item = {"key": item}
    if not isinstance(item, Mapping):
        raise UsageError(asked, f"{item!r} is no VM", "give name, key or both.")
    name = item.get("name") or ""
    key = item.get("vm_key") if item.get("vm_key") not in (None, "") else item.get("key")
    if key in (None, ""):
        key = None
    elif isinstance(key, bool) or not str(key).isdecimal():
        raise UsageError(asked, f"{key!r} is no VM key", "a key is a whole number.")
    if not isinstance(name, str) or (not name and key is None):
        raise UsageError(asked, f"{dict(item)!r} names no VM", "give a name or a key.")
    # What keeps a spreadsheet from computing a name is no part of it.
    if len(name) > 1 and name[0] == "'" and name[1] in "=+-@":
        name = name[1:]
    return Named(name, None if key is None else int(key))


def resolve(found: Columns, named: Sequence[Named]) -> tuple[FleetVm, ...]:
    """The VMs that these names and keys lead to, in their order.

    Raises:
        VmNotFound, VmAmbiguous: one leads to no VM, or to several.
        UsageError: a name and its key are two VMs', or one VM is named twice.
    """
    by_key = {key: at for at, key in enumerate(found["vm_key"])}
    by_name: dict[str, list[int]] = {}
    for at, name in enumerate(found["name"]):
        by_name.setdefault(name, []).append(at)
    chosen: list[int] = []
    for one in named:
        asked = f"finding VM {one.name!r}" if one.name else f"finding VM {one.key}"
        if one.key is not None:
            at = by_key.get(one.key, -1)
            if at < 0:
                raise VmNotFound(asked, f"no VM has the key {one.key}", "read the fleet anew.")
            if one.name and found["name"][at] != one.name:
                was = found["name"][at]
                raise UsageError(asked, f"VM {one.key} is called {was!r}", "read the fleet anew.")
        else:
            hits = by_name.get(one.name, [])
            if not hits:
                raise VmNotFound(asked, "no VM has this name", "read the fleet anew; case matters.")
            if len(hits) > 1:
                keys = ", ".join(str(found["vm_key"][hit]) for hit in hits)
                raise VmAmbiguous(asked, f"several VMs have this name: {keys}", "give the key as well.")
            at = hits[0]
        if at in chosen:
            raise UsageError(asked, "it is named twice", "name each VM once.")
        chosen.append(at)
    return tuple(_vm(found, at) for at in chosen)


def select(found: Columns, selector: Mapping[str, str]) -> tuple[FleetVm, ...]:
    """The VMs whose columns fit all of these patterns, by key.

    Raises:
        UsageError: the selector is empty, has an unknown column or an empty pattern, or fits no VM.
    """
    asked = "select VMs"
    if not selector:
        raise UsageError(asked, "the selector is empty", "an empty selector is never taken for all VMs.")
    for column, pattern in selector.items():
        if column not in SELECTABLE:
            raise UsageError(asked, f"{column!r} cannot be selected by", did_you_mean(column, SELECTABLE))
        if not pattern:
            raise UsageError(asked, f"the pattern for {column} is empty", "say what is meant.")
    if all(not pattern.strip("*?") for pattern in selector.values()):
        raise UsageError(asked, "the selector fits every VM", "say which VMs are meant.")
    positions = [
        at
        for at in range(len(found["vm_key"]))
        if all(
            fnmatchcase(str(found[column][at]).casefold(), pattern.casefold())
            for column, pattern in selector.items()
        )
    ]
    if not positions:
        told = ", ".join(f"{column}={pattern}" for column, pattern in selector.items())
        raise UsageError(asked, f"no VM fits {told}", "look with `vergeos-nb stuck --all`.")
    return tuple(_vm(found, at) for at in positions)


def _vm(found: Columns, at: int) -> FleetVm:
    return FleetVm(
        found["name"][at],
        found["vm_key"][at],
        found["machine_key"][at],
        found["node"][at],
        found["ha_group"][at],
    )
