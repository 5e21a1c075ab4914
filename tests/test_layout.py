"""Every path of an archive and of a record, and that no other module spells one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import modules, room
from vergeos_nb import layout
from vergeos_nb.layout import ArchiveLayout, archive_of, began_at, day_of, is_day, what_of

OUTPUTS = Path("/outputs")
PATHS = ArchiveLayout(OUTPUTS)
RECORD = OUTPUTS / "2026-10-01" / "120000Z-force_power_off-web-01-0a1b2c3d"
T0 = 1_790_856_000.0

FILES = (
    "journal.jsonl", "record.json", "notebook.ipynb", "notebook.html", "timeline.png", "timeline.svg",
    "manifest.json", "asked.json", "room.reserved", "room.probe", ".ipynb_checkpoints", "ledger.jsonl",
    "ledger.head", "ledger.torn", "ledger.lock", "ledger.draft", ".gitattributes", "index.sqlite",
    "mirror.json", "mirror.lock", "mirror.draft", ".probe-", ".approval", ".runs", ".lease",
)  # fmt: skip
FOLDERS = ("plans", "leases", "signed", "timestamps", "removing", "STOP")


def test_an_archive_has_these_paths() -> None:
    found = {name: path.relative_to(OUTPUTS).as_posix() for name, path in vars(PATHS).items()}
    assert found == {
        "outputs": ".",
        "ledger": "ledger.jsonl",
        "head": "ledger.head",
        "torn": "ledger.torn",
        "lock": "ledger.lock",
        "draft": "ledger.draft",
        "attributes": ".gitattributes",
        "index": "index.sqlite",
        "mirror": "mirror.json",
        "mirror_lock": "mirror.lock",
        "mirror_draft": "mirror.draft",
        "stop_file": "STOP",
        "leases": "leases",
        "removing": "removing",
        "forwarding": "forwarding",
    }
    assert [
        PATHS.plan("d"),
        PATHS.approval("d"),
        PATHS.runs("d"),
        PATHS.platform("5e"),
        PATHS.signed("7-k"),
        PATHS.timestamp("7"),
    ] == [
        OUTPUTS / "plans" / "d.json",
        OUTPUTS / "plans" / "d.approval",
        OUTPUTS / "plans" / "d.runs",
        OUTPUTS / "platform" / "5e.toml",
        OUTPUTS / "signed" / "7-k.head",
        OUTPUTS / "timestamps" / "7.head",
    ]


def test_a_records_folder_says_when_its_run_began_and_in_which_archive() -> None:
    folder = PATHS.record(T0, "force_power_off-web-01", "0a1b2c3d")
    assert (folder, archive_of(folder).outputs) == (RECORD, OUTPUTS)
    assert (what_of(folder), began_at(folder), day_of(T0)) == ("force_power_off-web-01", T0, "2026-10-01")


@pytest.mark.parametrize("name", ["web-01", "120000Z-web-01", "999999Z-web-01-0a1b2c3d"])
def test_a_folder_of_another_name_says_no_time(name: str) -> None:
    assert began_at(OUTPUTS / "2026-10-01" / name) is None


def test_the_folders_beside_the_days_are_no_days() -> None:
    assert [name for name in (*layout.NO_DAYS, "2026-10-1", "2026-10-01x") if is_day(name)] == []


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """The texts of a module without its docstrings."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node


def spelled(path: Path) -> list[str]:
    """Names of an archive's files, joined folders and climbs to the archive that a module spells itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [node.value for node in texts(tree) if any(name in node.value for name in FILES)]
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            found += [side.value for side in (node.left, node.right) if getattr(side, "value", "") in FOLDERS]
        if isinstance(node, ast.Attribute) and node.attr in ("parent", "parents"):
            inner = node.value
            if isinstance(inner, ast.Attribute) and inner.attr == "parent":
                found.append("parent.parent")
    return found


def test_no_other_module_spells_a_name_of_an_archive_or_climbs_to_it() -> None:
    others = [path for path in modules() if room(path) not in ("layout", "simulator")]
    assert {path.name: found for path in others if (found := spelled(path))} == {}
