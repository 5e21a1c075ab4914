"""Choose the VMs of a fleet plan: by a list of names and keys, or by a selector. Empty never means all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vergeos_nb.errors import UsageError, VmAmbiguous, VmNotFound
from vergeos_nb.fleet.lists import Form, read_rows
from vergeos_nb.vergeos.rows import Columns
from vergeos_nb.views.text import csv_text
from vergeos_nb.words import did_you_mean, nearest

SELECTABLE = ("name", "node", "status", "state", "suggestion", "verdict", "ha_group")
_WILD = "*?["
_BY_EACH = (
    "name each VM by itself: `vergeos-nb stuck --all --csv > vms.csv`, leave in it the VMs that are meant, "
    "then `vergeos-nb fleet plan vms.csv`"
)


@dataclass(frozen=True, slots=True)
class Named:
    """A VM as a person named it: by name, by key, or by both, which must belong to one VM.

    Attributes:
        form: the form of its file. In a table, the name beside a key may be spelled as our CSV shows it. In a
            file of lines, a number must not also be another VM's name.
    """

    name: str = ""
    key: int | None = None
    form: Form = field(default=Form.JSON, compare=False)


@dataclass(frozen=True, slots=True)
class FleetVm:
    """A chosen VM, as the platform has it."""

    name: str
    key: int
    machine: int
    node: str
    group: str


def read_list(path: Path) -> tuple[Named, ...]:
    """The VMs in a file: CSV with column names, JSON (`vergeos-nb stuck` prints both), or one VM per line.

    Columns or fields are ``name`` and ``vm_key`` (or ``key``); others are ignored. JSON may be a list, or an
    object with a list ``vms``, of objects, names or keys. Names are not changed in any way.

    Raises:
        UsageError: it cannot be read, names no VM, or has an entry that does not name a VM.
    """
    asked = f"reading the VMs of {path}"
    listed = read_rows(path, asked)
    found = tuple(_named(row, listed.form, asked) for row in listed.rows)
    if not found:
        raise UsageError(asked, "it names no VM", "name the VMs; an empty list never means all VMs")
    return found


def _named(row: Any, form: Form, asked: str) -> Named:
    if isinstance(row, str):
        row = {"name": row}
    elif isinstance(row, int) and not isinstance(row, bool):
        row = {"key": row}
    if not isinstance(row, Mapping):
        raise UsageError(asked, f"{row!r} does not name a VM", "give name, key or both")
    name = row.get("name") or ""
    keys = {_key(row[column], asked) for column in ("vm_key", "key") if row.get(column) not in (None, "")}
    if len(keys) > 1:
        told = " and ".join(f"{column} {row[column]}" for column in ("vm_key", "key"))
        raise UsageError(asked, f"{told} are two VMs", "keep one of them")
    if not isinstance(name, str) or (not name and not keys):
        raise UsageError(asked, f"{dict(row)!r} names no VM", "give a name or a key")
    return Named(name, keys.pop() if keys else None, form)


def _key(value: Any, asked: str) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value.strip(" ")):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise UsageError(asked, f"{value!r} is not a VM key", "give the key as a whole number")


def resolve(found: Columns, named: Sequence[Named]) -> tuple[FleetVm, ...]:
    """The VMs with these names and keys, in the same order.

    Raises:
        VmNotFound, VmAmbiguous: a name or key belongs to no VM, or to several.
        UsageError: a name and its key belong to two VMs, or one VM is named twice.
    """
    by_key = {key: at for at, key in enumerate(found["vm_key"])}
    by_name: dict[str, list[int]] = {}
    for at, name in enumerate(found["name"]):
        by_name.setdefault(name, []).append(at)
    chosen: list[int] = []
    for one in named:
        asked = f"finding VM {one.name!r}" if one.name else f"finding VM {one.key}"
        at = (
            _by_key(found, one, by_key, by_name, asked)
            if one.key is not None
            else _by_name(found, one.name, by_name, asked)
        )
        if at in chosen:
            raise UsageError(asked, "it is named twice", "name each VM once")
        chosen.append(at)
    return tuple(_vm(found, at) for at in chosen)


def _by_key(
    found: Columns, one: Named, by_key: Mapping[int, int], by_name: Mapping[str, list[int]], asked: str
) -> int:
    assert one.key is not None
    at = by_key.get(one.key, -1)
    others = [hit for hit in by_name.get(str(one.key), []) if hit != at]
    if one.form is Form.LINES and others:
        said = f"{one.key} is the name of VM {found['vm_key'][others[0]]}, too"
        raise VmAmbiguous(asked, said, "let the first line of the file say what they are: name or vm_key")
    if at < 0:
        raise VmNotFound(
            asked, f"no VM has the key {one.key}", "make the list again with `vergeos-nb stuck --all`"
        )
    name = found["name"][at]
    # Our CSV spells some names differently. To compare, the VM's name is spelled so; nothing is decoded.
    if one.name and one.name != name and not (one.form is Form.TABLE and one.name == csv_text(name)):
        raise UsageError(
            asked, f"VM {one.key} is called {name!r}", "make the list again with `vergeos-nb stuck --all`"
        )
    return at


def _by_name(found: Columns, name: str, by_name: Mapping[str, list[int]], asked: str) -> int:
    hits = by_name.get(name, [])
    if len(hits) > 1:
        keys = ", ".join(str(found["vm_key"][hit]) for hit in hits)
        raise VmAmbiguous(asked, f"several VMs have this name: {keys}", "give the key as well")
    if hits:
        return hits[0]
    shown = [other for other in by_name if csv_text(other) == name]
    near = nearest(name, by_name)
    hint = "make the list again with `vergeos-nb stuck --all`; upper and lower case differ"
    if near:
        hint += f". Did you mean {near!r}?"
    if shown:
        hint = f"`stuck --csv` shows {shown[0]!r} like that: leave the column vm_key in the file"
    raise VmNotFound(asked, "no VM has this name", hint)


def select(found: Columns, selector: Mapping[str, str]) -> tuple[FleetVm, ...]:
    """The VMs whose columns match all of these patterns, by key. Upper and lower case are the same.

    If a name is exactly a VM's name, it selects only that VM.

    Raises:
        UsageError: the selector is empty, has an unknown column or an empty pattern, matches no VM or every
            VM, or its name can be read both as a VM's name and as a pattern.
    """
    asked = "selecting VMs"
    if not selector:
        raise UsageError(
            asked, "the selector is empty", "name the VMs; an empty selector never means all VMs"
        )
    for column, pattern in selector.items():
        if column not in SELECTABLE:
            raise UsageError(asked, f"{column!r} is no column to select by", did_you_mean(column, SELECTABLE))
        if not pattern:
            raise UsageError(asked, f"the pattern for {column} is empty", "name the VMs that you mean")
    told = ", ".join(f"{column}={pattern}" for column, pattern in selector.items())
    positions = [
        at
        for at in range(len(found["vm_key"]))
        if all(_fits(str(found[column][at]), pattern) for column, pattern in selector.items())
    ]
    wanted = selector.get("name", "")
    exact = [at for at in positions if found["name"][at] == wanted]
    by_name = bool(wanted) and not any(mark in wanted for mark in _WILD)
    if exact and len(positions) > len(exact):
        if not by_name:
            said = f"{wanted!r} is a VM's name, and as a pattern it fits others"
            raise UsageError(asked, said, _BY_EACH)
        positions = exact
    if not positions:
        raise UsageError(asked, f"no VM fits {told}", "look with `vergeos-nb stuck --all`")
    # Checked by the result, because there are too many ways to write a pattern that matches everything.
    if len(positions) == len(found["vm_key"]) and not (len(positions) == 1 and (by_name or exact)):
        raise UsageError(asked, f"{told} fits every VM of the system ({len(positions)})", _BY_EACH)
    return tuple(_vm(found, at) for at in positions)


def _fits(value: str, pattern: str) -> bool:
    like = pattern.casefold()
    return value.casefold() == like or fnmatchcase(value.casefold(), like)


def _vm(found: Columns, at: int) -> FleetVm:
    return FleetVm(
        found["name"][at],
        found["vm_key"][at],
        found["machine_key"][at],
        found["node"][at],
        found["ha_group"][at],
    )
