"""Mask every secret of the settings, also of profiles that are not used.

A person can type any of them in the wrong place, for example as the VM's name.
"""

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
"""Characters. A shorter secret of an unused profile is not masked: it could be a part of any word."""


def remember_secrets(environ: Mapping[str, str] | None = None, home: Path | None = None) -> None:
    """Mask all secrets of the settings in this process from now on.

    A file that cannot be read is skipped here. The code that needs it reports the error.
    """
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
