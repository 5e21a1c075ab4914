"""Which files the Jupyter server of this kernel serves, and by which path, so that a page can link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from vergeos_nb.settings.places import environment
from vergeos_nb.shapes import Unfit, json_of

# The link to the archive in the folder that `vergeos-nb lab` serves. The archive itself lies elsewhere.
RECORDS = "records"


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file or folder as a page of this server finds it.

    Attributes:
        path: below the server's root, with slashes.
        url: of the file in JupyterLab, from the host on.
    """

    path: str
    url: str


@dataclass(frozen=True, slots=True)
class JupyterRoot:
    """The folder that a Jupyter server serves.

    Attributes:
        base_url: begins and ends with a slash.
    """

    folder: Path
    base_url: str = "/"

    def served(self, path: Path) -> ServedFile | None:
        """This file as a page finds it, or None if it is not below the root."""
        inner = self._inner(path.absolute())
        if inner is None:
            return None
        text = inner.as_posix()
        return ServedFile(text, f"{self.base_url}lab/tree/{quote(text)}")

    def _inner(self, path: Path) -> PurePosixPath | None:
        if path.is_relative_to(self.folder):
            return PurePosixPath(path.relative_to(self.folder))
        link = self.folder / RECORDS
        try:
            records = link.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        if path.resolve().is_relative_to(records):
            return PurePosixPath(RECORDS, path.resolve().relative_to(records))
        return None


def jupyter_root(environ: Mapping[str, str] | None = None) -> JupyterRoot | None:
    """The root of the server that started this kernel, or None if it is unknown, as in Voilà or VS Code.

    The server writes it to ``jpserver-PID.json`` in Jupyter's runtime folder, and a kernel is given the PID.
    The file also holds the server's token, which is not read from here.
    """
    variables = environment(environ)
    pid = variables.get("JPY_PARENT_PID", "")
    if not pid.isdecimal() or not variables.get("JPY_SESSION_NAME") or variables.get("VOILA_KERNEL_ID"):
        return None
    # Loads slowly, and a headless run does without.
    from jupyter_core.paths import jupyter_runtime_dir

    runtime = Path(variables.get("JUPYTER_RUNTIME_DIR") or jupyter_runtime_dir())
    try:
        told = json_of((runtime / f"jpserver-{pid}.json").read_bytes())
        folder, base = Path(told["root_dir"]), str(told["base_url"])
    except (OSError, Unfit, KeyError, TypeError):
        return None
    return JupyterRoot(folder, f"/{base.strip('/')}/" if base.strip("/") else "/")
