"""The one module that calls papermill.

Three things of papermill are not used, because they are wrong or unsafe:

- the status of cells: after a timeout or a dead kernel it says ``completed``;
- its reading of parameters: its command line turns ``007`` into 7;
- its output path: a ``str.format`` over the parameters, so that a VM's name could choose the folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vergeos_nb.imports import late

# Before papermill, which loads nbformat, too.
from vergeos_nb.nb import NotebookNode, nbformat

# Papermill needs requests for notebooks that are on the web. No runbook is.
with late("requests"):
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook

ENGINE = "vergeos-nb"
KERNEL_START_S = 60


class _OurKernel(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """Runs the cells in a kernel that another module starts and stops."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, kernel: Any, keep: list[NotebookNode], **_: Any
    ) -> None:
        keep.append(nb_man.nb)
        client = PapermillNotebookClient(
            nb_man,
            km=kernel,
            kernel_name=kernel_name,
            timeout=None,
            startup_timeout=KERNEL_START_S,
            store_widget_state=False,
        )
        try:
            client.execute()
        finally:
            if client.kc is not None:
                client.kc.stop_channels()


papermill_engines.register(ENGINE, _OurKernel)
# Compiles the schema of notebooks while the kernel starts. Otherwise the reading of the runbook would do it.
nbformat.validate(nbformat.v4.new_notebook())


def execute(path: Path, parameters: Mapping[str, Any], kernel: Any) -> tuple[NotebookNode | None, str]:
    """Run a notebook's cells in a started kernel.

    Args:
        kernel: a started ``jupyter_client.KernelManager``; it stays up.

    Returns:
        The notebook as far as it was run, and the error of a cell as ``NAME: TEXT``, or "".

    Raises:
        Exception: whatever papermill and nbclient raise when the kernel dies or cannot be reached.
    """
    seen: list[NotebookNode] = []
    try:
        execute_notebook(
            str(path),
            None,
            parameters=dict(parameters),
            engine_name=ENGINE,
            progress_bar=False,
            kernel=kernel,
            keep=seen,
        )
    except PapermillExecutionError as error:
        return (seen[0] if seen else None), f"{error.ename}: {error.evalue}"
    return (seen[0] if seen else None), ""
