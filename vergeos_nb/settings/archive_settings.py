"""Settings for signing, mirroring, announcing and forwarding. Each is off unless its variable is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vergeos_nb.masking import spellings
from vergeos_nb.settings.places import ALLOWED_SIGNERS, MIRROR, SIGNING_KEY, environment, home_dir
from vergeos_nb.settings.secret import Secret

WEBHOOK = "VERGEOS_NB_WEBHOOK"
FORWARD = "VERGEOS_NB_FORWARD"


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Settings of the archive.

    Attributes:
        signing_key: the private key that signs seals, or the public key of one that an agent holds.
        allowed_signers: the file that lists whose signatures count.
        mirror: the URL of a second copy, as fsspec reads it. Secret, because it can hold a password.
        webhook: the URL that each summary is posted to. Secret, because it often holds a token.
        forward: the URL of the syslog receiver or collector that events are sent to. Secret likewise.
    """

    signing_key: Path | None = None
    allowed_signers: Path | None = None
    mirror: Secret | None = None
    webhook: Secret | None = None
    forward: Secret | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that reveals the webhook, the collector or a password of theirs, in all spellings."""
        found: set[str] = set()
        urls = [secret.reveal() for secret in (self.webhook, self.mirror, self.forward) if secret is not None]
        # Of the mirror and of syslog only the password is secret; of a collector, the URL as well.
        for url in urls:
            if url.startswith("http") or (self.webhook is not None and url == self.webhook.reveal()):
                found |= set(spellings(url))
            if password := _password(url):
                found |= set(spellings(password))
        return tuple(sorted(found))


def archive_settings(environ: Mapping[str, str] | None = None) -> ArchiveSettings:
    """The archive's settings, from ``VERGEOS_NB_SIGNING_KEY``, ``VERGEOS_NB_ALLOWED_SIGNERS``,
    ``VERGEOS_NB_MIRROR``, ``VERGEOS_NB_WEBHOOK`` and ``VERGEOS_NB_FORWARD``.

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

    forward = secret(FORWARD, is_url=not (variables.get(FORWARD) or "").strip().startswith("http"))
    return ArchiveSettings(
        path(SIGNING_KEY), path(ALLOWED_SIGNERS), secret(MIRROR, is_url=True), secret(WEBHOOK), forward
    )


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
