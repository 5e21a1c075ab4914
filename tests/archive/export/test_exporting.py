"""A record taken out of the archive, and what an auditor can prove with it, offline and elsewhere."""

from __future__ import annotations

import base64
import io
import json
import os
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.archive.made import allowed, archive, key
from tests.archive.verify.test_by_hand import ALLOWED, by_hand
from tests.chromium import needs_chromium
from tests.read_records import HOSTILE, IMG, SCRIPT
from tests.rehearsal import Rehearsal
from vergeos_nb.archive.export import pdf
from vergeos_nb.archive.export.exporting import ENVELOPE, as_zip
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.cli.main import main
from vergeos_nb.errors import RecordError
from vergeos_nb.record.run_markdown import told


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    exit_code: int
    output: str


def audit(*arguments: str | Path) -> Done:
    """``vergeos-nb audit …`` in this process."""
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), pytest.raises(SystemExit) as ended:
        main(["audit", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return Done(ended.value.code, printed.getvalue())


def newest(outputs: Path) -> LedgerEntry:
    return Index(outputs).find(Query())[-1]


@pytest.fixture
def unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of five signed records, exported as a zip and unpacked where nothing else is."""
    signer = key(tmp_path)
    trusted = allowed(ALLOWED.expanduser(), signer)
    archive(tmp_path / "outputs", signer=signer)
    monkeypatch.setenv("VERGEOS_NB_ALLOWED_SIGNERS", str(trusted))
    monkeypatch.setenv("VERGEOS_NB_SIGNING_KEY", str(signer.path))
    entry = Index(tmp_path / "outputs").find(Query(outcome="interrupted"))[0]
    target = tmp_path / "out.zip"
    done = audit("export", entry.record, "--format", "zip", "-o", target, "--outputs", tmp_path / "outputs")
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(target) as file:
        file.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere" / entry.record


def test_a_zip_holds_the_record_and_what_proves_it_and_nothing_of_others(unpacked: Path) -> None:
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    (record,) = unpacked.glob("*/0*")
    own = {name for name in names if name.startswith(f"{record.parent.name}/")}
    assert {name.rpartition("/")[2] for name in own} == {
        "journal.jsonl", "manifest.json", "manifest.json.sig", "notebook.html", "notebook.ipynb",
        "record.json",
    }  # fmt: skip
    heads = {name for name in names if name.startswith("signed/")}
    assert {name.rpartition(".")[2] for name in heads} == {"head", "sig"}
    assert names - own - heads == {
        ".gitattributes", "README.md", "allowed_signers", "ledger.head", "ledger.jsonl",
        "record.intoto.jsonl", "verify-by-hand.md",
    }  # fmt: skip
    assert (
        f"audit verify --outputs . --only {unpacked.name} --allowed-signers"
        in (unpacked / "README.md").read_text()
    )


def test_an_unpacked_zip_verifies_with_the_package(unpacked: Path) -> None:
    arguments = ("--only", unpacked.name, "--allowed-signers", unpacked / "allowed_signers")
    done = audit("verify", "--outputs", unpacked, *arguments)
    assert (done.exit_code, "not here: 4 other records of the ledger" in done.output) == (0, True)
    assert "1 sealed record, 6 ledger lines" in done.output
    assert "signed up to number 6 by jo@example.com" in done.output
    assert audit("verify", "--outputs", unpacked).exit_code == 3


def test_an_unpacked_zip_verifies_by_hand_as_its_own_page_says(unpacked: Path, tmp_path: Path) -> None:
    """Others are missing, so the two blocks that want all records fail, and the one for exports does not."""
    assert by_hand(unpacked, tmp_path) == ["manifests", "nothing"]


def test_by_hand_a_forged_statement_is_found(unpacked: Path, tmp_path: Path) -> None:
    envelope = unpacked / ENVELOPE
    told = json.loads(envelope.read_text())
    payload = base64.b64decode(told["payload"]).replace(b'"interrupted"', b'"done"')
    envelope.write_text(json.dumps({**told, "payload": base64.b64encode(payload).decode()}))
    assert by_hand(unpacked, tmp_path) == ["manifests", "nothing", "statement"]


@pytest.mark.parametrize("name", ["journal.jsonl", "manifest.json", "notebook.html"])
def test_a_changed_or_missing_file_of_an_export_is_found(unpacked: Path, name: str) -> None:
    (path,) = unpacked.glob(f"*/*/{name}")
    path.write_bytes(path.read_bytes() + b" ")
    assert audit("verify", "--outputs", unpacked, "--only", unpacked.name).exit_code == 3
    path.unlink()
    assert audit("verify", "--outputs", unpacked, "--only", unpacked.name).exit_code == 3


def test_an_export_without_its_record_is_found(unpacked: Path) -> None:
    (folder,) = unpacked.glob("*/0*")
    folder.rename(unpacked / "away")
    done = audit("verify", "--outputs", unpacked, "--only", unpacked.name)
    assert (done.exit_code, "record-missing" in done.output) == (3, True)
    assert audit("verify", "--outputs", unpacked, "--only", "no-such").exit_code == 4


def test_a_zip_is_the_same_to_the_byte_whenever_it_is_made(forced: Rehearsal) -> None:
    entry = newest(forced.outputs)
    assert as_zip(forced.outputs, entry) == as_zip(forced.outputs, entry)


def test_the_page_leaves_the_archive_as_it_is_there(forced: Rehearsal, tmp_path: Path) -> None:
    done = audit(
        "export",
        newest(forced.outputs).record,
        "-o",
        tmp_path / "x.html",
        "--outputs",
        forced.outputs,
        "--json",
    )
    assert json.loads(done.output.splitlines()[-1]) == {
        "file": str(tmp_path / "x.html"), "format": "html", "record": forced.folder.name, "exit_code": 0,
    }  # fmt: skip
    assert (tmp_path / "x.html").read_bytes() == (forced.folder / "notebook.html").read_bytes()


def test_nothing_is_exported_into_the_archive_nor_from_a_record_that_was_changed(tmp_path: Path) -> None:
    folders = archive(tmp_path / "outputs")
    record = folders[0].name
    inside = audit("export", record, "-o", folders[0] / "x.html", "--outputs", tmp_path / "outputs")
    assert (inside.exit_code, "inside the archive" in inside.output) == (3, True)
    (folders[0] / "notebook.html").write_text("forged")
    changed = audit("export", record, "-o", tmp_path / "x.html", "--outputs", tmp_path / "outputs")
    assert (changed.exit_code, "file-changed" in changed.output) == (3, True)
    assert not (tmp_path / "x.html").exists()
    assert audit("export", "no-such", "--outputs", tmp_path / "outputs").exit_code == 4


# -- Markdown ------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """What a Markdown renderer made of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # The renderer gives headings a link to themselves.
        if not (tag == "a" and (dict(attrs).get("href") or "").startswith("#")):
            self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def markdown(run: Rehearsal, tmp_path: Path) -> Tags:
    from nbconvert.filters import markdown2html

    path = tmp_path / "ticket.md"
    record = newest(run.outputs).record
    done = audit("export", record, "--format", "md", "-o", path, "--outputs", run.outputs)
    assert done.exit_code == 0, done.output
    return Tags(markdown2html(path.read_text()))


def test_the_ticket_says_what_happened_by_whom_and_what_was_sent(forced: Rehearsal, tmp_path: Path) -> None:
    shown = markdown(forced, tmp_path)
    assert shown.tags >= {"h1", "h2", "table", "th", "code"}
    for words in (
        "✔ force_power_off of web-01: done · verdict off",
        "Forced off, and there is evidence that it is off.",
        'PUT /api/v4/machine_status/46 {"migratable": true, "running": false, "state": "offline"',
        "INC-7",
        "sealed at",
    ):
        assert words in shown.text


def test_hostile_words_are_text_in_a_ticket(hostile: Rehearsal, tmp_path: Path) -> None:
    shown = markdown(hostile, tmp_path)
    assert shown.tags & {"img", "script", "a", "b", "i"} == set()
    assert IMG in shown.text
    assert SCRIPT in shown.text
    # GitHub's Markdown takes the backslash before a table's bar away; this renderer leaves it within code.
    assert HOSTILE["operator"] in shown.text.replace("\\|", "|")
    assert "\u202e" not in shown.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Verdict: off. It took 12.7 s.", "Verdict: off. It took 12.7 s."),
        ("vm_actions", "vm_actions"),
        ("_x_", "`_x_`"),
        ("https://example.com", "`https://example.com`"),
        ("@everyone", "`@everyone`"),
        ("a|b`c", "``a\\|b`c``"),
        ("`x`", "`` `x` ``"),
        ("- x", "`- x`"),
        ("", ""),
    ],
)
def test_words_are_plain_or_code(text: str, expected: str) -> None:
    assert told(text) == expected


