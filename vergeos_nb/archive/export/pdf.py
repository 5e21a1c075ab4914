"""A page as PDF, printed by Chromium without network and with an empty profile."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from vergeos_nb import settings
from vergeos_nb.errors import RecordError, UsageError

PRINT_S = 120.0


# The checkbox in the page's template: if it is checked, folded parts are printed, too.
ASKED = b'id="appendix"'


def as_pdf(page: Path, *, appendix: bool = False) -> bytes:
    """The page on A4, tagged, in the light colours of paper.

    Args:
        appendix: print the folded parts, too. A page of an older version is always printed whole.

    Raises:
        UsageError: there is no Chromium.
        RecordError: Chromium could not print it.
    """
    chromium = settings.chromium()
    if chromium is None:
        raise UsageError(
            "printing a PDF",
            "there is no Chromium on this machine",
            "install one (Debian: apt-get install chromium-headless-shell), or name it in "
            "VERGEOS_NB_CHROMIUM; or export html and print that page in any browser",
        )
    with tempfile.TemporaryDirectory(prefix="vergeos-nb-") as scratch:
        target, printed = Path(scratch) / "page.pdf", Path(scratch) / "page.html"
        content = page.read_bytes()
        printed.write_bytes(content.replace(ASKED, ASKED + b" checked", 1) if appendix else content)
        command = [
            str(chromium), "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch}/profile", "--no-pdf-header-footer", f"--print-to-pdf={target}",
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium does not start as root with its sandbox. The page is our own and has no script.
            command.append("--no-sandbox")
        try:
            said, code = _run([*command, printed.as_uri()])
            return target.read_bytes()
        except subprocess.TimeoutExpired as error:
            why = f"it was not done after {PRINT_S:g} s"
            raise _not_printed(chromium, why) from error
        except FileNotFoundError as error:
            last = said.strip().splitlines()[-1:] or [f"it ended with {code}"]
            raise _not_printed(chromium, last[0]) from error
        except OSError as error:
            raise _not_printed(chromium, error.strerror or str(error)) from error


def _run(command: Sequence[str]) -> tuple[str, int]:
    """What it wrote to its standard error, and its exit code."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            _, said = process.communicate(timeout=PRINT_S)
        except BaseException:
            # The program may be a script, and the browser its child: the whole group is ended.
            # It may have ended by itself meanwhile.
            with suppress(OSError, AttributeError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            raise
        return said, process.returncode


def _not_printed(chromium: Path, why: str) -> RecordError:
    return RecordError(
        f"printing a PDF with {chromium}", why, "export html and print that page in any browser"
    )
