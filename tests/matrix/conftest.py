"""Thousands of runs in a minute."""

from __future__ import annotations

import os
import ssl

import pytest


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each run does anew and what has tests of its own elsewhere is done once: syncing the disk, reading
    the machine's authorities, asking for the versions of packages."""
    from vergeos_nb.journal import header

    versions, tls = header._versions(), ssl.create_default_context()
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setattr("vergeos_nb.journal.header._versions", lambda: versions)
    monkeypatch.setattr("vergeos_nb.client.transport.wire.tls_context", lambda profile, network: tls)
