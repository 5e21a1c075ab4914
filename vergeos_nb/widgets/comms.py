"""The kernel handles messages to our widgets in its main shell, never in the page's subshell.

JupyterLab opens subshells for comms and deletes them with the page. ipykernel handles a widget's messages
in the subshell under which it last published on the widget's comm, whichever page sends them. After a reload
that subshell is gone: the kernel answers ``UnknownSubshellError``, and the click is lost.
"""

from __future__ import annotations

from typing import Any

import comm


def keep_comms_in_the_main_shell() -> None:
    """From now on, handle the messages of new widgets in the main shell. Can be repeated.

    This is set for each comm and not for a thread, because our threads, our callbacks and ipywidgets itself
    (which echoes typed text) all publish on comms.
    """
    made_by = comm.create_comm
    if getattr(made_by, "main_shell", False):
        return

    def create(*args: Any, **kwargs: Any) -> Any:
        made = made_by(*args, **kwargs)
        if hasattr(made, "_reply_subshell_for"):
            made._reply_subshell_for = _main_shell
        return made

    create.main_shell = True  # type: ignore[attr-defined]
    comm.create_comm = create


def _main_shell(data: Any, default: str | None) -> None:
    """The subshell in which a message is handled: none, which is the main shell."""
