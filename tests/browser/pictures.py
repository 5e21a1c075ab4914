"""The pictures of README, made from a real run: ``python -m tests.browser.pictures``."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser

from tests.browser.clicks import approve, click_through, finish, up_to_the_plan
from tests.browser.conftest import lab_at, notebook_in
from tests.browser.labpage import LabPage
from tests.chromium import chromium
from tests.served import served

DOCS = Path(__file__).parents[2] / "docs"
# The procedure with its own waits takes a minute; these are long enough to be seen in the timeline.
WAITS = {"poweroff_wait_s": 6, "kill_wait_s": 6, "settle_s": 4}


def cut(path: Path, colours: int = 128) -> None:
    """Make a screenshot small: a palette is enough for pages of text."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(colours)
    small.save(path, optimize=True)


def live_notebook(page: LabPage) -> None:
    """The card on which the plan is approved, and the step before it that has become evidence."""
    page.page.get_by_role("tab", name="File Browser").first.click()
    page.tick_all(".vnb-approval", 3)
    card = page.page.locator(".vnb-approval")
    card.get_by_label("Reason").fill("hangs since 02:40, Power Off did nothing")
    card.get_by_label("Ticket").fill("INC-4711")
    card.get_by_label("Type the VM's name").fill("web-01")
    card.scroll_into_view_if_needed()
    page.page.screenshot(path=str(DOCS / "live-notebook.png"))


def record_page(browser: Browser, folder: Path) -> None:
    """The top of a record's page: what came out, and the run in one picture."""
    page = browser.new_context(viewport={"width": 1100, "height": 900}, offline=True).new_page()
    page.goto((folder / "notebook.html").as_uri())
    page.screenshot(path=str(DOCS / "record-page.png"))


def refused(page: LabPage) -> None:
    """The last step over a living process."""
    page.page.get_by_role("tab", name="File Browser").first.click()
    page.run_all()
    up_to_the_plan(page)
    approve(page)
    click_through(page, "poweroff", "force")
    page.sees("force", "its process lives")
    page.card("force").scroll_into_view_if_needed()
    page.page.wait_for_timeout(1500)
    page.page.locator(".jp-WindowedPanel-outer").first.screenshot(path=str(DOCS / "live-refused.png"))


def main() -> None:
    """Force a simulated VM off by clicks, be refused over one that lives, and keep three pictures of it."""
    with TemporaryDirectory() as temporary, chromium() as browser:
        place = Path(temporary)
        os.environ["VERGEOS_NB_RUNTIME_DIR"] = str(place / "runtime")
        size = {"width": 1100, "height": 900}
        with lab_at(place) as lab, served("stuck"), notebook_in(lab, browser, "force_power_off_") as make:
            page = make(WAITS, viewport=size)
            page.run_all()
            up_to_the_plan(page)
            live_notebook(page)
            approve(page)
            finish(page)
            (record,) = place.glob("outputs/*/*/notebook.html")
            record_page(browser, record.parent)
        living = place / "living"
        living.mkdir()
        with lab_at(living) as lab, served("zombie"), notebook_in(lab, browser, "force_power_off_") as make:
            refused(make(WAITS, viewport=size))
    for picture in DOCS.glob("*.png"):
        cut(picture)


if __name__ == "__main__":
    main()
