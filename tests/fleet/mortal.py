"""A way to the simulator on which a fleet's process dies, and what can become of the disk that it leaves."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.fleet.stuck_fleet import StuckFleet
from vergeos_nb.archive.ledger.ledger import Ledger
from vergeos_nb.fleet.fleet_session import LEASE_S
from vergeos_nb.layout import JOURNAL, MANIFEST


class Mortal:
    """A way to the simulator on which the caller's process dies: nothing gets through afterwards.

    Args:
        dies: asked with every request whether this is the one.
        carried_out: whether the platform carries that one out.

    Attributes:
        left: what was on its disk in that moment, once it has died.
        way: the simulator's own, for whoever lives on.
    """

    def __init__(
        self, fleet: StuckFleet, dies: Callable[[httpx.Request], bool], *, carried_out: bool
    ) -> None:
        self.left: Path | None = None
        self.way = fleet.inner
        self._fleet = fleet
        self._dies = dies
        self._carried_out = carried_out
        # The copy is of one moment: no request is carried out and no record is sealed while it is made.
        self._lock = threading.Lock()
        fleet.inner = self  # type: ignore[assignment]

    def handler(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if self.left is not None:
                raise httpx.ConnectError("dead", request=request)
            if not self._dies(request):
                return self.way.handler(request)
            if self._carried_out:
                self.way.handler(request)
            left = self._fleet.outputs.with_suffix(".left")
            with Ledger(self._fleet.outputs).locked():
                shutil.copytree(self._fleet.outputs, left)
            self.left = left
            raise httpx.ConnectError("dead", request=request)

    def revive(self) -> None:
        """Begin anew with what was on the disk. Leases of the dead have ended by then."""
        if self.left is not None:
            shutil.rmtree(self._fleet.outputs)
            self.left.rename(self._fleet.outputs)
            self.left = None
        self._fleet.stepped.advance(LEASE_S + 1)


def unsealed_with_an_intent(outputs: Path) -> list[Path]:
    """The journals of VMs' runs that a death left, and that hold a changing call."""
    return [
        journal
        for journal in sorted(outputs.glob(f"*/*-force_power_off-*/{JOURNAL}"))
        if not (journal.parent / MANIFEST).exists() and b'"event": "intent"' in journal.read_bytes()
    ]


def empty(journal: Path) -> None:
    """Nothing is left in it."""
    journal.write_bytes(b"")


def remove(journal: Path) -> None:
    """It is gone, and so is all that was beside it."""
    for path in journal.parent.iterdir():
        path.unlink()


def remove_folder(journal: Path) -> None:
    """Its folder is gone."""
    shutil.rmtree(journal.parent)


def cut(journal: Path, share: float) -> None:
    """Only its beginning is left: so much of it, at whatever byte that ends."""
    content = journal.read_bytes()
    journal.write_bytes(content[: int(len(content) * share)])


def cut_before_its_intent(journal: Path) -> None:
    """As a journal is that never held one: it ends with a whole line."""
    lines = journal.read_bytes().splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if json.loads(line)["event"] == "intent")
    journal.write_bytes(b"".join(lines[:first]))


def without_its_intent(journal: Path) -> None:
    """The line of the intent alone is gone."""
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for line in lines if json.loads(line)["event"] != "intent"))


def overwrite(journal: Path, share: float) -> None:
    """From there on it holds what never was in it."""
    content = journal.read_bytes()
    at = int(len(content) * share)
    journal.write_bytes(content[:at] + b"\x00\xff{" * ((len(content) - at) // 3))
