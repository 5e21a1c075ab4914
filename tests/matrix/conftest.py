"""Thousands of runs in a minute, and how many cells of the matrix they were."""

from __future__ import annotations

import os
import ssl
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each run does anew and what has tests of its own elsewhere is done once: syncing the disk, reading
    the machine's authorities, asking for the versions of packages."""
    from vergeos_nb.audit import opening

    versions, tls = opening._versions(), ssl.create_default_context()
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr("vergeos_nb.audit.opening._versions", lambda: versions)
    monkeypatch.setattr("vergeos_nb.client.wire.tls_context", lambda profile, network: tls)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests say they went through."""
    counted: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    if name.startswith("cells: "):
                        counted[name] = counted.get(name, 0) + value
    for name, count in sorted(counted.items()):
        terminalreporter.write_line(f"{name.removeprefix('cells: ')}: {count} cells")
