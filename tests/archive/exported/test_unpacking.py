"""Zips from anybody: what would leave the folder, fill the disk or be read in two ways is refused."""

from __future__ import annotations

import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import command
from vergeos_nb.archive.exported import unpacking
from vergeos_nb.archive.exported.unpacking import unpacked
from vergeos_nb.errors import Refused


def link(file: zipfile.ZipFile) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    file.writestr(info, "/etc/passwd")


def twice(file: zipfile.ZipFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        file.writestr("a", "1")
        file.writestr("a", "2")


def both_letters(file: zipfile.ZipFile) -> None:
    file.writestr("Record.json", "1")
    file.writestr("record.json", "2")


def file_below_file(file: zipfile.ZipFile) -> None:
    file.writestr("a", "1")
    file.writestr("a/b", "2")


def folder_then_file(file: zipfile.ZipFile) -> None:
    file.writestr("a/b", "1")
    file.writestr("a", "2")


OUT = "leads out of the folder"
READ = "has a name that systems read differently"
HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], object], str]] = {
    "up": (lambda file: file.writestr("../x", ""), f"its member '../x' {OUT}"),
    "up within": (
        lambda file: file.writestr("a/../../x", ""),
        f"its member 'a/../../x' {OUT}",
    ),
    "absolute": (lambda file: file.writestr("/x", ""), f"its member '/x' {OUT}"),
    "drive": (
        lambda file: file.writestr("c:x", ""),
        f"its member 'c:x' {READ}",
    ),
    "backslash": (
        lambda file: file.writestr("a\\x", ""),
        "its member 'a\\\\x' " + READ,
    ),
    "link": (link, "its member 'link' is a link or a device"),
    "twice": (twice, "its member 'a' is there twice"),
    "a file below a file": (file_below_file, "its member 'a/b' makes a file of a folder"),
    "a folder that becomes a file": (folder_then_file, "its member 'a' makes a file of a folder"),
    "a long name": (
        lambda file: file.writestr("a" * 300, ""),
        f"its member {'a' * 300!r} has a name that is too long",
    ),
    "a compression that can fail in its own way": (
        lambda file: file.writestr("a", "x" * 99, zipfile.ZIP_LZMA),
        "its member 'a' is compressed in a way that no export is",
    ),
    "two spellings": (both_letters, "its member 'record.json' is there twice"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_member_is_refused_and_nothing_is_written_elsewhere(tmp_path: Path, case: str) -> None:
    make, why = HOSTILE[case]
    path = tmp_path / "in" / "x.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        make(file)
    with pytest.raises(Refused) as refused, unpacked(path):
        pass
    assert (refused.value.came_back, sorted(tmp_path.rglob("*"))) == (why, [path.parent, path])


def test_a_zip_may_list_its_folders_before_or_after_their_files(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("a/", "a/b", "c/d", "c/"):
            file.writestr(name, "")
    with unpacked(path) as folder:
        assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*")) == ["a", "a/b", "c", "c/d"]


def test_a_bomb_is_stopped_at_its_limit_whatever_size_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_BYTES", 1000)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", bytes(600))
        file.writestr("b", bytes(600))
    with pytest.raises(Refused, match="it unpacks to more than 1,000 bytes"), unpacked(path):
        pass
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 1)
    with pytest.raises(Refused, match="it has 2 members, more than 1"), unpacked(path):
        pass


def test_a_file_that_is_no_zip_or_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a", "some text")
    content = path.read_bytes()
    for damaged in (b"", b"no zip", content[:-5], content.replace(b"some", b"same")):
        path.write_bytes(damaged)
        with pytest.raises(Refused, match="it is a damaged zip"), unpacked(path):
            pass
    assert command("audit", "verify", str(path)).returncode == 3
