"""An approval that a person has given, and when it holds."""

from __future__ import annotations

from dataclasses import dataclass

from vergeos_nb.clock import iso

# The clocks of the machine that approves and of the machine that applies may differ by this much.
CLOCKS_DIFFER_S = 60.0


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's approval of one plan, for a limited time. Times are seconds since 1970."""

    digest: str
    approver: str
    given_at: float
    until: float

    def ended(self, now: float) -> str:
        """Why it does not hold at this time, or "". Setting the clock back does not prolong an approval."""
        if now > self.until:
            return f"the approval ended at {iso(self.until)}"
        if now < self.given_at - CLOCKS_DIFFER_S:
            return f"the clock shows {iso(now)}, and the approval was given at {iso(self.given_at)}"
        return ""
