"""How an archive is signed, mirrored and announced. All of it is off unless a variable names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.settings.places import ALLOWED_SIGNERS, SIGNING_KEY, environment, home_dir


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """What is set up for the archive.

    Attributes:
        signing_key: the private key that seals are signed with, or the public one of a key in an agent.
        allowed_signers: the file that says whose signatures count.
    """

    signing_key: Path | None = None
    allowed_signers: Path | None = None


def archive_settings(environ: Mapping[str, str] | None = None) -> ArchiveSettings:
    """The archive's settings, from ``VERGEOS_NB_SIGNING_KEY`` and ``VERGEOS_NB_ALLOWED_SIGNERS``."""
    variables = environment(environ)

    def path(name: str) -> Path | None:
        told = variables.get(name)
        if not told:
            return None
        return home_dir(variables) / told[2:] if told.startswith("~/") else Path(told)

    return ArchiveSettings(path(SIGNING_KEY), path(ALLOWED_SIGNERS))
