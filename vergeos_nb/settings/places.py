"""Proxies, authorities, folders and the kind of display. Only this module reads ``os.environ``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vergeos_nb.errors import SettingsError
from vergeos_nb.settings.secret import Secret
from vergeos_nb.shapes import is_file, is_folder
from vergeos_nb.words import did_you_mean

POLICY_VARIABLE = "VERGEOS_NB_POLICY"
SIGNING_KEY = "VERGEOS_NB_SIGNING_KEY"
ALLOWED_SIGNERS = "VERGEOS_NB_ALLOWED_SIGNERS"
CHROMIUM = "VERGEOS_NB_CHROMIUM"
MIRROR = "VERGEOS_NB_MIRROR"
# The names that distributions and vendors give to the program. Those that cannot open a window come first:
# they need no library of a screen and start sooner.
_BROWSERS = (
    "chromium-headless-shell", "chrome-headless-shell",
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome",
)  # fmt: skip
UI_WORDS = ("static", "live")
# Variables that hold the path of a file or folder.
_PATHS = (
    POLICY_VARIABLE, SIGNING_KEY, ALLOWED_SIGNERS, CHROMIUM, MIRROR, "VERGEOS_NB_RUNTIME_DIR",
    "VERGE_CA_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
_JUPYTER_PLACES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}
# Variables that hold several paths, as OpenSSL reads them.
_LISTS = ("SSL_CERT_DIR",)
_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class AmbientNetwork:
    """The machine's settings for connections: proxies and trusted authorities.

    Attributes:
        https_proxy: the proxy for https. Secret, because its URL can hold a password.
        http_proxy: the proxy for plain http. It is never used for the platform.
        no_proxy: hosts that are reached without a proxy, as written in ``NO_PROXY``.
        ca_file: PEM file of trusted authorities, or None for the system's.
        ca_dirs: directories of trusted authorities. Some may not exist.
        ca_source: the variables that `ca_file` and `ca_dirs` come from.
    """

    https_proxy: Secret | None = None
    http_proxy: Secret | None = None
    no_proxy: tuple[str, ...] = ()
    ca_file: Path | None = None
    ca_dirs: tuple[Path, ...] = ()
    ca_source: str = ""


def environment(environ: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The given variables, or those of this process if None."""
    return os.environ if environ is None else environ


def home_dir(environ: Mapping[str, str]) -> Path | None:
    """The user's home directory, or None. In a container or under a service manager there may be none."""
    if home := environ.get("HOME"):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:
        return None  # the user's number is in no user database


def at_home(text: str, home: Path | None, where: str) -> Path:
    """The path in a text. A leading ``~/`` is the home directory.

    Args:
        where: the place of the text, for errors.

    Raises:
        SettingsError: the text begins with ``~/`` and there is no home directory.
    """
    if not text.startswith("~/"):
        return Path(text)
    if home is None:
        raise SettingsError(
            f"reading {where}",
            f"{text} is below the home directory, and this user has none",
            "write the full path, or set HOME",
        )
    return home / text[2:]


def from_home(text: str) -> Path:
    """The path that a person typed. A leading ``~/`` is the home directory.

    Raises:
        SettingsError: the text begins with ``~/`` and there is no home directory.
    """
    return at_home(text, home_dir(environment()), "the path")


def ambient_network(environ: Mapping[str, str] | None = None) -> AmbientNetwork:
    """Proxies and authorities, read as curl, requests and OpenSSL read them. No network is used.

    - ``https_proxy`` wins over ``all_proxy``, and lower case over upper case.
    - ``SSL_CERT_FILE`` wins over ``REQUESTS_CA_BUNDLE``, and that over ``CURL_CA_BUNDLE``. A bundle may be a
      directory.
    - ``SSL_CERT_DIR`` is a list like ``PATH``. ``NO_PROXY`` is a list with commas or blanks between hosts.
    """
    variables = environment(environ)

    def proxy(*names: str) -> Secret | None:
        found = (variables.get(spelled, "").strip() for name in names for spelled in (name.lower(), name))
        return next((Secret(url, is_url=True) for url in found if url), None)

    bundles = [(name, Path(variables[name])) for name in _CA_FILES if variables.get(name)]
    listed = [Path(one) for one in variables.get("SSL_CERT_DIR", "").split(os.pathsep) if one]
    directories = [("SSL_CERT_DIR", listed)] if listed else []
    directories += [(name, [path]) for name, path in bundles if is_folder(path)]
    files = [bundle for bundle in bundles if not is_folder(bundle[1])]
    used = [name for name, _ in files[:1]] + [name for name, _ in directories[:1]]
    return AmbientNetwork(
        https_proxy=proxy("HTTPS_PROXY", "ALL_PROXY"),
        http_proxy=proxy("HTTP_PROXY", "ALL_PROXY"),
        no_proxy=tuple(
            (variables.get("no_proxy") or variables.get("NO_PROXY") or "").replace(",", " ").split()
        ),
        ca_file=files[0][1] if files else None,
        ca_dirs=tuple(directories[0][1]) if directories else (),
        ca_source=", ".join(used),
    )


def outputs_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The archive's folder: ``VERGEOS_NB_OUTPUTS``, or ``outputs`` in the working directory."""
    return Path(environment(environ).get("VERGEOS_NB_OUTPUTS") or "outputs")


