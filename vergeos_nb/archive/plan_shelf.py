"""Plans kept by their digest under ``outputs/plans/``, so that a later run can say what differs."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.files import disk_errors, make_folder, put
from vergeos_nb.layout import ArchiveLayout
from vergeos_nb.procedure.values.canonical_plan import Plan
from vergeos_nb.shapes import Unfit, read_json


class PlanShelf:
    """One file per plan, named after the SHA-256 of its bytes: ``sha256sum`` checks it.

    Args:
        scrubber: knows the secrets that must not be written; a plan that holds one is not kept.
    """

    def __init__(self, outputs: Path, scrubber: Scrubber | None = None) -> None:
        self._paths = ArchiveLayout(outputs.absolute())
        self._scrubber = scrubber or Scrubber()

    @property
    def outputs(self) -> Path:
        """The archive's folder."""
        return self._paths.outputs

    def keep(self, plan: Plan) -> bool:
        """Keep a plan, unless it holds a secret: a masked plan would have another digest.

        Returns:
            Whether it was kept.

        Raises:
            RecordError: it cannot be written.
        """
        if self._scrubber.data(plan.content) != plan.content:
            return False
        path = self._paths.plan(plan.digest)
        with disk_errors(f"keeping the plan {path}"):
            make_folder(path.parent)
            part = path.with_suffix(f".{secrets.token_hex(4)}.part")  # another run may keep the same plan
            put(path, plan.canonical(), part)
        return True

    def find(self, digest: str) -> Plan | None:
        """The plan with this digest; None if there is none, or if its file was changed."""
        if not re.fullmatch("[0-9a-f]{64}", digest):
            return None
        try:
            plan = Plan(read_json(self._paths.plan(digest), dict))
            return plan if plan.digest == digest else None
        except (Unfit, ValueError):
            return None
