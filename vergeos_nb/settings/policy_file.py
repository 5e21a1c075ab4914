"""Read the site's policy from its file. A file that cannot be read is an error, never "no policy"."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vergeos_nb.errors import SettingsError
from vergeos_nb.settings.places import POLICY_VARIABLE, at_home, environment, home_dir
from vergeos_nb.settings.policy import Policy, parse_policy
from vergeos_nb.shapes import Unfit, content_of, text_of

DEFAULT_PLACE = "~/.config/vergeos-nb/policy.toml"


def load_policy(environ: Mapping[str, str] | None = None, home: Path | None = None) -> Policy:
    """The site's policy.

    If ``VERGEOS_NB_POLICY`` is set, it names the file, which must exist. Otherwise the file is
    ``~/.config/vergeos-nb/policy.toml``. If that does not exist, the policy forbids nothing.

    Args:
        environ: used instead of the process's environment.
        home: used instead of the user's home directory.

    Raises:
        SettingsError: the file is missing, cannot be read, or has an invalid entry.
    """
    variables = environment(environ)
    base = home_dir(variables) if home is None else home
    named = variables.get(POLICY_VARIABLE)
    if named == "":
        raise SettingsError(
            f"reading {POLICY_VARIABLE}", "it is set but empty", "set it to the policy's file, or unset it"
        )
    if named is None and (base is None or not base.is_dir()):
        return Policy(source=f"no policy: this user has no home directory, and {POLICY_VARIABLE} is not set")
    path = at_home(named or DEFAULT_PLACE, base, POLICY_VARIABLE)
    try:
        # Newlines are not converted, so that the TOML reader sees a stray carriage return.
        text = text_of(content_of(path))
    except Unfit as unfit:
        if not unfit.missing:
            raise _unreadable(path, unfit.why) from None
        if named is None and not path.is_symlink():
            return Policy(source=f"no policy: there is no {path}")
        raise _unreadable(path, "there is no such file") from None
    return parse_policy(text, str(path))


def stopped_by(policy: Policy, home: Path | None = None) -> str | None:
    """Why the stop file forbids every change now, or None. Looks at the disk at each call.

    A broken link counts as a stop file. If it cannot be checked, changes are forbidden, too.
    """
    if not policy.stop_file:
        return None
    try:
        path = at_home(policy.stop_file, home_dir(environment()) if home is None else home, policy.source)
    except SettingsError as failure:
        return f"it cannot be checked whether the stop file {policy.stop_file} exists ({failure.came_back})"
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        return f"it cannot be checked whether the stop file {path} exists ({reason})"
    return f"the stop file {path} exists"


def _unreadable(path: Path, came_back: str) -> SettingsError:
    return SettingsError(
        f"reading the policy {path}",
        came_back,
        "make it readable. Nothing is changed while the policy is unknown.",
    )
