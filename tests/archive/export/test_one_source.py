"""Page, notebook, Markdown, PDF, text of an e-mail and ``audit show`` say the same of a run."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from pathlib import Path

import pytest

from tests.archive.export.test_exporting import audit
from tests.chromium import needs_chromium
from tests.pdf_text import pages_of
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.record.run_markdown import told
from vergeos_nb.record.run_summary import summary_of

WHY = {"approver": "Jo", "operator": "ada", "ticket": "INC-7", "reason": "it hangs; the owner agreed"}


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """The sealed record of a run up the whole ladder."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("climbed"))
    digest = run.run(**LADDER).fact("plan_digest")
    run.run(finish=True, approve=digest, **WHY, **LADDER)
    return run


def packed(text: str) -> str:
    """Without blanks and ligatures: lines are broken where a way has no more room."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def facts(run: Rehearsal) -> list[str]:
    """What every way out has to say: verdict, system, headline, advice, and each fact with its name."""
    summary = summary_of(run_state_of(read_journal(run.folder / "journal.jsonl")))
    named = [text for pair in summary.lines for text in pair]
    return [str(summary.badge), summary.system, summary.headline, summary.next_step, *named]


def exported(run: Rehearsal, form: str, folder: Path) -> Path:
    target = folder / f"x.{form}"
    done = audit("export", run.folder.name, "--format", form, "-o", target, "--outputs", run.outputs)
    assert done.exit_code == 0, done.output
    return target


def without(text: str, wanted: list[str]) -> list[str]:
    said = packed(text)
    return [fact for fact in wanted if packed(fact) not in said]


def test_page_notebook_mail_and_terminal_tell_the_same_facts(climbed: Rehearsal, tmp_path: Path) -> None:
    wanted = facts(climbed)
    assert len(wanted) > 30
    page = exported(climbed, "html", tmp_path).read_text()
    assert without(html.unescape(re.sub(r"<[^>]*>", "", page)), wanted) == []
    first = json.loads((climbed.folder / "notebook.ipynb").read_text())["cells"][0]["outputs"][0]["data"]
    assert without("".join(first["text/plain"]), wanted) == []
    assert without(exported(climbed, "txt", tmp_path).read_text(), wanted) == []
    assert without(audit("show", climbed.folder.name, "--outputs", climbed.outputs).output, wanted) == []


def test_markdown_tells_the_same_facts(climbed: Rehearsal, tmp_path: Path) -> None:
    badge, *others = facts(climbed)
    text = exported(climbed, "md", tmp_path).read_text()
    sign, word = badge.split(" ", 1)
    assert text.splitlines()[0] == f"# {sign} force_power_off of web-01: {word}"
    assert without(text, [told(fact) for fact in others]) == []


@needs_chromium
def test_the_pdf_tells_the_same_facts_on_its_first_page(climbed: Rehearsal, tmp_path: Path) -> None:
    first = packed(pages_of(exported(climbed, "pdf", tmp_path))[0])
    assert without(first, facts(climbed)) == []
