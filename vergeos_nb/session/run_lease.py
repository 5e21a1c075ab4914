"""The lease of a run, which keeps two runs from one VM, and the stop files, which stop all runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.clock import Clock
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.lease.lease import Leases, Owner
from vergeos_nb.settings.policy import Policy

# Longer than any pause of a waiting run. The run renews the lease at each reading.
LEASE_S = 180.0


class RunLease:
    """The leases of the run's VM, one for each of its names. Taken when first needed, released at the end."""

    def __init__(self, folder: Path, owner: Owner, clock: Clock) -> None:
        self.subjects: Callable[[], Sequence[str]] = tuple
        self.note: Callable[[str], None] = lambda text: None
        self._folder = folder
        self._owner = owner
        self._clock = clock
        self._held: Leases | None = None

    def renew(self) -> None:
        """Take the leases, or renew them.

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
        """Release them, if they are held."""
        if self._held is not None:
            self._held.release()
            self._held = None


def stop_wanted(policy: Policy, outputs: Path) -> str:
    """The stop file that exists, in words: the policy's, or a file ``STOP`` in the archive; or ""."""
    if settings.stopped_by(policy):
        return f"the stop file {policy.stop_file} of the policy"
    path = ArchiveLayout(outputs).stop_file
    return f"the stop file {path}" if path.exists() else ""
