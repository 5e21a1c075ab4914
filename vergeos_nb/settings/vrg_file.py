"""Named profiles from the vendor CLI's own file, ``~/.vrg/config.toml``. Nobody has to configure twice.

The format is that of vrg 1.1.3:

- Sections are ``[default]`` and ``[profile.NAME]``. ``[profiles.NAME]`` is read if there is no ``profile``.
- Keys are ``host``, ``token``, ``api_key``, ``username``, ``password``, ``verify_ssl``, ``timeout``, and
  ``output``, which this package ignores.
- Sections do not inherit from each other.

This package adds the keys ``ca_file`` and ``auth``, which vrg ignores.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vergeos_nb.errors import SettingsError
from vergeos_nb.settings.env import SETTINGS
from vergeos_nb.settings.fields import profile_from
from vergeos_nb.settings.profile import Profile
from vergeos_nb.settings.secret import Secret
from vergeos_nb.shapes import Unfit, content_of, text_of, toml_of
from vergeos_nb.words import did_you_mean

DEFAULT_NAME = "default"
_KEYS = (*SETTINGS, "output")
_TOP_KEYS = ("default", "profile", "profiles", "default_profile")
SECRET_KEYS = {"token", "api_key", "password"}
_OTHERS_MAY_READ = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class VrgFile:
    """The content of the file.

    Attributes:
        path: the file's path, also if there is no file.
        sections: heading and settings by profile name.
        warnings: sentences for a person to read before a profile is used.
    """

    path: Path
    sections: Mapping[str, tuple[str, Mapping[str, Any]]]
    warnings: tuple[str, ...] = ()


def read_vrg_file(home: Path | None) -> VrgFile:
    """Read the file in this home directory. Without a file or a home directory there are no sections.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or has an unknown heading.
    """
    if home is None:
        return VrgFile(Path("~/.vrg/config.toml"), {})
    path = home / ".vrg" / "config.toml"
    data = _load(path)
    for key in data:
        if key not in _TOP_KEYS:
            meant = did_you_mean(key, _TOP_KEYS)
            raise SettingsError(f"reading {path}", f"nothing reads {key!r} at its top", meant)
    plural = "profile" not in data
    word = "profiles" if plural else "profile"
    named = _table(data, word, path)
    sections = {
        name: (f"[{word}.{name}]", _table(named, name, path)) for name in named if name != DEFAULT_NAME
    }
    if "default" in data:
        sections[DEFAULT_NAME] = ("[default]", _table(data, "default", path))
    warnings = [_readable_by_others(path)] if _holds_secrets(sections) else []
    if not plural and "profiles" in data:
        warnings.append(f"{path} has both [profile.…] and [profiles.…]: as in vrg, only [profile.…] is read.")
    return VrgFile(path, sections, tuple(warning for warning in warnings if warning))


def vrg_profile(file: VrgFile, name: str, home: Path | None, password: Secret | None = None) -> Profile:
    """The profile of this name, which must be a section of the file.

    A relative ``ca_file`` is relative to the file's folder.

    Args:
        password: used if the section has no password.

    Raises:
        SettingsError: a key is unknown, missing, not valid, or contradicts another.
    """
    heading, section = file.sections[name]
    for key in section:
        if key not in _KEYS:
            raise SettingsError(
                f"reading {heading} of {file.path}", f"nothing reads {key!r}", did_you_mean(key, _KEYS)
            )
    if password is not None and not section.get("password"):
        section = {**section, "password": password.reveal()}
    profile = profile_from(
        name,
        section,
        lambda key: f"{key} in {heading} of {file.path}",
        home,
        f"{file.path} {heading}",
        folder=file.path.parent,
    )
    return replace(profile, warnings=profile.warnings + file.warnings)


def _load(path: Path) -> dict[str, Any]:
    try:
        return toml_of(text_of(content_of(path)))
    except Unfit as unfit:
        if unfit.missing:
            return {}
        hint = unfit.hint or "make it a plain file that you can read"
        raise SettingsError(f"reading {path}", unfit.why, hint) from None


def _table(data: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise SettingsError(f"reading {path}", f"{key!r} is not a section", f"write it as a heading, [{key}]")
    return value


def _holds_secrets(sections: Mapping[str, tuple[str, Mapping[str, Any]]]) -> bool:
    return any(SECRET_KEYS & section.keys() for _, section in sections.values())


def _readable_by_others(path: Path) -> str:
    if path.stat().st_mode & _OTHERS_MAY_READ:
        return f"{path} holds secrets, and other users may read it. Run: chmod 600 {path}"
    return ""
