"""Sealing: what is hashed, what refuses, what is added to the ledger, and what a death leaves."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.archive.made import DAY, NONE, archive, finish_again, key, lines, record, sealed
from tests.at_night import at_night
from tests.rehearsal import API_KEY, PASSWORD
from vergeos_nb.archive.ledger.manifest import FIELDS, Manifest, read_manifest
from vergeos_nb.archive.seal import newest_entries, seal, waits_for_its_seal
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import RecordError
from vergeos_nb.settings import MASK, spellings

FILES = ("journal.jsonl", "notebook.html", "notebook.ipynb", "record.json")


def kinds(outputs: Path) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.where) for finding in verify(outputs).findings]


def place(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def test_reading_an_archive_loads_neither_the_client_nor_jupyter() -> None:
    code = (
        "import sys, vergeos_nb.cli.audit.verify_command, vergeos_nb.cli.audit.list_commands; "
        "print(sorted({'httpx', 'pandas', 'pydantic', 'nbformat', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# -- what is sealed ------------------------------------------------------------------------------


def test_a_manifest_holds_every_file_and_what_people_search_by(tmp_path: Path) -> None:
    folder = record(tmp_path, 1, approval={"approver": "Kim"}, outcome="done")
    sealed_as = seal(folder, NONE)
    content = (folder / "manifest.json").read_bytes()
    assert json.loads(content) == {
        "format": "vergeos-nb/manifest/1",
        "record": folder.name,
        "path": place(folder),
        "sealed_at": sealed_as.sealed_at,
        "ledger": {"count": 1, "previous": "0" * 64, "supersedes": None, "head_was": None},
        "fields": {
            "runbook": "force_power_off",
            "vm": "web-01",
            "vm_key": 41,
            "operator": "jo",
            "approver": "Kim",
            "ticket": "INC-7",
            "outcome": "done",
            "verdict": "off",
            "exit_code": 0,
            "profile": "lab",
            "simulated": True,
            "opened_at": "2026-10-01T12:00:01.000Z",
            "ended_at": "2026-10-01T12:00:01.000Z",
        },
        "signer": None,
        "files": {
            name: {
                "size": (folder / name).stat().st_size,
                "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            }
            for name in FILES
        },
    }
    assert read_manifest(content) == sealed_as


def test_a_ledger_line_holds_the_hash_of_the_line_before_and_of_its_manifest(tmp_path: Path) -> None:
    manifests = [sealed(tmp_path, number) for number in (1, 2, 3)]
    raw = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    told = lines(tmp_path)
    assert [line["count"] for line in told] == [1, 2, 3]
    assert [line["previous"] for line in told] == ["0" * 64, *(sha256(text) for text in raw[:2])]
    assert [line["manifest"] for line in told] == [sha256(m.encoded()) for m in manifests]
    assert [line["fields"] for line in told] == [m.fields for m in manifests]
    assert (tmp_path / "ledger.head").read_text() == f"3:{sha256(raw[2])}\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_refusal_before_any_vm_was_found_is_found_by_the_name_that_was_asked_for(tmp_path: Path) -> None:
    manifest = sealed(tmp_path, 1, vm=None, parameters={"vm_name": "wbe-01"}, outcome="refused")
    assert (manifest.fields["vm"], manifest.fields["vm_key"]) == ("wbe-01", None)


@pytest.mark.parametrize("name", ["half \ud800 pair", "\x1b[2J", "数据", "a\u202eb", "\x00", 'q"\\/'])
def test_whatever_a_vm_is_called_is_sealed_and_verified(tmp_path: Path, name: str) -> None:
    sealed(tmp_path, 1, vm={"name": name, "key": 2**70, "machine": [1.5]}, ticket=1.5, operator={"a": []})
    assert kinds(tmp_path) == []
    assert set(lines(tmp_path)[0]["fields"]) == set(FIELDS)


def test_sealing_again_changes_nothing_where_nothing_has_changed(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    manifests = [seal(folder, NONE) for folder in folders]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert [m.place.count for m in manifests] == [1, 4, 3, 5, 6]


def test_a_record_that_was_finished_again_supersedes_its_line(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    assert [line["supersedes"] for line in lines(tmp_path)] == [None, None, None, 2, None, None]
    assert lines(tmp_path)[3]["record"] == folders[1].name
    assert verify(tmp_path).records == len(folders)


@pytest.mark.parametrize(
    "change",
    [
        lambda journal: journal.replace(b"run 1", b"run 2"),
        lambda journal: journal[:-1],
        lambda journal: b"",
        lambda journal: journal + b'{"n": 3, "event": "step-ended"}\n',
        lambda journal: journal + b"garbage\n",
    ],
)
def test_a_sealed_journal_that_was_changed_is_not_sealed_anew(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    folder = record(tmp_path, 1)
    seal(folder, NONE)
    journal = folder / "journal.jsonl"
    journal.write_bytes(change(journal.read_bytes()))
    with pytest.raises(RecordError, match="line 1 of the ledger"):
        seal(folder, NONE)
    assert (len(lines(tmp_path)), waits_for_its_seal(folder, newest_entries(tmp_path, {folder.name}))) == (
        1,
        False,
    )
    assert kinds(tmp_path) == [("file-changed", f"{place(folder)}/journal.jsonl")]


@pytest.mark.parametrize(
    "added", ['{"n": 3, "at": "x", "event": "settled"}\n', '{"n": 3, "at', "{", '\n{"n": 3']
)
def test_a_sealed_run_that_was_killed_while_it_was_finished_again_waits_for_its_seal(
    tmp_path: Path, added: str
) -> None:
    folder = record(tmp_path, 1)
    seal(folder, NONE)
    with (folder / "journal.jsonl").open("a") as file:
        file.write(added)
    assert kinds(tmp_path) == [("unsealed", place(folder))]
    (folder / "notebook.html").write_text("made anew")
    assert kinds(tmp_path) == [("unsealed", place(folder))]
    assert waits_for_its_seal(folder, newest_entries(tmp_path, {folder.name}))
    seal(folder, NONE)
    assert kinds(tmp_path) == []
    assert not waits_for_its_seal(folder, newest_entries(tmp_path, {folder.name}))


@pytest.mark.parametrize("name", ["journal.jsonl", "record.json"])
def test_what_is_no_finished_record_is_not_sealed(tmp_path: Path, name: str) -> None:
    folder = record(tmp_path, 1)
    (folder / name).unlink()
    with pytest.raises(RecordError, match=f"{name} is not there"):
        seal(folder, NONE)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-10-01"]


@pytest.mark.parametrize("name", [b"\xff", b"\x1b[2J", "a\u202eb".encode(), b"a\nb"])
def test_a_file_whose_name_cannot_be_shown_is_not_sealed(tmp_path: Path, name: bytes) -> None:
    folder = record(tmp_path, 1)
    (folder / os.fsdecode(name)).write_text("")
    with pytest.raises(RecordError, match="a file's name cannot be written down") as error:
        seal(folder, NONE)
    assert error.value.came_back.isprintable()


def test_a_link_is_not_sealed(tmp_path: Path) -> None:
    folder = record(tmp_path, 1)
    (folder / "more").symlink_to("/etc/hostname")
    with pytest.raises(RecordError, match="'more' is a link"):
        seal(folder, NONE)


def test_a_ledger_line_follows_from_its_manifest_alone(tmp_path: Path) -> None:
    folders = archive(tmp_path)
    raw = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    for folder in folders:
        manifest = read_manifest((folder / "manifest.json").read_bytes())
        assert manifest.line() == raw[manifest.place.count - 1]


# -- disks ---------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_ledger_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    folder = record(tmp_path, 9)
    write = os.write

    def full(descriptor: int, content: Any) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "ledger.jsonl":
            write(descriptor, bytes(content)[:40])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(RecordError, match="No space left on device"):
        seal(folder, NONE)
    monkeypatch.undo()
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    assert kinds(tmp_path) == [("unsealed", place(folder))]
    seal(folder, NONE)
    assert kinds(tmp_path) == []


def test_half_a_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content)[:7]))
    sealed(tmp_path, 1)
    sealed(tmp_path, 2)
    assert kinds(tmp_path) == []


def test_a_torn_last_line_is_set_aside_and_named(tmp_path: Path) -> None:
    archive(tmp_path)
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"count":7,"fie')
    assert verify(tmp_path).notes == (
        "ledger.jsonl: its last line was cut off while it was written; the next seal sets it aside",
    )
    sealed(tmp_path, 9)
    report = verify(tmp_path)
    assert (tmp_path / "ledger.torn").read_bytes() == b'{"count":7,"fie\n'
    assert (report.findings, report.lines) == ((), 7)
    assert report.notes == ("ledger.torn: a line that was cut off while it was written was set aside",)


# -- secrets -------------------------------------------------------------------------------------

SECRETS = Scrubber([*spellings(PASSWORD, "admin"), *spellings(API_KEY)])


def embedded() -> dict[str, str]:
    """Texts that hold the password, spelled as it could get into a file."""
    import base64
    import html
    from urllib.parse import quote

    answer = json.dumps({"password": PASSWORD, "n": 1})
    return {
        "as it is": PASSWORD,
        "in JSON": answer,
        "in JSON in JSON": json.dumps({"text": answer}),
        "in HTML": html.escape(PASSWORD),
        "in JSON in HTML": html.escape(answer),
        "in HTML in JSON": json.dumps(html.escape(PASSWORD)),
        "in a URL": quote(PASSWORD, safe=""),
        "in a URL in JSON": json.dumps({"url": f"?p={quote(PASSWORD)}&x"}),
        "in Base64": base64.b64encode(PASSWORD.encode()).decode(),
        "inside longer Base64": base64.b64encode(f"x{PASSWORD}yz".encode()).decode(),
        "inside Base64 for URLs": base64.urlsafe_b64encode(f"xy{PASSWORD}z".encode()).decode(),
        "a Basic header": base64.b64encode(f"admin:{PASSWORD}".encode()).decode(),
        "an API key": f"x{API_KEY}y",
    }


@pytest.mark.parametrize("how", embedded())
@pytest.mark.parametrize("name", FILES)
def test_a_secret_in_any_spelling_is_masked_in_its_place_and_the_record_says_in_which_file(
    tmp_path: Path, how: str, name: str
) -> None:
    """Holds off: one text that others wrote, and evidence of a change that was made is unsealed for ever."""
    folder = record(tmp_path, 1)
    before = (folder / name).read_text()
    if name.endswith((".json", ".ipynb")):
        (folder / name).write_text(json.dumps({**json.loads(before), "said": embedded()[how]}))
    else:
        (folder / name).write_text(f"{before}\n{embedded()[how]}\n")
    seal(folder, SECRETS)
    assert kinds(tmp_path) == []
    sealed_texts = [(folder / file).read_text() for file in FILES]
    assert [form for form in SECRETS.secrets for text in sealed_texts if form in text] == []
    assert json.loads(sealed_texts[3])["masked"] == [name]


def test_a_secret_in_a_files_name_refuses_and_is_not_repeated(tmp_path: Path) -> None:
    folder = record(tmp_path, 1)
    (folder / f"dump-{API_KEY}.txt").write_text("")
    with pytest.raises(RecordError) as error:
        seal(folder, SECRETS)
    assert error.value.came_back == "a secret of this run is in the name of file 1 of 5"
    assert "rename it" in error.value.next_step
    assert [path.name for path in tmp_path.iterdir()] == [DAY]


def test_a_secret_in_what_is_no_text_refuses_because_nothing_can_be_masked_there(tmp_path: Path) -> None:
    folder = record(tmp_path, 1)
    (folder / "screen.png").write_bytes(b"\x89PNG\0" + API_KEY.encode() + b"\0")
    with pytest.raises(RecordError, match="a secret of this run is in screen.png, which is no text"):
        seal(folder, SECRETS)
    (folder / "screen.png").unlink()
    seal(folder, SECRETS)
    assert kinds(tmp_path) == []


TOKENS = [
    ("Authorization: Basic YWRtaW46aHVudGVyMjI=", "YWRtaW46aHVudGVyMjI"),
    ('{"authorization": "Basic YWRtaW46aHVudGVyMjI="}', "YWRtaW46aHVudGVyMjI"),
    ("proxy said Basic YWRtaW46aHVudGVyMjI", "YWRtaW46aHVudGVyMjI"),
    ("Authorization: Bearer 3f2a9c1e77aa45b0", "3f2a9c1e77aa45b0"),
    ('{"headers": {"Authorization": "Bearer eyJhbGciOi.eyJzdWIiOiIxMjM0.c2ln"}}', "eyJzdWIiOiIxMjM0"),
    ("x-yottabyte-token: 8c3d0a71f5e2", "8c3d0a71f5e2"),
    ('[["x-yottabyte-token", "8c3d0a71f5e2"]]', "8c3d0a71f5e2"),
    ('{\\"X-Yottabyte-Token\\": \\"8c3d0a71f5e2\\"}', "8c3d0a71f5e2"),
    ("&quot;x-yottabyte-token&quot;: &quot;8c3d0a71f5e2&quot;", "8c3d0a71f5e2"),
    ("<td>x-yottabyte-token</td><td>8c3d0a71f5e2</td>", "8c3d0a71f5e2"),
    (f"DELETE /sys/tokens/{'3f' * 20}", "3f" * 20),
]


@pytest.mark.parametrize(("text", "token"), TOKENS)
@pytest.mark.parametrize("name", ["notebook.html", "journal.jsonl", "log.txt"])
def test_what_looks_like_a_token_is_masked_though_nobody_knows_it(
    tmp_path: Path, text: str, token: str, name: str
) -> None:
    folder = record(tmp_path, 1)
    line = json.dumps({"n": 3, "at": "x", "event": "note", "text": text}) if name == "journal.jsonl" else text
    with (folder / name).open("a") as file:
        file.write(f"{line}\ntwo\n")
    seal(folder, NONE)
    assert kinds(tmp_path) == []
    assert token not in (folder / name).read_text()
    assert (folder / name).read_text().endswith("\ntwo\n")
    assert json.loads((folder / "record.json").read_text())["masked"] == [name]


def test_a_sealed_journal_stays_as_it_is_when_an_older_version_sealed_what_is_masked_today(
    tmp_path: Path,
) -> None:
    folder = record(tmp_path, 1)
    seal(folder, NONE)
    secret = "run 1"  # which nobody knew to be one when it was sealed
    finish_again(folder)
    seal(folder, Scrubber([secret]))
    assert kinds(tmp_path) == []
    assert secret in (folder / "journal.jsonl").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication and a Bearer authorizationheader are what the platform takes.",
        "The header x-yottabyte-token, nevertheless, is never written down.",
        "Authorization: •••",
        "x-yottabyte-token: •••",
        '{"Authorization": "Basic •••"}',
        f"sha256 {'0123456789abcdef' * 4}",
        "Bearer of this letter: INC-7",
        "basic information: 12 cores",
    ],
)
def test_words_about_tokens_and_hashes_are_no_tokens(tmp_path: Path, text: str) -> None:
    folder = record(tmp_path, 1)
    (folder / "notebook.html").write_text(f"{text}\n")
    seal(folder, NONE)
    assert kinds(tmp_path) == []


@pytest.mark.parametrize("secret", ["2026", "12:0", "abcd", "9e0f", "0000"])
def test_a_short_secret_in_a_digest_an_id_or_a_time_is_chance(tmp_path: Path, secret: str) -> None:
    folder = record(tmp_path, 1)
    (folder / "notebook.html").write_text(f"{'abcd9e0f' * 8} {folder.name} 2026-10-01T12:00:01.000Z\n")
    for name in ("notebook.ipynb", "journal.jsonl"):
        (folder / name).write_text("{}\n")
    seal(folder, Scrubber([secret]))
    assert "masked" not in json.loads((folder / "record.json").read_text())
    other = record(tmp_path, 2)
    (other / "notebook.html").write_text(f"{'abcd9e0f' * 8}\npin={secret}\n")
    seal(other, Scrubber([secret]))
    assert (other / "notebook.html").read_text() == f"{'abcd9e0f' * 8}\npin={MASK}\n"


# -- deaths --------------------------------------------------------------------------------------

CALLS = ("open", "write", "fsync", "replace", "ftruncate", "unlink", "mkdir")


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do something in a child that is killed at its n-th call to the disk; whether it was.

    Calls count before and after they act, and a write also in the middle.
    """
    child = os.fork()
    if child == 0:
        count = 0

        def reached() -> None:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def watched(name: str) -> Callable[..., Any]:
            real = getattr(os, name)

            def call(*arguments: Any, **more: Any) -> Any:
                reached()
                if name == "write" and count + 1 == step:
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    reached()
                answer = real(*arguments, **more)
                reached()
                return answer

            return call

        try:
            for name in CALLS:
                setattr(os, name, watched(name))
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def first_seal(outputs: Path) -> Callable[[], object]:
    folder = record(outputs, 50)
    return lambda: seal(folder, NONE)


