"""The table of scenarios in docs/simulator.md, made from their declarations.

``python -m tests.simulator.scenario_table`` writes it anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from vergeos_nb.simulator import list_scenarios

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"
HEAD = "| scenario | what happens |\n|---|---|\n"


def with_table(page: str) -> str:
    """The page with its table as the scenarios are declared now."""
    rows = "".join(f"| `{name}` | {text} |\n" for name, text in list_scenarios().items())
    return re.sub(rf"{re.escape(HEAD)}(\|.*\n)*", lambda _: HEAD + rows, page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
