"""What is no tampering and reads like it: links, litter, line ends, lost ledgers; each by its own name."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.archive.made import NONE, allowed, archive, key, record, sealed
from tests.commands import command
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError
from vergeos_nb.record.record_folder import new_folder

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.tar.xz"))


def found(outputs: Path) -> list[tuple[str, str]]:
    return [(finding.kind.value, finding.where) for finding in verify(outputs).findings]


def place(folder: Path, name: str = "") -> str:
    return f"{folder.parent.name}/{folder.name}" + (f"/{name}" if name else "")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name)
def test_an_archive_that_an_older_version_sealed_verifies(path: Path, tmp_path: Path) -> None:
    with tarfile.open(path) as packed:
        packed.extractall(tmp_path, filter="data")
    outputs = tmp_path / "golden" / "outputs"
    signers = read_allowed_signers(tmp_path / "golden" / "allowed_signers")
    report = verify(outputs)
    assert (report.findings, report.records, report.lines) == ((), 4, 8)
    # Its last record was sealed without a key.
    assert [finding.kind for finding in verify(outputs, allowed=signers).findings] == ["unsigned"]
    listed = json.loads(command("audit", "list", "--outputs", str(outputs), "--json").stdout)
    assert [(one["record"], one["outcome"]) for one in listed["records"]][0] == ("run-2", "done")
    shown = command("audit", "show", "run-2", "--outputs", str(outputs))
    assert shown.returncode == 0
    assert "Forced off, and there is evidence that it is off." in shown.stdout


@pytest.mark.parametrize("what", ["record", "day"])
def test_a_link_in_the_place_of_a_record_or_its_day_is_named(tmp_path: Path, what: str) -> None:
    """Holds off: a record that was moved away and linked to verifies, and can be another one tomorrow."""
    outputs = tmp_path / "outputs"
    folders = archive(outputs, 3)
    link = folders[1] if what == "record" else folders[1].parent
    away = tmp_path / "away"
    shutil.move(link, away)
    link.symlink_to(away)
    places = [place(folders[1])] if what == "record" else [place(folder) for folder in folders]
    assert found(outputs) == [("link", where) for where in places]
    shown = command("audit", "show", folders[1].name, "--outputs", str(outputs))
    assert (shown.returncode, "link" in shown.stdout) == (3, True)
    assert command("audit", "export", folders[1].name, "--outputs", str(outputs)).returncode == 3


@pytest.mark.parametrize(
    "tail",
    [
        b"x",
        b" ",
        b"{}",
        b"\xff",
        b'{"count":99,"fields"',
        b'{"count": 7',
        b'{"count":7,"fields":{} }',
        b"first",
    ],
)
def test_bytes_after_the_last_line_that_no_seal_wrote_are_named(tmp_path: Path, tail: bytes) -> None:
    """Holds off: whatever stands there without a line feed passes as a line that was cut off."""
    archive(tmp_path)
    ledger = tmp_path / "ledger.jsonl"
    content = ledger.read_bytes()
    ledger.write_bytes(content + (content.split(b"\n")[0] if tail == b"first" else tail))
    assert found(tmp_path) == [("tail-added", "ledger.jsonl")]


def test_every_beginning_of_the_next_line_is_one_that_was_cut_off(tmp_path: Path) -> None:
    archive(tmp_path)
    ledger = tmp_path / "ledger.jsonl"
    content, head = ledger.read_bytes(), (tmp_path / "ledger.head").read_bytes()
    sealed(tmp_path, 9, operator='jo "x" \\ ü')
    line = ledger.read_bytes()[len(content) :]
    (tmp_path / "ledger.head").write_bytes(head)
    for cut in range(1, len(line)):
        ledger.write_bytes(content + line[:cut])
        report = verify(tmp_path)
        assert [finding.kind for finding in report.findings] == ["unsealed"], line[:cut]
        assert any("was cut off" in note for note in report.notes)


LITTER = [
    ".DS_Store", "Thumbs.db", "desktop.ini", "._notebook.ipynb", ".nfs000000000001", "notebook.ipynb~",
    ".notebook.html.swp", "record.json.bak", "#record.json#", "@eaDir/x", "__MACOSX/._x",
]  # fmt: skip


@pytest.mark.parametrize("name", LITTER)
def test_litter_is_named_as_what_it_is_and_is_never_sealed(tmp_path: Path, name: str) -> None:
    """Holds off: a desktop that looked into a folder reads like somebody who put a file in."""
    folder = archive(tmp_path, 2)[0]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    assert found(tmp_path) == [("litter", place(folder, name))]
    shutil.rmtree(folder / name.split("/")[0]) if "/" in name else (folder / name).unlink()
    assert found(tmp_path) == []
    later = record(tmp_path, 9)
    (later / name).parent.mkdir(exist_ok=True)
    (later / name).write_text("")
    assert name not in seal(later, NONE).files


def test_an_editors_lock_is_litter_although_it_is_a_link(tmp_path: Path) -> None:
    folder = archive(tmp_path, 2)[0]
    (folder / ".#record.json").symlink_to("jo@desk.123")
    assert found(tmp_path) == [("litter", place(folder, ".#record.json"))]


def test_litter_beside_signed_heads_is_in_nobodys_way(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs, 2, signer=key(tmp_path))
    (outputs / "signed" / "._2-abc.head").write_text("x")
    assert found(outputs) == []


def test_line_ends_that_git_changed_are_named_as_that_and_nothing_else(tmp_path: Path) -> None:
    """Holds off: a checkout on Windows reads like an archive in which everything was forged."""
    outputs = tmp_path / "outputs"
    signer = key(tmp_path)
    archive(outputs, 3, signer=signer)
    trusted = read_allowed_signers(allowed(tmp_path / "allowed", signer))
    for path in outputs.rglob("*"):
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" not in content and path.name != ".gitattributes":
            path.write_bytes(content.replace(b"\n", b"\r\n"))
    findings = verify(outputs, allowed=trusted).findings
    assert {finding.kind for finding in findings} == {"line-ends"}
    assert all("as git on Windows does" in finding.detail for finding in findings)
    assert {"ledger.jsonl", "ledger.head"} <= {finding.where for finding in findings}
    assert any(finding.where.startswith("signed/") for finding in findings)
    assert any(finding.where.endswith("manifest.json.sig") for finding in findings)
    done = command("audit", "verify", "--outputs", str(outputs))
    assert (done.returncode, "as it was sealed" in done.stdout) == (3, False)
    with pytest.raises(RecordError, match="line ends"):
        new_folder(outputs, "force_power_off", "x", 0.0)


def test_line_ends_that_hide_another_change_are_tampering(tmp_path: Path) -> None:
    folder = archive(tmp_path, 2)[0]
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"\n", b"\r\n").replace(b"note", b"nope"))
    assert found(tmp_path) == [("file-changed", place(folder, "journal.jsonl"))]
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"\n", b"\r\n").replace(b"INC-7", b"INC-8"))
    assert "line-edited" in {kind for kind, _ in found(tmp_path)}


def test_git_leaves_a_new_archive_as_it_is(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    outputs = tmp_path / "outputs"
    archive(outputs, 2)
    git = ["git", "-c", "core.autocrlf=true", "-c", "user.name=jo", "-c", "user.email=jo@example.com"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *arguments], cwd=outputs, check=True, capture_output=True, timeout=60)
    subprocess.run([*git, "clone", "-q", str(outputs), str(tmp_path / "there")], check=True, timeout=60)
    assert found(tmp_path / "there") == []


def test_an_export_that_git_changed_says_so_too(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    folder = archive(outputs, 2)[0]
    target = tmp_path / "out.zip"
    done = command(
        "audit", "export", folder.name, "--format", "zip", "-o", str(target), "--outputs", str(outputs)
    )
    assert done.returncode == 0
    shutil.unpack_archive(target, tmp_path / "out")
    there = tmp_path / "out" / folder.name
    assert (there / ".gitattributes").read_text().endswith("* -text\n")
    arguments = ["audit", "verify", "--only", folder.name, "--outputs", str(there), "--json"]
    assert json.loads(command(*arguments).stdout.splitlines()[-1])["findings"] == []
    for path in there.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    answer = json.loads(command(*arguments).stdout.splitlines()[-1])
    assert {finding["kind"] for finding in answer["findings"]} == {"line-ends"}


def rotated(outputs: Path) -> None:
    (outputs / "ledger.jsonl").rename(outputs / "ledger.jsonl.1")


def rotated_with_its_head(outputs: Path) -> None:
    rotated(outputs)
    (outputs / "ledger.head").unlink()


def emptied(outputs: Path) -> None:
    (outputs / "ledger.jsonl").write_bytes(b"")


def shortened(outputs: Path) -> None:
    lines = (outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines[:2]))


LOST = [rotated, rotated_with_its_head, emptied, shortened]


@pytest.mark.parametrize("lose", LOST, ids=lambda lose: lose.__name__)
def test_where_the_ledger_is_lost_no_run_begins_and_a_list_says_so(tmp_path: Path, lose: object) -> None:
    """Holds off: a log rotation that takes the ledger away, and a new chain that begins in silence."""
    archive(tmp_path, 3)
    assert callable(lose)
    lose(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ran = command("run", "force_power_off", "-p", "vm_name=web-01", "--outputs", str(tmp_path))
    assert ran.returncode == 10
    assert "nothing was sent" in ran.stderr
    assert "--outputs" in ran.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    listed = command("audit", "list", "--outputs", str(tmp_path), "--json")
    assert (listed.returncode, "ledger" in listed.stderr) == (3, True)
    assert json.loads(listed.stdout)["warning"].startswith("ledger.jsonl ")


def test_where_the_ledger_is_gone_sealing_begins_no_new_chain(tmp_path: Path) -> None:
    archive(tmp_path, 3)
    rotated(tmp_path)
    waiting = record(tmp_path, 9)
    with pytest.raises(RecordError, match="ledger.jsonl is gone"):
        seal(waiting, NONE)
    assert not (tmp_path / "ledger.jsonl").exists()
    (tmp_path / "ledger.jsonl.1").rename(tmp_path / "ledger.jsonl")
    seal(waiting, NONE)
    assert found(tmp_path) == []


def test_the_first_record_of_an_archive_is_sealed_after_a_death_before_its_line(tmp_path: Path) -> None:
    folder = record(tmp_path, 1)
    seal(folder, NONE)
    for name in ("ledger.jsonl", "ledger.head"):
        (tmp_path / name).unlink()
    seal(folder, NONE)
    assert found(tmp_path) == []
    assert len(list(Ledger(tmp_path).whole_lines())) == 1