# -- PDF -----------------------------------------------------------------------------------------


@needs_chromium
def test_the_page_is_printed_by_a_chromium(forced: Rehearsal, tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    record = newest(forced.outputs).record
    done = audit("export", record, "--format", "pdf", "-o", path, "--outputs", forced.outputs)
    assert done.exit_code == 0, done.output
    content = path.read_bytes()
    assert (content[:5], b"/StructTreeRoot" in content) == (b"%PDF-", True)


def test_without_a_chromium_it_says_how_to_get_one(
    forced: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    record = newest(forced.outputs).record
    done = audit("export", record, "--format", "pdf", "-o", tmp_path / "x.pdf", "--outputs", forced.outputs)
    assert (done.exit_code, "apt-get install chromium-headless-shell" in done.output) == (2, True)
    monkeypatch.setenv("VERGEOS_NB_CHROMIUM", str(tmp_path / "none"))
    done = audit("export", record, "--format", "pdf", "-o", tmp_path / "x.pdf", "--outputs", forced.outputs)
    assert (done.exit_code, "there is no file" in done.output) == (2, True)


def test_a_chromium_that_does_not_end_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: a browser that ran on, because its command is a script."""
    held, program, page = tmp_path / "held", tmp_path / "chromium-headless-shell", tmp_path / "page.html"
    os.mkfifo(held)
    reads = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    program.write_text(f"#!/bin/sh -e\nsh -c 'echo begun; sleep 600' >{held}\n")
    program.chmod(0o700)
    page.write_text("<p>")
    monkeypatch.setenv("VERGEOS_NB_CHROMIUM", str(program))
    monkeypatch.setattr(pdf, "PRINT_S", 0.5)
    with pytest.raises(RecordError, match=r"was not done after 0\.5 s"):
        pdf.as_pdf(page)
    os.set_blocking(reads, True)
    # It comes to an end when no process can write to it any more.
    with os.fdopen(reads) as end:
        assert end.read() in ("begun\n", "")
