"""How fast a page answers a click, and how smoothly it scrolls. The figures are printed; none is asserted."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.clicks import approve, click_through, finish
from tests.browser.labpage import LabPage
from tests.chromium import needs_chromium
from tests.served import served

Open = Callable[..., LabPage]
pytestmark = [pytest.mark.browser, pytest.mark.nightly, pytest.mark.real_waits, pytest.mark.timeout(400)]
ROUNDS = 8
# From the click to the card that says that its step runs, which the kernel has told the page by then.
ANSWERED = """(card) => new Promise((resolve) => {
  const go = [...card.querySelectorAll('button')].find((one) => one.textContent.includes('Take two'));
  const began = performance.now();
  const seen = () => {
    if (!card.textContent.includes('running for') && !card.textContent.includes('▶ running')) return;
    watcher.disconnect();
    resolve(performance.now() - began);
  };
  const watcher = new MutationObserver(seen);
  watcher.observe(card, { childList: true, subtree: true, characterData: true });
  go.click();
})"""
# Milliseconds of each frame while the notebook is scrolled from its end to its beginning.
FRAMES = """() => new Promise((resolve) => {
  const panel = document.querySelector('.jp-WindowedPanel-outer');
  panel.scrollTop = panel.scrollHeight;
  const frames = [];
  let last = performance.now();
  const step = (now) => {
    frames.push(now - last);
    last = now;
    panel.scrollTop -= 40;
    if (panel.scrollTop > 0 && frames.length < 400) requestAnimationFrame(step);
    else resolve(frames.slice(2));
  };
  requestAnimationFrame(step);
})"""


@needs_chromium
def test_a_click_is_answered_and_a_finished_run_is_scrolled(notebook: Open) -> None:
    with served("stuck"):
        page = notebook({"sample_gap_s": 6.0})
        assert page.run_all()
        click_through(page, "connect", "verify")
        answered = []
        for _ in range(ROUNDS):
            expect(page.card("alive").get_by_role("button", name="Take two readings")).to_be_enabled(
                timeout=60_000
            )
            answered.append(page.card("alive").evaluate(ANSWERED))
            page.press("alive", "Cancel")
            page.shows(".vnb-step-alive", "Cancelled")
        page.press("alive", "Take two readings")
        page.press("plan", "Make the plan")
        approve(page)
        finish(page)
        frames = page.page.evaluate(FRAMES)
    print(
        {
            "a click answered, ms": {
                "median": round(statistics.median(answered)),
                "most": round(max(answered)),
            },
            "frames of a scroll over 11 finished steps, ms": {
                "median": round(statistics.median(frames), 1),
                "95 %": round(sorted(frames)[int(len(frames) * 0.95)], 1),
            },
        }
    )
    assert len(answered) == ROUNDS
