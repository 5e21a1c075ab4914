"""The profile ``env``, from environment variables.

The vendor's SDK and CLI define ``VERGE_HOST``, ``VERGE_TOKEN``, ``VERGE_API_KEY``, ``VERGE_USERNAME``,
``VERGE_PASSWORD``, ``VERGE_VERIFY_SSL`` and ``VERGE_TIMEOUT`` (pyvergeos 1.7.1, vrg 1.1.3). This package
adds ``VERGE_CA_FILE`` and ``VERGE_AUTH``. ``VERGE_AUTH`` is ``basic`` (user name and password are sent with
every request), ``session`` (they are sent once, at login) or ``header`` (a token or API key is sent in
``x-yottabyte-token``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vergeos_nb.settings.fields import profile_from
from vergeos_nb.settings.profile import Profile
from vergeos_nb.settings.secret import Secret
from vergeos_nb.words import nearest

ENV_NAME = "env"
PREFIX = "VERGE_"
SETTINGS = (
    "host", "token", "api_key", "username", "password", "verify_ssl", "timeout", "ca_file", "auth",
)  # fmt: skip
VARIABLES = tuple(PREFIX + setting.upper() for setting in SETTINGS)
_OF_THE_VENDOR = ("VERGE_PROFILE", "VERGE_OUTPUT")
_OF_THE_VENDOR_PREFIX = "VERGE_RETRY_"


def env_profile(environ: Mapping[str, str], home: Path | None, password: Secret | None = None) -> Profile:
    """The profile ``env``.

    Args:
        password: used if ``VERGE_PASSWORD`` is not set.

    Raises:
        SettingsError: a variable is missing, not valid, or contradicts another.
    """
    from dataclasses import replace

    raw = {setting: environ[variable] for setting, variable in zip(SETTINGS, VARIABLES, strict=True)
           if variable in environ}  # fmt: skip
    if password is not None and not raw.get("password"):
        raw["password"] = password.reveal()
    used = [variable for variable in VARIABLES if environ.get(variable)]
    profile = profile_from(
        ENV_NAME, raw, lambda setting: PREFIX + setting.upper(), home, f"environment ({', '.join(used)})"
    )
    return replace(profile, warnings=profile.warnings + unknown_variables(environ))


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A warning for each ``VERGE_*`` variable that neither this package nor the vendor's tools read."""
    strange = sorted(
        name
        for name in environ
        if name.startswith(PREFIX)
        and name not in VARIABLES
        and name not in _OF_THE_VENDOR
        and not name.startswith(_OF_THE_VENDOR_PREFIX)
    )
    sentences = []
    for name in strange:
        near = nearest(name.removeprefix(PREFIX), SETTINGS)
        sentences.append(
            f"{name} is set and nothing reads it"
            + (f": did you mean {PREFIX}{near.upper()}?" if near else ".")
        )
    return tuple(sentences)
