"""A profile: a named VergeOS system and how to reach it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vergeos_nb.errors import SettingsError
from vergeos_nb.masking import SHORTEST_SEARCHED, register, spellings
from vergeos_nb.settings.secret import Secret

DEFAULT_TIMEOUT_S = 30.0
"""Time limit of one request, in seconds, if the profile has none. The vendor's clients use the same."""

CredentialKind = Literal["basic", "bearer", "header", "session"]
ProfileKind = Literal["simulator", "configured"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in.

    Attributes:
        kind: ``basic`` sends user name and password with every request, ``bearer`` sends a token or API key,
            ``header`` sends it in ``x-yottabyte-token``, and ``session`` logs in once and out at the end.
        username: None for ``bearer`` and ``header``.
        secret: the password, token or API key.
    """

    kind: CredentialKind
    username: str | None
    secret: Secret


@dataclass(frozen=True, slots=True)
class Profile:
    """A named VergeOS system and how to reach it. Safe to print: secrets are masked.

    Attributes:
        host: name or address, with ``:port`` if it is not 443. Empty for a simulator not yet started.
        credentials: None for a simulator not yet started.
        verify: True if the server's certificate is checked.
        ca_file: the only authorities to trust, or None for those of the machine.
        timeout_s: time limit of one request, in seconds.
        kind: ``simulator`` for the built-in profile, otherwise ``configured``.
        paced: True if requests keep a minimum distance, which a real platform may need.
        scenario: the simulator's scenario, if one was named.
        source: where the profile was read from, in words.
        warnings: sentences for a person to read before the profile is used.
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


def refuse_pieces(profile: Profile, names: Mapping[str, str]) -> None:
    """Refuse a password or token that is part of a name in the record.

    With masking, the name of the VM, system or person could not be read. Without, the record would show the
    secret.

    Args:
        names: the names that the record holds, each under its description.

    Raises:
        SettingsError: the secret is part of a name. The error does not quote it.
    """
    login = profile.credentials
    if login is None or len(secret := login.secret.reveal().casefold()) < SHORTEST_SEARCHED:
        return
    told = {"name of the profile": profile.name, "host": profile.host, "user": login.username or "", **names}
    for what, name in told.items():
        if secret in name.casefold():
            raise SettingsError(
                "using the profile for this run",
                f"its password or token is a part of the {what}. Every record shows the {what}, so the "
                "secret could not be masked",
                "nothing was sent. Give the user another password, or use an API key; if the password was "
                f"typed instead of the {what}, correct that.",
            )


def secrets_of(profile: Profile) -> tuple[str, ...]:
    """All spellings of this profile's secret, the longest first. This process masks them from now on."""
    login = profile.credentials
    if login is None:
        return ()
    register(login.secret.reveal(), login.username)
    return spellings(login.secret.reveal(), login.username)
