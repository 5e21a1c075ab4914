"""Handle unforeseen exceptions: a sentence for the user, a documented exit code, the traceback in a file."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from vergeos_nb.cli.output import Output, said
from vergeos_nb.errors import Interrupted, VergeNbError
from vergeos_nb.machine import lacking, working_directory_gone
from vergeos_nb.masking import masked

ASKED = "running vergeos-nb"


def as_ours(error: BaseException) -> VergeNbError:
    """Any exception as one of our errors."""
    if isinstance(error, VergeNbError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(
            ASKED, "Ctrl-C stopped it", "run it again; `vergeos-nb audit recover` finishes records"
        )
    # Say this first, because without a working directory relative paths do not work at all.
    if (known := lacking(error, ASKED) or working_directory_gone(ASKED)) is not None:
        return known
    return _bug(error)


def quiet_threads() -> None:
    """If a thread fails in an unforeseen way, show a sentence and write the traceback to a file."""

    def tell(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            Output(as_json=False).problem(said(as_ours(failed.exc_value)))

    def ignore(failed: Any) -> None:
        """Ignore a failure while an object is deleted, because it changes nothing."""

    threading.excepthook = tell
    sys.unraisablehook = ignore


def _bug(error: BaseException) -> VergeNbError:
    # Loads slowly, and is needed only after a bug.
    import tempfile
    import traceback

    text = masked("".join(traceback.format_exception(error)))
    what = masked(f"{type(error).__name__}: {error}".split("\n")[0])
    try:
        # Only this user may read it, whatever the umask is.
        number, path = tempfile.mkstemp(prefix="vergeos-nb-bug-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        where = f"report it with the file {path}, which holds the traceback"
    except OSError:
        where = f"report it; no file could be written, so this is where: {_where(error)}"
    return VergeNbError(ASKED, f"a bug of this program: {what}", f"nothing is repeated by itself; {where}")


def _where(error: BaseException) -> str:
    import traceback  # as above
    from pathlib import Path

    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-6:]))
