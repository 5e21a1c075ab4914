"""Check raw settings and make a profile of them. Environment variables and files use the same checks.

A `Raw` holds the values as written, under the vendor's names. `named` returns the place of a setting
(``VERGE_TOKEN``, or ``token in [profile.lab] of …/config.toml``). Every error names that place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vergeos_nb.errors import PasswordMissing, SettingsError
from vergeos_nb.masking import SHORTEST_SEARCHED, is_maskable, register
from vergeos_nb.settings.host import clean_host
from vergeos_nb.settings.places import at_home
from vergeos_nb.settings.profile import DEFAULT_TIMEOUT_S, CredentialKind, Credentials, Profile
from vergeos_nb.settings.secret import Secret
from vergeos_nb.shapes import is_file
from vergeos_nb.words import did_you_mean

Raw = Mapping[str, Any]
Named = Callable[[str], str]

LONGEST_TIMEOUT_S = 3600.0
_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}
_AUTH = ("basic", "session", "header")


def profile_from(
    name: str, raw: Raw, named: Named, home: Path | None, source: str, *, folder: Path | None = None
) -> Profile:
    """The profile that these settings describe.

    Args:
        source: where the settings come from, in words.
        folder: a relative ``ca_file`` is below this folder; the working directory by default.

    Raises:
        SettingsError: a setting is missing, not valid, or contradicts another.
    """
    # Register secrets before any check: an error about another setting may quote the same text.
    for key in ("token", "api_key", "password"):
        if isinstance(raw.get(key), str):
            register(raw[key])
    if not raw.get("host"):
        raise SettingsError(
            f"reading the profile {name!r}",
            f"{named('host')} is not set",
            f"set {named('host')} to the system's name, such as vergeos.example.com",
        )
    verify = _verify(raw.get("verify_ssl"), named)
    ca_file = _ca_file(raw.get("ca_file"), named, home, folder or Path())
    if ca_file and not verify:
        raise SettingsError(
            f"reading the profile {name!r}",
            f"{named('verify_ssl')} turns certificate checks off, but {named('ca_file')} is needed for them",
            f"unset one of them; {named('ca_file')} alone is the safe choice",
        )
    credentials = _credentials(name, raw, named)
    _maskable(name, credentials)
    return Profile(
        name=name,
        host=clean_host(_text(raw["host"], "host", named), named("host")),
        credentials=credentials,
        verify=verify,
        ca_file=ca_file,
        timeout_s=_timeout(raw.get("timeout"), named),
        source=source,
        warnings=_warnings(verify, credentials, named),
    )


def _maskable(name: str, credentials: Credentials) -> None:
    """Refuse a secret that cannot be masked.

    Raises:
        SettingsError: the secret is a plain word or a short number.
    """
    secret = credentials.secret.reveal()
    if len(secret) >= SHORTEST_SEARCHED and not is_maskable(secret):
        raise SettingsError(
            f"using the profile {name!r}",
            "its password or token is a plain word or a short number. Records are full of those, so it "
            "could not be masked",
            "give the user another password (this one is also easy to guess), or use an API key",
        )


def _warnings(verify: bool, credentials: Credentials, named: Named) -> tuple[str, ...]:
    found = []
    if not verify:
        found.append(
            f"TLS CERTIFICATES ARE NOT CHECKED ({named('verify_ssl')}): anyone on the network path can read "
            "and change what is sent, the password included. "
            f"Set {named('ca_file')} to the system's certificate instead."
        )
    if len(credentials.secret.reveal()) < SHORTEST_SEARCHED:
        found.append(
            f"The password or token has fewer than {SHORTEST_SEARCHED} characters. It is too short to be "
            "searched for in records: choose a longer one."
        )
    return tuple(found)


def _credentials(name: str, raw: Raw, named: Named) -> Credentials:
    given = {key for key in ("token", "api_key", "username", "password") if raw.get(key)}
    auth = _auth(raw.get("auth"), named)

    def wrong(came_back: str, next_step: str) -> SettingsError:
        return SettingsError(f"reading the credentials of the profile {name!r}", came_back, next_step)

    if {"token", "api_key"} <= given:
        raise wrong(
            f"{named('token')} and {named('api_key')} are both set, and both would be sent as bearer token",
            "unset one of them",
        )
    login = given & {"username", "password"}
    bearer = given & {"token", "api_key"}
    if bearer and (login or auth not in (None, "header")):
        others = " and ".join(sorted([named(key) for key in login] + ([named("auth")] if auth else [])))
        raise wrong(
            f"{named(min(bearer))} and {others} are both set, but only one way to log in can be used",
            "unset the other",
        )
    if bearer:
        key = min(bearer)
        kind: CredentialKind = "header" if auth == "header" else "bearer"
        return Credentials(kind, None, Secret(_bearer_text(raw[key], key, named)))
    if len(login) == 1:
        missing = "password" if "username" in login else "username"
        emptiness = "is set but empty" if missing in raw else "is not set"
        came_back = f"{named(min(login))} is set and {named(missing)} {emptiness}"
        error = wrong(came_back, f"set {named(missing)} too")
        raise PasswordMissing(*error.args) if missing == "password" else error
    if login and auth == "header":
        came_back = f"{named('auth')} is header, which takes a key, and {named('api_key')} is not set"
        raise wrong(came_back, f"set {named('api_key')}, or unset {named('auth')}")
    if not login:
        raise wrong(
            "there are none",
            f"set {named('api_key')} or {named('token')}, or {named('username')} and {named('password')}",
        )
    username, password = _text(raw["username"], "username", named), _text(raw["password"], "password", named)
    if ":" in username and auth != "session":
        raise wrong(
            f"{named('username')} holds a colon, which Basic authentication cannot carry",
            f"set {named('auth')} to session, or use an API key",
        )
    return Credentials("session" if auth == "session" else "basic", username, Secret(password))


def _auth(value: Any, named: Named) -> str | None:
    if value in (None, ""):
        return None
    if value not in _AUTH:
        raise SettingsError(
            f"reading {named('auth')}", f"{value!r} is unknown", did_you_mean(str(value), _AUTH)
        )
    return str(value)


def _text(value: Any, key: str, named: Named) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"reading {named(key)}", "it is not text", "put it in double quotes")
    if any(not character.isprintable() for character in value):
        raise SettingsError(
            f"reading {named(key)}",
            "it holds a control character",
            "remove it. A line end after the value is one, too.",
        )
    return value


def _bearer_text(value: Any, key: str, named: Named) -> str:
    text = _text(value, key, named)
    if not text.isascii() or " " in text:
        raise SettingsError(
            f"reading {named(key)}",
            "it holds a blank or a character that an HTTP header cannot hold",
            "copy the token or key again, without quotes and without the word Bearer",
        )
    return text


def _verify(value: Any, named: Named) -> bool:
    if value in (None, ""):
        return True
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise SettingsError(
        f"reading {named('verify_ssl')}",
        f"{value!r} is neither true nor false",
        "use true or false; certificates are checked unless it says false",
    )


def _timeout(value: Any, named: Named) -> float:
    if value in (None, ""):
        return DEFAULT_TIMEOUT_S
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not 0 < seconds <= LONGEST_TIMEOUT_S:
        raise SettingsError(
            f"reading {named('timeout')}",
            f"{repr(value)[:60]} is not a number of seconds between 0 and {LONGEST_TIMEOUT_S:.0f}",
            f"give the time limit of one request in seconds; the default is {DEFAULT_TIMEOUT_S:.0f}",
        )
    return seconds


def _ca_file(value: Any, named: Named, home: Path | None, folder: Path) -> Path | None:
    if value in (None, ""):
        return None
    text = _text(value, "ca_file", named)
    path = folder / at_home(text, home, named("ca_file"))
    if not is_file(path):
        raise SettingsError(
            f"reading {named('ca_file')}",
            f"there is no file {str(path)[:200]}",
            "give the path of a PEM file with the authority that signed the system's certificate",
        )
    return path