def chromium(environ: Mapping[str, str] | None = None) -> Path | None:
    """The Chromium that prints pages: the file in ``VERGEOS_NB_CHROMIUM``, or the first one on ``PATH``.

    A headless shell comes before a whole browser, wherever on ``PATH`` it lies.

    Raises:
        SettingsError: the variable names no file.
    """
    variables = environment(environ)
    if named := variables.get(CHROMIUM):
        if not is_file(Path(named)):
            raise SettingsError(
                f"reading {CHROMIUM}", f"there is no file {named}", "give the program's own path"
            )
        return Path(named)
    found = (shutil.which(name, path=variables.get("PATH")) for name in _BROWSERS)
    return next((Path(path) for path in found if path), None)


def run_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """The folder of the run that this kernel belongs to (``VERGEOS_NB_RUN_DIR``), or None."""
    folder = environment(environ).get("VERGEOS_NB_RUN_DIR")
    return Path(folder) if folder else None


def kernel_environ(
    run: Path,
    outputs: Path,
    extra: Mapping[str, str],
    ipython: Path,
    environ: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of a headless run's kernel: this process's variables, and those that name its run.

    Args:
        run: the folder of the run.
        outputs: the archive's folder.
        extra: more variables, for this kernel only.
        ipython: an empty folder, used instead of the user's ``~/.ipython``.
    """
    variables = _anchored(environment(environ))
    # The user's startup file would run before the runbook. Its names would look like mistyped parameters.
    variables.pop("PYTHONSTARTUP", None)
    return {
        **variables,
        "IPYTHONDIR": str(ipython.absolute()),
        **extra,
        "VERGEOS_NB_RUN_DIR": str(run.absolute()),
        "VERGEOS_NB_OUTPUTS": str(outputs.absolute()),
        "VERGEOS_NB_UI": "static",
    }


def jupyter_environ(folder: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that make Jupyter and IPython keep their files in this folder. What the user has set stays.

    Without a home directory Jupyter does not start unless these are set.
    """
    variables = environment(environ)
    return {name: str(folder / place) for name, place in _JUPYTER_PLACES.items() if not variables.get(name)}


def give_jupyter_a_place(folder: Path) -> None:
    """Make this process and its children keep Jupyter's files in this folder."""
    os.environ.update(jupyter_environ(folder))


def lab_environ(
    config: Path, outputs: Path, token: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of a JupyterLab: this process's variables, its configuration and its token.

    Variables that would make its kernels look headless, or part of a run, are left out.

    Args:
        config: the folder of our configuration. Jupyter reads it before the user's own.
    """
    variables = _anchored(environment(environ))
    for name in ("VERGEOS_NB_UI", "VERGEOS_NB_RUN_DIR", "JPY_SESSION_NAME"):
        variables.pop(name, None)
    paths = [str(config), *filter(None, [variables.get("JUPYTER_CONFIG_PATH", "")])]
    return {
        **variables,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(paths),
        "JUPYTER_TOKEN": token,
        "VERGEOS_NB_OUTPUTS": str(outputs.absolute()),
    }


def _anchored(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables with their paths made absolute, because a kernel works in another directory."""
    variables = dict(environ)
    for name in _PATHS:
        if paths := variables.get(name):
            variables[name] = os.pathsep.join(
                map(_absolute, paths.split(os.pathsep if name in _LISTS else "\0"))
            )
    return variables


def _absolute(path: str) -> str:
    # A URL, and a path below the home directory, are returned unchanged.
    return path if not path or path.startswith("~/") or "://" in path else str(Path(path).absolute())


def runtime_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """The folder in which running processes announce themselves, or None if there is none.

    It is ``VERGEOS_NB_RUNTIME_DIR``, a folder in ``XDG_RUNTIME_DIR``, or the user's cache directory. No
    directory that others can write to is used. A user without a home directory has no cache directory. A
    relative ``XDG_RUNTIME_DIR`` is ignored, as its specification demands.
    """
    variables = environment(environ)
    folder, runtime = variables.get("VERGEOS_NB_RUNTIME_DIR"), variables.get("XDG_RUNTIME_DIR") or ""
    if folder or Path(runtime).is_absolute():
        return Path(folder) if folder else Path(runtime) / "vergeos-nb"
    from platformdirs import user_cache_path

    try:
        return user_cache_path("vergeos-nb", appauthor=False)
    except RuntimeError:
        return None


def is_static(environ: Mapping[str, str] | None = None) -> bool:
    """True if ``VERGEOS_NB_UI`` is ``static``, as in all headless runs: nobody can click."""
    return environment(environ).get("VERGEOS_NB_UI") == "static"


def session_name(environ: Mapping[str, str] | None = None) -> str:
    """The name that Jupyter's server or Voilà gave to this kernel's notebook, or ""."""
    variables = environment(environ)
    return variables.get("JPY_SESSION_NAME") or variables.get("VOILA_KERNEL_ID") or ""


def is_live(environ: Mapping[str, str] | None = None) -> bool:
    """True if a browser shows this kernel's output, so that a person can click.

    Jupyter's server sets ``JPY_SESSION_NAME``, and Voilà sets ``VOILA_KERNEL_ID``.
    ``VERGEOS_NB_UI=static`` or ``live`` overrides this detection.

    Raises:
        SettingsError: ``VERGEOS_NB_UI`` has another value.
    """
    variables = environment(environ)
    wanted = variables.get("VERGEOS_NB_UI")
    if wanted:
        if wanted not in UI_WORDS:
            meant = did_you_mean(wanted, UI_WORDS)
            raise SettingsError("reading VERGEOS_NB_UI", f"{wanted!r} is unknown", meant)
        return wanted == "live"
    return bool(variables.get("JPY_SESSION_NAME") or variables.get("VOILA_KERNEL_ID"))
