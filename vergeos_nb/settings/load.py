"""Find a profile by its name. A real system is used only if its profile is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vergeos_nb.errors import PasswordMissing, SettingsError
from vergeos_nb.settings.env import ENV_NAME, VARIABLES, env_profile
from vergeos_nb.settings.known import remember_secrets
from vergeos_nb.settings.places import environment, home_dir
from vergeos_nb.settings.profile import Profile, secrets_of
from vergeos_nb.settings.secret import Secret
from vergeos_nb.settings.vrg_file import read_vrg_file, vrg_profile
from vergeos_nb.words import did_you_mean

SIMULATOR_NAME = "simulator"


def load_profile(
    name: str = SIMULATOR_NAME,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    password: Secret | None = None,
) -> Profile:
    """The profile of this name.

    - ``simulator`` and ``simulator:SCENARIO`` are built in.
    - ``env`` is read from the ``VERGE_*`` variables.
    - Any other name is a section of ``~/.vrg/config.toml``; ``default`` is its ``[default]``.

    The built-in names hide sections of the same name. No variable changes a profile of the file.

    Args:
        environ: used instead of the process's environment.
        home: used instead of the user's home directory.
        password: a typed password, used if the profile has a user name and no password.

    Raises:
        SettingsError: the profile does not exist, is incomplete, or contradicts itself.
    """
    variables = environment(environ)
    base = home_dir(variables) if home is None else home
    remember_secrets(variables, base)
    word, colon, scenario = name.partition(":")
    if word == SIMULATOR_NAME:
        if colon and not scenario:
            raise SettingsError(
                f"using the profile {name!r}",
                "there is no scenario after the colon",
                "write it as simulator:stuck",
            )
        return Profile(name, "", None, kind="simulator", scenario=scenario or None, source="built in")
    if name == ENV_NAME:
        return env_profile(variables, base, password)
    file = read_vrg_file(base)
    if name not in file.sections:
        known = _names(file.sections)
        raise SettingsError(
            f"using the profile {name!r}",
            f"there is no profile of this name (named profiles are read from {file.path})",
            did_you_mean(name, known),
        )
    profile = vrg_profile(file, name, base, password)
    return replace(profile, warnings=profile.warnings + _unused_variables(name, variables))


def wants_password(name: str) -> bool:
    """True if this profile has a user name and no password, so that a person must be asked for it."""
    try:
        load_profile(name)
    except PasswordMissing:
        return True
    except SettingsError:
        return False
    return False


def secrets_known(name: object) -> tuple[str, ...]:
    """All spellings of a profile's secret, or none if the profile cannot be loaded."""
    if not isinstance(name, str):
        return ()
    try:
        return secrets_of(load_profile(name))
    except SettingsError:
        return ()


def profile_names(*, environ: Mapping[str, str] | None = None, home: Path | None = None) -> tuple[str, ...]:
    """All names of profiles: the built-in ones first, then those of the file.

    Raises:
        SettingsError: the file cannot be read.
    """
    base = home_dir(environment(environ)) if home is None else home
    return _names(read_vrg_file(base).sections)


def _names(sections: Mapping[str, object]) -> tuple[str, ...]:
    built_in = (SIMULATOR_NAME, ENV_NAME)
    return (*built_in, *sorted(name for name in sections if name not in built_in))


def _unused_variables(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    unused = [variable for variable in VARIABLES if environ.get(variable)]
    if not unused:
        return ()
    return (f"{', '.join(unused)} not used: only the profile {ENV_NAME!r} reads them, {name!r} does not.",)
