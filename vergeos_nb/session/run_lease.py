"""What keeps two runs from one VM, and what stops them all: the lease of a run and the stop files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.clock import Clock
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.lease.lease import Leases, Owner
from vergeos_nb.settings.policy import Policy

# Longer than any pause of a waiting run, which renews it at each reading.
LEASE_S = 180.0


class RunLease:
    """The leases of the run's VM, one by each name: taken when first needed, given back at the end."""

    def __init__(self, folder: Path, owner: Owner, clock: Clock) -> None:
        self.subjects: Callable[[], Sequence[str]] = tuple
        self.note: Callable[[str], None] = lambda text: None
        self._folder = folder
        self._owner = owner
        self._clock = clock
        self._held: Leases | None = None

    def renew(self) -> None:
        """Take the leases, or keep them for another while.

        Raises:
            Refused: somebody else holds one.
        """
        if self._held is None:
            self._held = Leases(self._folder, self.subjects(), self._owner, LEASE_S, self._clock)
            for over in self._held.taken_over_from:
                self.note(f"the lease was taken over from {over}: see its record")
        else:
            self._held.renew()

    def release(self) -> None:
        """Give them back, if they are held."""
        if self._held is not None:
            self._held.release()
            self._held = None


def stop_wanted(policy: Policy, outputs: Path) -> str:
    """The stop file that exists, in words, or "": the policy's, or a file ``STOP`` in the archive."""
    if settings.stopped_by(policy):
        return f"the stop file {policy.stop_file} of the policy"
    path = ArchiveLayout(outputs).stop_file
    return f"the stop file {path}" if path.exists() else ""