def seal_again(outputs: Path) -> Callable[[], object]:
    folder = outputs / "2026-10-01" / "000001Z-force_power_off-web-01-00000001"
    finish_again(folder)
    return lambda: seal(folder, NONE)


def seal_signed(outputs: Path) -> Callable[[], object]:
    if not (signer := Signer(outputs.parent / "jo")).path.exists():
        key(outputs.parent, "jo")
    folder = record(outputs, 50)
    seal(record(outputs, 49), NONE, signer=signer)
    return lambda: seal(folder, NONE, signer=signer)


def seal_after_torn(outputs: Path) -> Callable[[], object]:
    with (outputs / "ledger.jsonl").open("ab") as file:
        file.write(b'{"count":7,"fie')
    return first_seal(outputs)


def seal_in_a_new_archive(outputs: Path) -> Callable[[], object]:
    shutil.rmtree(outputs)
    return first_seal(outputs)


@pytest.mark.parametrize(
    ("begin", "stride"),
    [
        (first_seal, 1),
        # The others take the same steps, and some of their own.
        *((begin, 3) for begin in (seal_again, seal_after_torn, seal_in_a_new_archive)),
        # Each of its many steps makes signatures, too.
        (seal_signed, 8),
        *(at_night(begin, 1) for begin in (seal_again, seal_after_torn, seal_in_a_new_archive, seal_signed)),
    ],
)
def test_killed_at_any_write_of_the_sealing_nothing_sealed_is_lost_and_the_next_seal_mends_it(
    tmp_path: Path, begin: Callable[[Path], Callable[[], object]], stride: int
) -> None:
    archive(tmp_path / "before")
    step = 1
    while True:
        outputs = Path(shutil.copytree(tmp_path / "before", tmp_path / f"at-{step}"))
        work = begin(outputs)
        before = verify(outputs)
        unsealed = {finding.where for finding in before.findings}
        was_killed = dies_at(step, work)
        after = verify(outputs)
        assert {str(finding.kind) for finding in after.findings} <= {"unsealed"}, step
        assert {finding.where for finding in after.findings} <= unsealed, step
        assert after.lines in (before.lines, before.lines + 1), step
        assert bool(after.findings) is (after.lines == before.lines), step
        other = record(outputs, 60)
        seal(other, NONE)
        work()
        assert kinds(outputs) == [], step
        assert verify(outputs).lines == before.lines + 2, step
        shutil.rmtree(outputs)
        if not was_killed:
            break
        step += stride
    assert step > 30


