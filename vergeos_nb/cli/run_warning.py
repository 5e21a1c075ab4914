"""The warning in a command's JSON."""

from __future__ import annotations

from typing import Any

from vergeos_nb.journal.run_state import RunState
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.record.run_summary import summary_of


def warning(account: RunState) -> dict[str, Any]:
    """The warning if the run is not done, or if no evidence shows that its VM is off; otherwise nothing."""
    if account.exit_code == 0 and (account.verdict is VerdictValue.OFF or not account.over_vm):
        return {}
    summary = summary_of(account)
    return {"warning": summary.headline, "next_step": summary.next_step}
