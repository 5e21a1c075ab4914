"""The pinned versions, held against what the project promises about Python."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]


def pins() -> Iterator[Requirement]:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield Requirement(line)


def needs_newer(pin: Requirement, oldest: str) -> bool:
    """Whether the pinned version, if it is the one that is installed, does not take this Python."""
    try:
        found = metadata.metadata(pin.name)
    except metadata.PackageNotFoundError:
        return False
    # Some packages do not say.
    wanted = SpecifierSet(found.get("Requires-Python") or "")
    return pin.specifier.contains(found["Version"], prereleases=True) and not wanted.contains(oldest)


def test_every_pin_can_be_installed_by_the_oldest_python_that_is_promised() -> None:
    # Debian 12 has 3.11.2; with a pin for 3.11.5 and newer `make demo` and `make test` ended there.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = project["requires-python"]
    assert promised == ">=3.11"
    assert [str(pin) for pin in pins() if needs_newer(pin, "3.11.0")] == []


def test_pins_name_versions_and_no_place_to_take_them_from() -> None:
    assert [str(pin) for pin in pins() if not str(pin.specifier).startswith("==") or pin.url] == []
