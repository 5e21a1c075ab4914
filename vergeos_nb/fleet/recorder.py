"""A process that makes the records of a fleet's runs and of the fleet run itself.

Making a record takes processor time. In a process of its own it does not delay the runs.

The process reads JSON lines: first the secrets that no record may hold, then one folder per line. For each
folder it answers with the reason why the record could not be made, or "". It ends when its input ends, so it
also ends if its parent is killed. `fleet resume` or `audit recover` makes missing records.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from vergeos_nb.archive.finishing import finish_record
from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.errors import VergeNbError
from vergeos_nb.words import counted


def make_record(folder: Path, secrets: Sequence[str]) -> str:
    """Make and seal one record. Returns why it could not be made, or ""."""
    try:
        finish_record(folder, Scrubber(tuple(secrets)))
    except VergeNbError as error:
        return f"{folder.name}: {error}"
    except Exception as error:  # the run has ended, and its journal holds it all
        return f"{folder.name}: {type(error).__name__}: {error}"
    return ""


class RecordMaker:
    """The parent's end."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # In a session of its own, so that Ctrl-C and a closed terminal reach only the parent.
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._asked = 0
        self._answers: list[str] = []
        self._reading = threading.Thread(target=self._read, name="recorder", daemon=True)
        self._reading.start()
        self._send(list(secrets))

    def add(self, folder: Path) -> None:
        """Have a record made; does not wait for it."""
        with self._lock:
            self._asked += 1
        self._send(str(folder))

    def close(self) -> list[str]:
        """Wait until all are made. Returns why some could not be made."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.wait()
        self._reading.join()
        missing = self._asked - len(self._answers)
        troubles = [answer for answer in self._answers if answer]
        if missing:
            troubles.append(f"not made: {counted(missing, 'record')}; `vergeos-nb audit recover` makes them")
        return troubles

    def _send(self, line: object) -> None:
        assert self._process.stdin is not None
        try:
            with self._lock:
                self._process.stdin.write(json.dumps(line) + "\n")
                self._process.stdin.flush()
        except OSError:
            return  # it died; `close` counts what is missing

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as answers:
            for line in answers:
                # A library may print something else. It is skipped.
                with contextlib.suppress(ValueError):
                    self._answers.append(json.loads(line))


def main() -> None:
    """Make records until the input ends."""
    secrets = json.loads(sys.stdin.readline() or "[]")
    for line in sys.stdin:
        print(json.dumps(make_record(Path(json.loads(line)), secrets)), flush=True)


if __name__ == "__main__":
    main()
