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
"""How long one request may take unless the profile says otherwise; the vendor's clients use the same."""

CredentialKind = Literal["basic", "bearer", "header", "session"]
ProfileKind = Literal["simulator", "configured"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to log in.

    Attributes:
        kind: ``basic`` sends user name and password with every request, ``bearer`` a token or API key,
            ``header`` the same in ``x-yottabyte-token``, and ``session`` logs in once and out at the end.
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
        host: name or address, with ``:port`` where it is not 443. Empty for a simulator not yet started.
        credentials: None for a simulator not yet started.
        verify: whether the server's certificate is checked.
        ca_file: the only authorities to trust, or None for those of the machine.
        timeout_s: seconds that one request may take.
        kind: ``simulator`` for the built-in profile, otherwise ``configured``.
        paced: whether requests keep a minimum distance, as a real platform may need. The simulator does not.
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


def refuse_pieces(profile: Profile, names: Mapping[str, str]) -> None:
    """Refuse a password or token that is a part of a name by which people find a record.

    If it were masked, the name of the VM, system or person would be unreadable. If not, the record would show
    the secret.

    Args:
        names: the values that are written down, each under its description.

    Raises:
        SettingsError: it is a part of one. The error does not repeat it.
    """
    login = profile.credentials
    if login is None or len(secret := login.secret.reveal().casefold()) < SHORTEST_SEARCHED:
        return
    told = {"name of the profile": profile.name, "host": profile.host, "user": login.username or "", **names}
    for what, name in told.items():
        if secret in name.casefold():
            raise SettingsError(
                "use the profile for this run",
                f"its password or token is a part of the {what}. Every record holds the {what}, so the "
                "secret could not be masked",
                "nothing was sent. Give the user another password, or use an API key; if the password was "
                f"typed instead of the {what}, correct that.",
            )


def secrets_of(profile: Profile) -> tuple[str, ...]:
    """Every text that would reveal this profile's secret, in all spellings, the longest first.

    The caller is about to use the profile, so this process masks them from now on.
    """
    login = profile.credentials
    if login is None:
        return ()
    register(login.secret.reveal(), login.username)
    return spellings(login.secret.reveal(), login.username)
