"""Settings for signing, mirroring and announcing records. Each is off unless its variable is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vergeos_nb.masking import spellings
from vergeos_nb.settings.places import ALLOWED_SIGNERS, MIRROR, SIGNING_KEY, environment, home_dir
from vergeos_nb.settings.secret import Secret

WEBHOOK = "VERGEOS_NB_WEBHOOK"


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Settings of the archive.

    Attributes:
        signing_key: the private key that signs seals, or the public key of one that an agent holds.
        allowed_signers: the file that lists whose signatures count.
        mirror: the URL of a second copy, as fsspec reads it. Secret, because it can hold a password.
        webhook: the URL that each summary is posted to. Secret, because it often holds a token.
    """

    signing_key: Path | None = None
    allowed_signers: Path | None = None
    mirror: Secret | None = None
    webhook: Secret | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that reveals the webhook or the mirror's password, in all spellings."""
        found: set[str] = set()
        if self.webhook is not None:
            found |= set(spellings(self.webhook.reveal()))
        if self.mirror is not None and (password := _password(self.mirror.reveal())):
            found |= set(spellings(password))
        return tuple(sorted(found))


def archive_settings(environ: Mapping[str, str] | None = None) -> ArchiveSettings:
    """The archive's settings, from ``VERGEOS_NB_SIGNING_KEY``, ``VERGEOS_NB_ALLOWED_SIGNERS``,
    ``VERGEOS_NB_MIRROR`` and ``VERGEOS_NB_WEBHOOK``.

    Values are not checked here. A wrong one fails where it is used, and the run is sealed all the same.
    """
    variables = environment(environ)

    def path(name: str) -> Path | None:
        told = variables.get(name)
        if not told:
            return None
        home = home_dir(variables)
        return home / told[2:] if home and told.startswith("~/") else Path(told)

    def secret(name: str, *, is_url: bool = False) -> Secret | None:
        told = (variables.get(name) or "").strip()
        return Secret(told, is_url=is_url) if told else None

    mirror = secret(MIRROR, is_url=True)
    return ArchiveSettings(path(SIGNING_KEY), path(ALLOWED_SIGNERS), mirror, secret(WEBHOOK))


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