def sealer(outputs: Path, number: int, seconds: int, signer: Signer | None = None) -> None:
    """Seal 12 records, and go on for so many seconds."""
    until = time.monotonic() + seconds
    at = 0
    while at < 12 or time.monotonic() < until:
        seal(record(outputs, number * 100_000 + at), NONE, signer=signer)
        at += 1


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(0, id="12 records each"),
        pytest.param(60, id="for a minute", marks=[pytest.mark.nightly, pytest.mark.timeout(900)]),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
def test_eight_processes_that_seal_at_once_leave_one_whole_chain(
    tmp_path: Path, seconds: int, signed: bool
) -> None:
    outputs = tmp_path / "outputs"
    signer = key(tmp_path) if signed else None
    children = []
    for number in range(8):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                sealer(outputs, number, seconds, signer)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    report = verify(outputs)
    count = len(list(outputs.glob("*/*/journal.jsonl")))
    assert count == 8 * 12 or (seconds and count > 8 * 12)
    assert (report.records, report.lines, report.findings, report.notes) == (count, count, (), ())
    records: list[Manifest] = [read_manifest(path.read_bytes()) for path in outputs.glob("*/*/manifest.json")]
    assert sorted(m.place.count for m in records) == list(range(1, count + 1))
    assert (report.voucher.count if report.voucher else 0) == (count if signed else 0)


def test_verifying_while_others_seal_is_clean(tmp_path: Path) -> None:
    archive(tmp_path)
    child = os.fork()
    if child == 0:
        try:
            sealer(tmp_path, 7, 1)
        finally:
            os._exit(0)
    seen = []
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        seen.append({str(finding.kind) for finding in verify(tmp_path).findings} - {"unsealed"})
    assert [kinds_seen for kinds_seen in seen if kinds_seen] == []
    assert kinds(tmp_path) == []
