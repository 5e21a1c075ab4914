"""What a profile is: a named VergeOS system and how to reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vergeos_nb.masking import register, spellings
from vergeos_nb.settings.secret import Secret

DEFAULT_TIMEOUT_S = 30.0
"""How long one request may take unless the profile says otherwise; the vendor's clients use the same."""

CredentialKind = Literal["basic", "bearer", "session"]
ProfileKind = Literal["simulator", "configured"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in.

    Attributes:
        kind: ``basic`` sends user name and password with every request, ``bearer`` a token or API key, and
            ``session`` logs in once and out at the end.
        username: None for ``bearer``.
        secret: the password, token or API key.
    """

    kind: CredentialKind
    username: str | None
    secret: Secret


@dataclass(frozen=True, slots=True)
class Profile:
    """A named VergeOS system and how to reach it. Safe to print: secrets are masked.

    Attributes:
        host: name or address, with ``:port`` where it is not 443. Empty for a simulator not yet started.
        credentials: None for a simulator not yet started.
        verify: whether the server's certificate is checked.
        ca_file: the only authorities to trust, or None for those of the machine.
        timeout_s: seconds that one request may take.
        kind: ``simulator`` for the built-in profile, otherwise ``configured``.
        paced: whether requests keep the distance that a real platform may want; the simulator wants none.
        scenario: the simulator's scenario if one was named.
        source: where this was read from, in words.
        warnings: what a person should know before using it, one sentence each.
    """

    name: str
    host: str
    credentials: Credentials | None
    verify: bool = True
    ca_file: Path | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    kind: ProfileKind = "configured"
    paced: bool = True
    scenario: str | None = None
    source: str = ""
    warnings: tuple[str, ...] = field(default=())


def secrets_of(profile: Profile) -> tuple[str, ...]:
    """Every text that would give this profile's secret away, in all its spellings, the longest first.

    Who asks is about to use the profile: from now on every door of this process masks them.
    """
    login = profile.credentials
    if login is None:
        return ()
    register(login.secret.reveal(), login.username)
    return spellings(login.secret.reveal(), login.username)
