"""How a card looks: pictures of it in both themes, and what axe finds wrong there."""

from __future__ import annotations

from typing import Any

from tests.browser.labpage import LabPage


def in_both_themes(page: LabPage, name: str, step: str) -> list[Any]:
    """Keep how this card looks, light and dark; what axe finds wrong in it."""
    from axe_playwright_python.sync_playwright import Axe

    wrong = []
    for theme in ("Dark", "Light"):
        page.theme(theme)
        page.card(step).first.scroll_into_view_if_needed()
        page.shot(f"{name}-{theme.lower()}")
        found = Axe().run(page.page, context={"include": [[f".vnb-step-{step}"]]}).response
        wrong += [
            (theme, one["id"], node["html"][:200]) for one in found["violations"] for node in one["nodes"]
        ]
    return wrong
