"""Every kind of tampering is found and has its own word; what is untouched is never accused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive.made import NONE, archive, finish_again, record, sealed
from vergeos_nb.archive.ledger.chain import FlawKind
from vergeos_nb.archive.ledger.ledger import Head, read_head
from vergeos_nb.archive.ledger.ledger_lines import hash_of
from vergeos_nb.archive.ledger.manifest import read_manifest
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.canonical import canonical

LINES = 6
FILES = ("journal.jsonl", "notebook.ipynb", "notebook.html", "record.json")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("archive") / "outputs"
    archive(outputs)
    return outputs


@pytest.fixture
def outputs(untouched: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(untouched, tmp_path / "outputs"))


def folders(outputs: Path) -> list[Path]:
    return sorted(path.parent for path in outputs.glob("*/*/journal.jsonl"))


def found(outputs: Path, expect: Head | None = None) -> list[tuple[str, str]]:
    """Kind and place of each finding."""
    return [(str(finding.kind), finding.where) for finding in verify(outputs, expect).findings]


def place(folder: Path, name: str = "") -> str:
    path = f"{folder.parent.name}/{folder.name}"
    return f"{path}/{name}" if name else path


def raw(outputs: Path) -> list[bytes]:
    return (outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)


def write(outputs: Path, lines: list[bytes], *, head: bool = False) -> None:
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines))
    if head:
        (outputs / "ledger.head").write_text(f"{len(lines)}:{hash_of(lines[-1]) if lines else '0' * 64}\n")


def head_of(outputs: Path) -> Head:
    head = read_head((outputs / "ledger.head").read_text().strip())
    assert head is not None
    return head


def forged(lines: list[bytes], at: int, **members: object) -> bytes:
    """The line at a place with other members, in canonical form."""
    return canonical({**json.loads(lines[at]), **members}) + b"\n"


# -- nothing is accused falsely ------------------------------------------------------------------


def test_an_untouched_archive_is_clean(untouched: Path) -> None:
    report = verify(untouched)
    assert (report.records, report.lines, report.head) == (5, LINES, head_of(untouched))
    assert (report.findings, report.notes, report.exit_code) == ((), (), 0)


def test_an_archive_is_clean_after_each_seal_and_holds_every_head_that_it_ever_had(tmp_path: Path) -> None:
    heads = [Head(0, "0" * 64)]
    assert found(tmp_path) == []
    for number in range(1, 6):
        sealed(tmp_path, number)
        heads.append(head_of(tmp_path))
        assert [found(tmp_path, head) for head in heads] == [[]] * len(heads)


def test_a_copy_without_lock_index_and_times_is_clean_when_it_cannot_be_written(
    outputs: Path, tmp_path: Path
) -> None:
    (outputs / "ledger.lock").unlink()
    for path in [outputs, *outputs.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert found(outputs, head_of(outputs)) == []
    for path in [outputs, *outputs.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_what_jupyter_plans_and_leases_leave_beside_the_records_is_no_finding(outputs: Path) -> None:
    checkpoint = folders(outputs)[0] / ".ipynb_checkpoints" / "notebook-checkpoint.ipynb"
    for path in (checkpoint, outputs / "plans" / "x.json", outputs / "leases" / "x.lease", outputs / "STOP"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    assert found(outputs) == []


def test_a_run_that_has_not_ended_is_a_note(outputs: Path) -> None:
    folder = outputs / "2026-10-02" / "run"
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text('{"n": 1, "event": "run-opened"}\n')
    report = verify(outputs)
    assert (report.findings, report.notes) == (
        (),
        ("2026-10-02/run: a run that has not ended, or was killed",),
    )


# -- files ---------------------------------------------------------------------------------------

Change = Callable[[bytes], bytes]
BYTES: dict[str, Change] = {
    "first byte": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "middle byte": lambda c: c[: len(c) // 2] + bytes([c[len(c) // 2] ^ 0x20]) + c[len(c) // 2 + 1 :],
    "last byte": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "a letter's case": lambda content: content.swapcase(),
    "a line feed more": lambda content: content + b"\n",
    "another line end": lambda content: content.replace(b"\n", b"\r\n") + b"\r",
    "a blank": lambda content: content.replace(b":", b": ", 1) + b" ",
    "a mark of byte order": lambda content: b"\xef\xbb\xbf" + content,
    "a NUL": lambda content: content + b"\0",
    "last byte off": lambda content: content[:-1],
    "empty": lambda content: b"",
    "twice": lambda content: content * 2,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", BYTES)
def test_a_changed_file_is_named(outputs: Path, name: str, change: str) -> None:
    for folder in folders(outputs):
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(BYTES[change](content))
        assert found(outputs) == [("file-changed", place(folder, name))]
        path.write_bytes(content)
    assert found(outputs) == []


@pytest.mark.parametrize("change", BYTES)
def test_a_changed_manifest_is_named(outputs: Path, change: str) -> None:
    for folder in folders(outputs):
        path = folder / "manifest.json"
        content = path.read_bytes()
        path.write_bytes(BYTES[change](content))
        assert found(outputs) == [("manifest-changed", place(folder, "manifest.json"))]
        path.write_bytes(content)


@given(st.data())
def test_no_byte_of_any_sealed_file_can_be_another_unseen(untouched: Path, data: st.DataObject) -> None:
    folder = data.draw(st.sampled_from(folders(untouched)))
    name = data.draw(st.sampled_from([*FILES, "manifest.json"]))
    content = (folder / name).read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    try:
        (folder / name).write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
        kind = "manifest-changed" if name == "manifest.json" else "file-changed"
        assert found(untouched) == [(kind, place(folder, name))]
    finally:
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(outputs: Path, name: str) -> None:
    folder = folders(outputs)[1]
    (folder / name).unlink()
    assert found(outputs) == [("file-missing", place(folder, name))]


def test_a_missing_manifest_is_named(outputs: Path) -> None:
    folder = folders(outputs)[1]
    (folder / "manifest.json").unlink()
    assert found(outputs) == [("manifest-missing", place(folder))]


@pytest.mark.parametrize("name", ["extra.txt", "notebook.ipynb.part", ".hidden", "sub/extra.txt", "ü\u202e"])
def test_an_added_file_is_named(outputs: Path, name: str) -> None:
    folder = folders(outputs)[1]
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    assert found(outputs) == [("file-added", place(folder, name))]


def test_a_link_in_the_place_of_a_file_is_found_even_if_it_leads_to_the_same_bytes(
    outputs: Path, tmp_path: Path
) -> None:
    folder = folders(outputs)[1]
    shutil.move(folder / "notebook.html", tmp_path / "elsewhere")
    (folder / "notebook.html").symlink_to(tmp_path / "elsewhere")
    assert found(outputs) == [("file-changed", place(folder))]


def test_a_file_and_its_hash_in_the_manifest_changed_together_are_found(outputs: Path) -> None:
    folder = folders(outputs)[3]
    (folder / "notebook.html").write_text("forged")
    told = json.loads((folder / "manifest.json").read_bytes())
    told["files"]["notebook.html"] = {"size": 6, "sha256": hashlib.sha256(b"forged").hexdigest()}
    (folder / "manifest.json").write_bytes(canonical(told))
    assert found(outputs) == [("manifest-changed", place(folder, "manifest.json"))]


# -- records -------------------------------------------------------------------------------------


def test_a_missing_record_is_named(outputs: Path) -> None:
    for folder in folders(outputs):
        shutil.move(folder, outputs / "kept")
        assert found(outputs) == [("record-missing", place(folder))]
        shutil.move(outputs / "kept", folder)


def test_a_record_that_was_put_in_is_unsealed(outputs: Path) -> None:
    assert found(outputs) == []
    folder = record(outputs, 99)
    assert found(outputs) == [("unsealed", place(folder))]


def test_two_swapped_records_are_named(outputs: Path, tmp_path: Path) -> None:
    first, _, third, *_ = folders(outputs)
    shutil.move(first, tmp_path / "first")
    shutil.move(third, first)
    shutil.move(tmp_path / "first", third)
    assert found(outputs) == [("swapped", place(first)), ("swapped", place(third))]


@pytest.mark.parametrize("where", ["2026-10-01/other", "2026-10-09/same"])
def test_a_copy_of_a_sealed_record_is_no_record(outputs: Path, where: str) -> None:
    shutil.copytree(folders(outputs)[0], outputs / where)
    assert found(outputs) == [("replayed", where)]


def test_a_record_in_the_place_of_another_is_named(outputs: Path) -> None:
    first, second, *_ = folders(outputs)
    shutil.rmtree(second)
    shutil.copytree(first, second)
    assert found(outputs) == [("replayed", place(second))]


def test_an_older_state_of_a_record_put_back_is_named(tmp_path: Path) -> None:
    folder = record(tmp_path, 1)
    seal(folder, NONE)
    shutil.copytree(folder, tmp_path.parent / f"{tmp_path.name}-old")
    finish_again(folder)
    seal(folder, NONE)
    assert found(tmp_path) == []
    shutil.rmtree(folder)
    shutil.copytree(tmp_path.parent / f"{tmp_path.name}-old", folder)
    assert found(tmp_path) == [("replayed", place(folder))]


# -- the ledger ----------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize(
    "members",
    [
        {"fields": {}},
        {"sealed_at": "2026-01-01T00:00:00.000Z"},
        {"count": 99},
        {"count": 3},
        {"previous": "f" * 64},
        {"previous": "0" * 64},
        {"manifest": "0" * 64},
        {"record": "other"},
        {"path": "2026-10-01/other"},
        {"path": "../../etc"},
        {"supersedes": 1},
        {"journal": 3},
    ],
    ids=str,
)
def test_an_edited_line_is_named(outputs: Path, at: int, members: dict[str, object]) -> None:
    lines = raw(outputs)
    changed = forged(lines, at, **members)
    if changed == lines[at]:
        return
    write(outputs, [*lines[:at], changed, *lines[at + 1 :]])
    assert found(outputs) == [("line-edited", f"ledger.jsonl line {at + 1}")]


@pytest.mark.parametrize("at", range(LINES))
@pytest.mark.parametrize("text", [b"\n", b"{}\n", b"null\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_a_damaged_line_is_named(outputs: Path, at: int, text: bytes) -> None:
    lines = raw(outputs)
    write(outputs, [*lines[:at], text, *lines[at + 1 :]])
    assert found(outputs) == [("line-edited", f"ledger.jsonl line {at + 1}")]


def test_no_byte_of_the_ledger_can_be_another_unseen(outputs: Path) -> None:
    content = (outputs / "ledger.jsonl").read_bytes()
    unseen = []
    for at in range(0, len(content), 7):
        for flip in (1, 0x20):
            (outputs / "ledger.jsonl").write_bytes(
                content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :]
            )
            kinds = {kind for kind, _ in found(outputs)}
            if "line-edited" not in kinds and content[at] != 10:
                unseen.append((at, flip, kinds))
            assert kinds, at
    assert unseen == []


@pytest.mark.parametrize("at", range(LINES - 1))
def test_a_deleted_line_is_named(outputs: Path, at: int) -> None:
    lines = raw(outputs)
    write(outputs, [*lines[:at], *lines[at + 1 :]])
    assert found(outputs) == [("line-deleted", f"ledger.jsonl line {at + 1}")]


def test_several_deleted_lines_are_one_finding(outputs: Path) -> None:
    lines = raw(outputs)
    write(outputs, [lines[0], *lines[3:]])
    (finding,) = verify(outputs).findings
    assert (finding.kind, finding.detail) == (FlawKind.LINE_DELETED, "numbers 2 to 3 are not there before it")


@pytest.mark.parametrize("at", range(LINES + 1))
@pytest.mark.parametrize("kind", ["repeated", "fitting", "not fitting"])
def test_an_inserted_line_is_named(outputs: Path, at: int, kind: str) -> None:
    lines = raw(outputs)
    strange = {"record": "forged", "path": "2026-10-01/forged"}
    previous = hash_of(lines[at - 1]) if at else "0" * 64
    inserted = {
        "repeated": lines[(at + 2) % LINES],
        "fitting": forged(lines, 0, count=at + 1, previous=previous, **strange),
        "not fitting": forged(lines, 0, count=77, previous="e" * 64, **strange),
    }[kind]
    write(outputs, [*lines[:at], inserted, *lines[at:]])
    if (kind, at) == ("fitting", LINES):
        # It hangs at the end as a line of a seal that was stopped before the head does; its record tells.
        assert found(outputs) == [("record-missing", "2026-10-01/forged")]
    elif kind == "repeated":
        assert {k for k, _ in found(outputs)} <= {"line-inserted", "line-reordered"}
        assert "line-inserted" in {k for k, _ in found(outputs)}
    else:
        assert found(outputs) == [("line-inserted", f"ledger.jsonl line {at + 1}")]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 4), (0, 5), (4, 5)])
def test_reordered_lines_are_named(outputs: Path, one: int, other: int) -> None:
    lines = raw(outputs)
    lines[one], lines[other] = lines[other], lines[one]
    write(outputs, lines)
    assert found(outputs) == [
        ("line-reordered", f"ledger.jsonl line {one + 1}"),
        ("line-reordered", f"ledger.jsonl line {other + 1}"),
    ]


@pytest.mark.parametrize("kept", range(LINES))
def test_a_cut_tail_is_named(outputs: Path, kept: int) -> None:
    write(outputs, raw(outputs)[:kept])
    assert found(outputs) == [("tail-cut", "ledger.jsonl")]


def test_a_tail_cut_in_the_middle_of_a_line_is_named(outputs: Path) -> None:
    content = (outputs / "ledger.jsonl").read_bytes()
    for cut in (1, 5, 300):
        (outputs / "ledger.jsonl").write_bytes(content[:-cut])
        assert found(outputs) == [("tail-cut", "ledger.jsonl")]


def test_a_missing_ledger_is_a_cut_tail(outputs: Path) -> None:
    (outputs / "ledger.jsonl").unlink()
    assert found(outputs) == [("tail-cut", "ledger.jsonl")]


@pytest.mark.parametrize("kept", range(LINES - 1))
def test_a_tail_cut_together_with_its_head_is_known_from_the_records(outputs: Path, kept: int) -> None:
    write(outputs, raw(outputs)[:kept], head=True)
    assert found(outputs) == [("tail-cut", "ledger.jsonl")]


@pytest.mark.parametrize("kept", range(LINES))
def test_an_old_archive_put_back_is_named_against_a_head_noted_elsewhere(outputs: Path, kept: int) -> None:
    noted = head_of(outputs)
    lines = raw(outputs)[:kept]
    there = {json.loads(line)["path"] for line in lines}
    write(outputs, lines, head=True)
    for folder in folders(outputs):
        if place(folder) not in there:
            shutil.rmtree(folder)
    kinds = {kind for kind, _ in found(outputs, noted)}
    assert "old-ledger" in kinds
    assert kinds <= {"old-ledger", "tail-cut"}


def test_a_ledger_that_was_written_anew_has_another_history_than_the_noted_head(tmp_path: Path) -> None:
    archive(tmp_path / "one")
    noted = head_of(tmp_path / "one")
    archive(tmp_path / "other", 8)
    assert found(tmp_path / "other") == []
    assert found(tmp_path / "other", noted) == [("rewritten", "ledger.jsonl")]


@pytest.mark.parametrize("at", range(LINES))
def test_an_edit_with_the_whole_chain_and_head_computed_anew_is_known_from_the_records(
    outputs: Path, at: int
) -> None:
    lines = raw(outputs)
    fields = {**json.loads(lines[at])["fields"], "operator": "somebody else"}
    lines[at] = forged(lines, at, fields=fields)
    for later in range(at + 1, LINES):
        lines[later] = forged(lines, later, previous=hash_of(lines[later - 1]))
    noted = head_of(outputs)
    write(outputs, lines, head=True)
    kinds = {kind for kind, _ in found(outputs)}
    assert kinds == {"line-edited"}
    assert "rewritten" in {kind for kind, _ in found(outputs, noted)}


@pytest.mark.parametrize(
    "text", ["", "6", "6:", "x", "6:" + "g" * 64, "06:" + "a" * 64, "6:" + "a" * 64, "5:" + "a" * 64, None]
)
def test_a_wrong_head_is_named(outputs: Path, text: str | None) -> None:
    if text is None:
        (outputs / "ledger.head").unlink()
    else:
        (outputs / "ledger.head").write_text(text)
    assert found(outputs) == [("head-wrong", "ledger.head")]


def test_an_old_head_is_named_and_one_that_is_a_line_behind_is_a_note(outputs: Path) -> None:
    lines = raw(outputs)
    for count in range(1, LINES):
        (outputs / "ledger.head").write_text(f"{count}:{hash_of(lines[count - 1])}\n")
        report = verify(outputs)
        behind = count == LINES - 1
        assert [finding.kind for finding in report.findings] == ([] if behind else [FlawKind.HEAD_WRONG])
        assert len(report.notes) == behind


# -- sealing on does not hide anything -----------------------------------------------------------


def test_sealing_after_a_cut_neither_stops_nor_hides_it(outputs: Path) -> None:
    write(outputs, raw(outputs)[:3])
    sealed(outputs, 50)
    sealed(outputs, 51)
    assert ("tail-cut", "ledger.jsonl line 4") in found(outputs)
    told = read_manifest(
        (outputs / "2026-10-01" / "000050Z-force_power_off-web-01-00000032/manifest.json").read_bytes()
    )
    assert told.place.head_was is not None


@pytest.mark.parametrize("text", [None, "nonsense \x1b[2J", "2:" + "a" * 64])
def test_sealing_after_the_head_was_changed_neither_stops_nor_hides_it(
    outputs: Path, text: str | None
) -> None:
    (outputs / "ledger.head").unlink()
    if text is not None:
        (outputs / "ledger.head").write_text(text)
    sealed(outputs, 50)
    assert found(outputs) == [("head-wrong", f"ledger.jsonl line {LINES + 1}")]


def test_sealing_after_the_last_line_was_damaged_neither_stops_nor_hides_it(outputs: Path) -> None:
    write(outputs, [*raw(outputs)[:-1], b"damaged\n"])
    sealed(outputs, 50)
    assert ("line-edited", f"ledger.jsonl line {LINES}") in found(outputs)


@given(st.data())
def test_no_mixture_of_changes_to_the_ledger_goes_unseen(untouched: Path, data: st.DataObject) -> None:
    before = (untouched / "ledger.jsonl").read_bytes()
    lines = before.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["delete", "double", "swap", "edit", "forge", "cut"])):
            case "delete" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "edit":
                lines[at] = lines[at].replace(b"web-01", b"web-02")
            case "forge":
                previous = hash_of(lines[at - 1]) if at else "0" * 64
                lines[at] = lines[at].replace(lines[at][200:240], previous.encode()[:40])
            case "cut":
                lines = lines[: at + 1]
    try:
        (untouched / "ledger.jsonl").write_bytes(b"".join(lines))
        assert bool(found(untouched)) is (b"".join(lines) != before)
    finally:
        (untouched / "ledger.jsonl").write_bytes(before)
