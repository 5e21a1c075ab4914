"""A run at a person's pace on paper and on the screen: two pages, and no more than a reader takes in."""

from __future__ import annotations

import hashlib
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.at_night import at_night
from tests.chromium import needs_chromium
from tests.pdf_text import pages_of
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.archive.export.pdf import as_pdf
from vergeos_nb.procedure.runbooks.force_power_off import STEPS
from vergeos_nb.simulator.scenarios.declared import SCENARIOS

ROWS = """() => [...document.querySelectorAll('tbody tr')].filter(row => row.offsetHeight)
  .map(row => [...row.cells].map(cell => cell.innerText).filter(text => text.trim()))"""


# Of those whose pages are the longest: each method is sent, and the VM lives.
LONGEST = "zombie"


def paced_run(scenario: str, outputs: Path) -> Path:
    """The record of a run up the whole ladder, with a pause before each step."""
    run = Rehearsal(scenario, outputs)
    # As often as a run reads that nobody told otherwise: the readings fill pages.
    paced = {**LADDER, "poll_s": 2.0}
    digest = run.run(**paced).fact("plan_digest")
    before = {step.id: (lambda: run.clock.sleep(14.0)) for step in STEPS}
    why = {"approver": "Jo", "operator": "ada", "ticket": "INC-7", "reason": "it hangs since the backup"}
    run.run(finish=True, before=before, approve=digest or "", **why, **paced)
    return run.folder


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run over a stuck VM."""
    return paced_run("stuck", tmp_path_factory.mktemp("paced"))


def packed(text: str) -> str:
    """As a PDF's letters are compared: without blanks and ligatures."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@pytest.fixture(scope="module")
def printed(by_hand: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The text of each page, without and with the appendix."""
    file = tmp_path_factory.mktemp("printed") / "x.pdf"
    texts = []
    for appendix in (False, True):
        file.write_bytes(as_pdf(by_hand / "notebook.html", appendix=appendix))
        texts.append([packed(page) for page in pages_of(file)])
    return texts


@needs_chromium
def test_a_run_by_hand_prints_on_two_pages_and_its_appendix_on_at_most_eight_more(
    printed: list[list[str]],
) -> None:
    """It was 50 pages, about 32 of them tables of API calls."""
    short, long = printed
    assert len(short) == 2
    assert len(long) <= 10
    assert "poll_s=2.0" not in "".join(short)
    assert "poll_s=2.0" in "".join(long)


@needs_chromium
def test_every_page_says_which_record_it_is_of_and_which_page(
    by_hand: Path, printed: list[list[str]]
) -> None:
    digest = hashlib.sha256((by_hand / "journal.jsonl").read_bytes()).hexdigest()
    for pages in printed:
        for number, page in enumerate(pages, start=1):
            wanted = (f"page{number}of{len(pages)}", by_hand.name, f"journalSHA-256{digest}")
            assert [words for words in wanted if words not in page] == []


@needs_chromium
def test_no_row_is_cut_in_two(browser: Any, by_hand: Path, printed: list[list[str]]) -> None:
    page = browser.new_context(offline=True).new_page()
    page.goto((by_hand / "notebook.html").as_uri())
    page.emulate_media(media="print")
    for ticked, pages in zip((False, True), printed, strict=True):
        page.evaluate("ticked => { document.getElementById('appendix').checked = ticked }", ticked)
        rows = page.evaluate(ROWS)
        assert len(rows) > 20
        cut = [row for row in rows if not any(all(packed(cell) in text for cell in row) for text in pages)]
        assert cut == []


@needs_chromium
@pytest.mark.parametrize(
    "scenario",
    [LONGEST, *(at_night(name) for name in SCENARIOS if name != LONGEST)],
)
def test_a_run_by_hand_is_no_longer_than_its_story_whatever_it_met(
    browser: Any, tmp_path: Path, scenario: str
) -> None:
    """The page had 13,938 px and half a megabyte, most of it readings that had changed nothing."""
    folder = paced_run(scenario, tmp_path / "outputs")
    page = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True).new_page()
    page.goto((folder / "notebook.html").as_uri())
    sizes = {name: (folder / name).stat().st_size for name in ("notebook.html", "notebook.ipynb")}
    heights = page.evaluate(
        "[document.querySelector('.celltag_record-banner').getBoundingClientRect().bottom,"
        " document.documentElement.scrollHeight]"
    )
    printed = []
    for appendix in (False, True):
        (tmp_path / "x.pdf").write_bytes(as_pdf(folder / "notebook.html", appendix=appendix))
        printed.append(len(pages_of(tmp_path / "x.pdf")))
    found = (*heights, *sizes.values(), *printed)
    most = (800, 4000, 150_000, 200_000, 2, 10)
    assert [f"{one} of {limit}" for one, limit in zip(found, most, strict=True) if one > limit] == []


@needs_chromium
def test_no_word_of_the_evidence_is_broken_on_paper(browser: Any, by_hand: Path) -> None:
    """Holds off: a narrow column read "silen t" and "machine_stat us"."""
    page = browser.new_context(viewport={"width": 703, "height": 1000}, offline=True).new_page()
    page.goto((by_hand / "notebook.html").as_uri())
    page.emulate_media(media="print")
    lines = page.evaluate(
        """() => [...document.querySelectorAll('[aria-label^="Evidence"] tbody tr')]
          .filter(e => e.offsetHeight).flatMap(row => [row.cells[0], row.cells[1]]).map(cell => {
            const range = document.createRange(); range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size })"""
    )
    assert len(lines) > 20
    assert set(lines) == {1}
