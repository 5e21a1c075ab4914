"""Every secret that the settings hold, whether or not it is used: it can be typed in the wrong place."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from vergeos_nb.errors import SettingsError
from vergeos_nb.masking import register
from vergeos_nb.settings.archive_settings import archive_settings
from vergeos_nb.settings.env import PREFIX
from vergeos_nb.settings.places import ambient_network, environment, home_dir
from vergeos_nb.settings.vrg_file import SECRET_KEYS, read_vrg_file

LONG_ENOUGH = 8
"""A shorter one of a profile that is not used can be a piece of anything."""


def remember_secrets(environ: Mapping[str, str] | None = None, home: Path | None = None) -> None:
    """Have this process mask them from now on. Code that needs an unreadable file reports it later."""
    variables = environment(environ)
    told: list[object] = [variables.get(PREFIX + key.upper()) for key in SECRET_KEYS]
    for read in (archive_settings, ambient_network):
        with suppress(SettingsError, OSError, ValueError):
            read(variables)
    with suppress(SettingsError, OSError, ValueError, RecursionError):
        file = read_vrg_file(home_dir(variables) if home is None else home)
        told += [section.get(key) for _, section in file.sections.values() for key in SECRET_KEYS]
    for secret in told:
        if isinstance(secret, str) and len(secret) >= LONG_ENOUGH:
            register(secret)
