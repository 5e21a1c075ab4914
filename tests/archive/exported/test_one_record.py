"""One exported record, checked by itself: what it can vouch for, and that a changed byte ends all of it."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive.made import allowed, archive, key
from tests.commands import command
from vergeos_nb.archive.export.exporting import ENVELOPE, as_zip
from vergeos_nb.archive.exported.one_record import GUIDES, Evidence, Trust, check_one
from vergeos_nb.archive.exported.sayings import Open, not_vouched, vouched
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger.ledger import read_head
from vergeos_nb.archive.ledger.ledger_lines import Digest
from vergeos_nb.archive.ledger.manifest import read_manifest
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.errors import RecordNotFound, UsageError

DAY = "2026-10-01"
RECORD = "000005Z-force_power_off-web-01-00000005"
PATH = f"{DAY}/{RECORD}"
SIG = "manifest.json.sig"
FILES = "the 4 files of the record are those that manifest.json names by SHA-256, and no other"
# The journals of these tests are not closed.
JOURNAL = "the journal is whole: its 2 lines are numbered without a gap"
LEDGER = (
    "number 6 of the ledger.jsonl in this export seals exactly this record, and each of its 6 lines holds "
    "the hash of the line before"
)
ENDED = Open("how the run ended: journal.jsonl does not confirm record.json, because it has no end")
ALONE = Open(
    "that no record is missing beside this one", "run `vergeos-nb audit verify` over the whole archive"
)
A_KEY = "give --allowed-signers FILE that names the key, from a source that you trust"
OWN_LEDGER = Open(
    "that the ledger.jsonl in this export is the archive's own, and not made for this export",
    "give --expect-head with a head of that archive that was noted elsewhere",
)


def exported(tmp_path: Path, signer: Signer | None, statement_of: Signer | None = None) -> Path:
    """The zip of the newest of five records."""
    archive(tmp_path / "outputs", signer=signer)
    entry = Index(tmp_path / "outputs").find(Query())[-1]
    target = tmp_path / "export.zip"
    target.write_bytes(as_zip(tmp_path / "outputs", entry, None, statement_of or signer))
    return target


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return key(tmp_path)


@pytest.fixture
def export(tmp_path: Path, signer: Signer) -> Path:
    """A signed export, unpacked."""
    with zipfile.ZipFile(exported(tmp_path, signer)) as file:
        file.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / RECORD


def trusting(tmp_path: Path, *signers: Signer) -> Trust:
    return Trust(allowed=read_allowed_signers(allowed(tmp_path / "trusted", *signers)))


def said(path: Path, trust: Trust) -> tuple[tuple[str, ...], tuple[Open, ...]]:
    evidence = check_one(path, trust)
    return vouched(evidence, trust), not_vouched(evidence, trust)


def wrong(evidence: Evidence) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.where) for finding in evidence.findings]


def sealed_at(export: Path) -> Open:
    told = json.loads((export / PATH / "manifest.json").read_bytes())["sealed_at"]
    return Open(
        f"that it was sealed at {told}: the clock of its machine said so",
        "run `vergeos-nb audit timestamp` in the archive after each seal, and verify it with --tsa-certs",
    )


def guides(*names: str) -> Open:
    how = "compare them with those of an export that you made yourself"
    return Open(f"{', '.join(names)}: these files lie beside the record", how)


def test_a_signed_export_is_vouched_for_by_its_sealer_and_its_exporter(
    tmp_path: Path, signer: Signer, export: Path
) -> None:
    trust = Trust(
        read_head((tmp_path / "outputs" / "ledger.head").read_text().strip()),
        trusting(tmp_path, signer).allowed,
    )
    head = str(trust.head)
    expected = (
        (
            FILES,
            JOURNAL,
            LEDGER,
            f"this ledger.jsonl is the one whose head was noted, {head[:14]}…",
            "jo@example.com signed the record when it was sealed",
            "jo@example.com signed the statement of this export, which names exactly these files",
        ),
        (ENDED, ALONE, sealed_at(export), guides("README.md", ".gitattributes", "verify-by-hand.md")),
    )
    assert said(tmp_path / "export.zip", trust) == expected
    assert said(export, trust) == expected
    assert said(export.parent, trust) == expected


def test_without_a_key_nobody_says_who_sealed_and_who_exported_it(
    tmp_path: Path, signer: Signer, export: Path
) -> None:
    who = signer.fingerprint()
    assert said(tmp_path / "export.zip", Trust()) == (
        (FILES, JOURNAL, LEDGER),
        (
            ENDED,
            Open(f"who sealed it: the key {who} did, and you have not said whose it is", A_KEY),
            Open(f"who exported it: the key {who} did, and you have not said whose it is", A_KEY),
            OWN_LEDGER,
            ALONE,
            sealed_at(export),
            guides("README.md", ".gitattributes", "verify-by-hand.md"),
        ),
    )


UNSIGNED = Open(
    "who sealed it: the record is not signed",
    "set VERGEOS_NB_SIGNING_KEY before the next run: no later signature says who sealed this one",
)


def test_the_record_of_an_unsigned_archive_says_so(tmp_path: Path) -> None:
    path = exported(tmp_path, None)
    assert said(path, Trust()) == (
        (FILES, JOURNAL, LEDGER),
        (
            ENDED,
            UNSIGNED,
            Open(
                "who exported it: no statement was checked",
                "have it exported with VERGEOS_NB_SIGNING_KEY set",
            ),
            OWN_LEDGER,
            ALONE,
            sealed_at(tmp_path / "outputs"),
            guides("README.md", ".gitattributes", "verify-by-hand.md"),
        ),
    )
    trust = trusting(tmp_path, key(tmp_path, "kim"))
    assert wrong(check_one(path, trust)) == [("unsigned", "ledger.jsonl")]


def test_a_copied_folder_vouches_for_its_files_and_not_for_the_ledger(tmp_path: Path) -> None:
    exported(tmp_path, None)
    copy = tmp_path / "mail" / "what they sent"
    shutil.copytree(tmp_path / "outputs" / PATH, copy)
    how = "export the record with --format zip, which adds the ledger, or verify the archive itself"
    expected = (
        (FILES, JOURNAL),
        (
            ENDED,
            UNSIGNED,
            Open("that the archive's ledger has this record, as number 6", how),
            ALONE,
            sealed_at(tmp_path / "outputs"),
        ),
    )
    assert said(copy, Trust()) == expected
    assert said(copy.parent, Trust()) == expected
    trust = trusting(tmp_path, key(tmp_path, "kim"))
    assert wrong(check_one(copy, trust)) == [("unsigned", PATH)]


def another_statement(export: Path) -> None:
    """The statement of another record, signed by the same key."""
    outputs = export.parents[1] / "outputs"
    entry = Index(outputs).find(Query())[0]
    content = as_zip(outputs, entry, None, Signer(export.parents[1] / "jo"))
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        (export / ENVELOPE).write_bytes(file.read(f"{entry.record}/{ENVELOPE}"))


def unsigned_statement(export: Path) -> None:
    told = json.loads((export / ENVELOPE).read_bytes())
    text = json.dumps({**told, "signatures": []}, separators=(",", ":"))
    (export / ENVELOPE).write_text(text + "\n")


def linked(export: Path) -> None:
    page = export / PATH / "notebook.html"
    page.rename(export.parent / "page")
    page.symlink_to(export.parent / "page")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda e: (e / PATH / "notebook.html").write_text("x"), ("file-changed", f"{PATH}/notebook.html")),
        (lambda e: (e / PATH / "notes.txt").write_text("x"), ("file-added", f"{PATH}/notes.txt")),
        (lambda e: (e / "notes.txt").write_text("x"), ("file-added", "notes.txt")),
        (lambda e: (e / DAY / "notes.txt").write_text("x"), ("file-added", f"{DAY}/notes.txt")),
        (lambda e: (e / PATH / "record.json").unlink(), ("file-missing", f"{PATH}/record.json")),
        (lambda e: (e / PATH / "manifest.json").unlink(), ("manifest-missing", f"{RECORD}/manifest.json")),
        (lambda e: (e / PATH / SIG).unlink(), ("signature-missing", f"{PATH}/{SIG}")),
        (lambda e: (e / PATH).rename(e / DAY / "other"), ("swapped", f"{DAY}/other")),
        (lambda e: (e / "ledger.head").unlink(), ("head-wrong", "ledger.head")),
        (lambda e: (e / "link").symlink_to("/etc/passwd"), ("link", "link")),
        (linked, ("file-changed", PATH)),
        (another_statement, ("statement-wrong", ENVELOPE)),
        (unsigned_statement, ("signature-wrong", ENVELOPE)),
    ],
    ids=[
        "a byte", "a file more", "a file more beside it", "a file more beside its folder", "a file less",
        "no manifest", "no signature", "renamed", "no head", "a link beside it", "a link in it",
        "a swapped statement", "a statement that nobody signed",
    ],
)  # fmt: skip
def test_a_changed_export_is_not_vouched_for(
    export: Path, change: Callable[[Path], object], expected: tuple[str, str]
) -> None:
    change(export)
    evidence = check_one(export, Trust())
    assert expected in wrong(evidence)
    assert (vouched(evidence, Trust()), not_vouched(evidence, Trust())) == (
        (),
        (Open("anything in it, because something was changed", "get the record again"),),
    )


def test_a_key_that_is_not_trusted_ends_it(tmp_path: Path, signer: Signer) -> None:
    kim = key(tmp_path, "kim")
    path = exported(tmp_path, signer, statement_of=kim)
    assert wrong(check_one(path, trusting(tmp_path, signer))) == [("signer-unknown", ENVELOPE)]
    assert ("signer-unknown", f"{PATH}/manifest.json.sig") in wrong(check_one(path, trusting(tmp_path, kim)))
    assert wrong(check_one(path, trusting(tmp_path, signer, kim))) == []


def test_whatever_byte_is_changed_its_file_is_not_vouched_for(
    tmp_path: Path, signer: Signer, export: Path
) -> None:
    rng = random.Random(15)
    trust = trusting(tmp_path, signer)
    files = sorted(path for path in export.rglob("*") if path.is_file())
    assert len(files) > 12
    for path in files:
        content = path.read_bytes()
        ends = {0, 1, len(content) - 2, len(content) - 1}
        for at in sorted(ends | {rng.randrange(len(content)) for _ in range(6)}):
            flipped = content[at] ^ (1 << rng.randrange(8))
            path.write_bytes(content[:at] + bytes([flipped]) + content[at + 1 :])
            yes, no = said(export, trust)
            if path.name in GUIDES:
                assert (path.name in " ".join(yes), path.name in no[-1].what) == (False, True)
            else:
                assert (path.name, at, flipped, yes) == (path.name, at, flipped, ())
        path.write_bytes(content)


def test_a_record_of_the_archive_that_disagrees_with_its_manifest_is_found(tmp_path: Path) -> None:
    """A record whose files and hashes fit each other, and whose record.json tells another run."""
    exported(tmp_path, None)
    folder = tmp_path / "outputs" / PATH
    told = json.loads((folder / "record.json").read_text())
    content = json.dumps({**told, "operator": "kim"}).encode()
    (folder / "record.json").write_bytes(content)
    manifest = read_manifest((folder / "manifest.json").read_bytes())
    manifest.files["record.json"] = Digest.of(content)
    (folder / "manifest.json").write_bytes(manifest.encoded())
    assert wrong(check_one(folder, Trust())) == [("disagrees", f"{PATH}/record.json")]


def test_what_holds_no_record_or_many_is_said(tmp_path: Path) -> None:
    exported(tmp_path, None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordNotFound, match="it holds no record"):
        check_one(tmp_path / "empty", Trust())
    with pytest.raises(UsageError, match="it holds 5 records, not one"):
        check_one(tmp_path / "outputs", Trust())
    with pytest.raises(UsageError, match="there is no file or folder"):
        check_one(tmp_path / "nowhere", Trust())
    # Holds off: a pipe was waited for without end.
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="there is no file or folder"):
        check_one(tmp_path / "pipe", Trust())


def test_the_command_says_it_in_sentences_and_in_json(tmp_path: Path) -> None:
    path = exported(tmp_path, None)
    done = command("audit", "verify", str(path))
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[:3]) == (
        0,
        [
            "· not here: 4 other records of the ledger",
            f"✔ {RECORD}: everything in it is as it was sealed.",
            f"  Vouched for: {FILES}.",
        ],
    )
    with zipfile.ZipFile(path) as file:
        file.extractall(tmp_path)
    assert command("audit", "verify", ".", cwd=tmp_path / RECORD).stdout == done.stdout
    assert f"  Not vouched for: {ALONE.what} (to have it, {ALONE.to_have_it})." in lines
    yes, no = said(path, Trust())
    done = command("audit", "verify", str(path), "--json")
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {
            "record": RECORD,
            "vouched": list(yes),
            "not_vouched": [{"what": one.what, "to_have_it": one.to_have_it} for one in no],
            "findings": [],
            "notes": ["not here: 4 other records of the ledger"],
            "exit_code": 0,
        },
    )
    folder = tmp_path / "outputs" / PATH
    (folder / "notebook.html").write_text("x")
    done = command("audit", "verify", str(folder))
    assert (done.returncode, done.stdout.splitlines()) == (
        3,
        [
            f"✘ file-changed  {PATH}/notebook.html: it is not as it was sealed",
            f"✘ {RECORD}: 1 wrong. Keep a copy as it is.",
            "  Not vouched for: anything in it, because something was changed "
            "(to have it, get the record again).",
        ],
    )
    assert command("audit", "verify", str(path), "--only", RECORD).returncode == 2
    assert command("audit", "verify", str(tmp_path / "nowhere")).returncode == 2
    assert command("audit", "verify", str(tmp_path / "jo")).returncode == 2
