"""A person with a mouse at a live notebook, and what it costs: clicks, typed characters, scrolling."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.labpage import PATIENCE_MS, LabPage

# Whether all of an element is in the notebook's panel, below the header that stays in view.
IN_VIEW = """(el) => {
  const page = el.closest('.jp-WindowedPanel-outer').getBoundingClientRect();
  const bar = el.closest('.jp-WindowedPanel-outer').querySelector('.vnb-bar');
  const top = bar ? bar.getBoundingClientRect().bottom : page.top;
  const box = el.getBoundingClientRect();
  return box.top >= top - 1 && box.bottom <= page.bottom + 1;
}"""
HEIGHT = "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
NOTCH_PX = 100


class Person:
    """Clicks and types, scrolls by the wheel when something is not in view, and counts it all."""

    def __init__(self, page: LabPage) -> None:
        self.page = page
        self.clicks = self.typed = self.scrolled_px = 0
        self.out_of_view: list[str] = []

    def click(self, what: Locator, name: str = "") -> None:
        """Click on it as soon as it can be clicked; scroll to it by hand where it is not in view."""
        expect(what).to_be_enabled(timeout=PATIENCE_MS)
        if not what.evaluate(IN_VIEW):
            self.out_of_view.append(name or what.inner_text())
            self._scroll_to(what)
        self.clicks += 1
        what.click()

    def press(self, step: str, name: str) -> None:
        """Click on a button of a card."""
        self.click(self.page.card(step).get_by_role("button", name=name, exact=False), name)

    def type(self, words: str) -> None:
        """Type where the focus is."""
        assert self.page.page.evaluate("() => document.activeElement.matches('input, textarea')")
        self.typed += len(words)
        self.page.page.keyboard.type(words)

    def height(self) -> int:
        """Pixels of the whole notebook."""
        return int(self.page.page.evaluate(HEIGHT))

    def focused(self) -> str:
        """The text of the button, or the label of the field, that has the focus; "" for the page's body."""
        return str(
            self.page.page.evaluate(
                """() => { const on = document.activeElement;
                return on === document.body ? '' : on.labels?.[0]?.textContent || on.textContent; }"""
            )
        )

    def figures(self) -> dict[str, Any]:
        """What it has cost so far."""
        return {
            "clicks": self.clicks,
            "typed characters": self.typed,
            "scrolled by hand, px": self.scrolled_px,
            "not in view when they were wanted": self.out_of_view,
            "notebook, px": self.height(),
        }

    def _scroll_to(self, what: Locator) -> None:
        self.page.page.mouse.move(640, 500)
        for _ in range(100):
            box, height = what.bounding_box(), self.page.page.viewport_size
            assert box is not None
            assert height is not None
            if what.evaluate(IN_VIEW):
                return
            by = NOTCH_PX if box["y"] > height["height"] / 2 else -NOTCH_PX
            self.page.page.mouse.wheel(0, by)
            self.scrolled_px += NOTCH_PX
            self.page.page.wait_for_timeout(50)
