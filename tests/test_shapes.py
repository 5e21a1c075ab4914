"""Files that somebody damaged, or made odd: one sentence each, at once, and never a traceback."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.errors import RecordError, SettingsError, UsageError, VergeNbError
from vergeos_nb.fleet.plan import approval_of, find_plan
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.settings import load_policy, load_profile
from vergeos_nb.shapes import DEEPEST, Unfit, content_of, json_of, object_of_line, toml_of
from vergeos_nb.simulator.faults.fault_files import load_rules

DIGITS = "9" * 5_000
DEEP_JSON = "[" * 1_000 + "]" * 1_000
TEXTS = {
    "empty": b"",
    "cut off": b'{"a": [1, ',
    "NUL": b"\0" * 100,
    "binary": bytes(range(256)) * 4,
    "not UTF-8": b'a = "\xff"',
    "nested": f"a = {DEEP_JSON}".encode(),
    "nested JSON": DEEP_JSON.encode(),
    "objects in each other": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "digits": f"a = {DIGITS}".encode(),
    "digits in JSON": f'{{"a": {DIGITS}}}'.encode(),
    "dotted": (".".join("a" * 10_000) + " = 1").encode(),
    "dotted heading": ("[" + ".".join("a" * 10_000) + "]").encode(),
    "dotted and quoted": ("x = {" + ".".join(['"a"'] * 10_000) + " = 1}").encode(),
    "twice": b"a = 1\na = 2\n",
    "twice in JSON": b'{"digest": "x", "digest": "y"}',
    "NaN": b'{"given_at": NaN}',
    "a list": b"[1]",
    "a text": b'"x"',
    "huge": b"#" * (2 << 20),
}


def as_folder(path: Path) -> None:
    path.mkdir()


def as_pipe(path: Path) -> None:
    os.mkfifo(path)


def as_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


MAKERS: dict[str, Callable[[Path], None]] = {
    **{name: (lambda path, text=text: path.write_bytes(text) and None) for name, text in TEXTS.items()},
    "a folder": as_folder,
    "a pipe": as_pipe,
    "a link to itself": as_link_to_itself,
}
DIGEST = "ab" * 32


def read_policy(home: Path) -> tuple[Path, Callable[[], object]]:
    path = home / ".config" / "vergeos-nb" / "policy.toml"
    return path, lambda: load_policy({}, home)


def read_profile(home: Path) -> tuple[Path, Callable[[], object]]:
    path = home / ".vrg" / "config.toml"
    return path, lambda: load_profile("lab", environ={}, home=home)


def read_approval(home: Path) -> tuple[Path, Callable[[], object]]:
    return home / "plans" / f"{DIGEST}.approval", lambda: approval_of(home, DIGEST)


def read_plan(home: Path) -> tuple[Path, Callable[[], object]]:
    return home / "plans" / f"{DIGEST}.json", lambda: find_plan(home, DIGEST)


def read_faults(home: Path) -> tuple[Path, Callable[[], object]]:
    return home / "faults" / "rules.toml", lambda: _rules(home / "faults" / "rules.toml")


def _rules(path: Path) -> object:
    try:
        return load_rules(path)
    except (ValueError, OSError) as error:
        raise UsageError("serving the simulator", str(error), "see --help") from error


READERS = [read_policy, read_profile, read_approval, read_plan, read_faults]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize("damage", MAKERS)
def test_an_odd_file_is_one_sentence_that_names_it_and_comes_at_once(
    tmp_path: Path, reader: Callable[[Path], tuple[Path, Callable[[], object]]], damage: str
) -> None:
    """Holds off: tracebacks, and a key of 10,000 parts over which the command hangs."""
    path, read = reader(tmp_path)
    path.parent.mkdir(parents=True)
    MAKERS[damage](path)
    began = time.monotonic()
    if (reader, damage) == (read_faults, "empty"):
        return
    with pytest.raises(VergeNbError) as caught:
        read()
    assert caught.value.exit_code in (2, 10)
    assert caught.value.came_back
    assert caught.value.next_step
    assert len(str(caught.value)) < 1_000
    # A pipe, or tomllib over such a key, keeps one waiting for minutes.
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["x" * 5_000, "/".join("ab" * 3_000), "a\0b", "missing"])
def test_a_path_that_cannot_be_one_is_no_file(tmp_path: Path, name: str) -> None:
    """Holds off: a traceback over a VERGE_CA_FILE of 5,000 characters."""
    variables = {
        "VERGE_HOST": "h.example", "VERGE_API_KEY": "k" * 20, "VERGE_CA_FILE": str(tmp_path / name),
        "VERGEOS_NB_POLICY": str(tmp_path / name),
    }  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        load_profile("env", environ=variables, home=tmp_path)
    assert len(str(caught.value)) < 1_000
    with pytest.raises(SettingsError):
        load_policy(variables, tmp_path)
    with pytest.raises(Unfit):
        content_of(tmp_path / name)


@pytest.mark.parametrize("wrong", [{"digest": 3}, {"until": "soon"}, {"approver": None}, {"given_at": True}])
def test_an_approval_with_a_field_of_another_type_is_named_by_it(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    (tmp_path / "plans").mkdir()
    good = {"digest": DIGEST, "approver": "kim", "given_at": 1.0, "until": 2.0}
    path = tmp_path / "plans" / f"{DIGEST}.approval"
    path.write_text(json.dumps(good | wrong))
    with pytest.raises(RecordError, match=f"'{next(iter(wrong))}' is "):
        approval_of(tmp_path, DIGEST)
    path.write_text(json.dumps({name: value for name, value in good.items() if name not in wrong}))
    with pytest.raises(RecordError, match=f"'{next(iter(wrong))}' is missing"):
        approval_of(tmp_path, DIGEST)


@pytest.mark.parametrize("content", [{}, {"vms": 3}, {"vms": [{}]}, {"format": "vergeos-nb/fleet-plan/1"}])
def test_a_fleet_plan_whose_digest_fits_and_whose_fields_do_not_is_refused(
    tmp_path: Path, content: dict[str, object]
) -> None:
    plan = Plan({"format": "vergeos-nb/fleet-plan/1", **content})
    PlanShelf(tmp_path).keep(plan)
    with pytest.raises(UsageError, match="is missing|is 3"):
        find_plan(tmp_path, plan.digest)


@given(st.binary(max_size=200))
def test_no_bytes_lead_to_anything_but_data_or_a_sentence(content: bytes) -> None:
    for read in (json_of, object_of_line, lambda raw: toml_of(raw.decode("latin-1"))):
        with contextlib.suppress(Unfit):
            read(content)


def test_what_is_nested_as_deep_as_people_write_is_read() -> None:
    text = "[" * DEEPEST + "]" * DEEPEST
    assert json_of(text) is not None
    assert toml_of(f"a = {text[1:-1]}")["a"] is not None
    assert object_of_line(b'{"answer":"\\udc80"}') == {"answer": "\udc80"}
