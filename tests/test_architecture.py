"""The documents are a map of the house as it is: what they name exists, and the rooms are the ladder's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.test_imports import LADDER, PACKAGE

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md")),
]
# Folders of an archive, of the user's home and of the API: no files of ours.
ELSEWHERE = {
    "outputs", "plans", "signed", "timestamps", "removing", "leases", "platform", "machines", "bucket", "DAY",
}  # fmt: skip
PATH = re.compile(r"(?:[\w.-]+/)+[\w.@-]*")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def quoted(page: str) -> Sequence[str]:
    """What stands in backticks, outside code blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S))


def exists(name: str, page: str) -> bool:
    """Whether a path is in the root, in the package or beside the page; a module may lack its suffix."""
    places = [ROOT, PACKAGE, (ROOT / page).parent]
    return any((place / name).exists() or (place / f"{name}.py").is_file() for place in places)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_document_names_exists(page: str) -> None:
    named = {name for name in quoted(page) if PATH.fullmatch(name) and name.split("/")[0] not in ELSEWHERE}
    assert sorted(name for name in named if not exists(name, page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_document_leads_to_a_file(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", text_of(page))
    assert [link for link in links if not ((ROOT / page).parent / link).is_file()] == []


def test_every_module_that_a_document_names_without_its_folder_is_one() -> None:
    modules = {path.name for path in ROOT.rglob("*.py")}
    # The files of docs/write-a-runbook.md are those of another package.
    pages = [page for page in PAGES if page != "docs/write-a-runbook.md"]
    named = {name for page in pages for name in quoted(page) if re.fullmatch(r"\w+\.py", name)}
    assert named - modules == set()


def test_every_name_from_the_code_that_the_map_uses_is_in_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    words = set(re.findall(r"[\w-]+", code)) | set(LADDER)
    named = [name for name in quoted("ARCHITECTURE.md") if re.fullmatch(r"[A-Za-z_][\w-]*(\.\w+)*", name)]
    missing = {name for name in named if "." not in name and name not in words}
    # A name with a dot is a method, a field, a room or a file.
    missing |= {
        name
        for name in named
        if "." in name and name not in LADDER and name not in code and not set(name.split(".")) <= words
    }
    assert missing == set()


def test_the_map_lists_the_rooms_of_the_ladder_in_its_order() -> None:
    table = text_of("ARCHITECTURE.md").partition("| room |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([\w.]+)` \|", table, re.M) == LADDER


def test_the_map_names_every_folder_of_the_package() -> None:
    folders = {
        path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")
    } - {".", "procedure"}  # fmt: skip
    names = set(quoted("ARCHITECTURE.md"))
    assert {folder for folder in folders if not {folder, folder.replace("/", ".")} & names} == set()
