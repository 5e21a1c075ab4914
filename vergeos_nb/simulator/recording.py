"""Recording every request as JSONL; replaying.py sends a recording to a fresh simulator to compare.

The first line says how the simulator was made; each further line is one request with its answer. Secrets
(passwords, tokens, new API keys) are masked before they are written.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from vergeos_nb.simulator.messages import Request, Response

if TYPE_CHECKING:
    from vergeos_nb.simulator.simulator import Simulator

FORMAT = "vergeos-nb-simulator-recording-1"
MASK = "***"
_SECRET = re.compile(r'("(?:password|private_key|console_pass|ipmi_password)"\s*:\s*)"(?:\\.|[^"\\])*"')
TOKENS = "/api/sys/tokens"


class Recorder:
    """Writes one line for each request, flushed at once."""

    def __init__(self, path: str | Path, simulator: Simulator) -> None:
        self._file: IO[str] = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - stays open while it records
        rules = [
            {
                key: value
                for key, value in rule.items()
                if key not in ("matched", "fired") and value is not None
            }
            for rule in simulator.extra_rules()
        ]
        self._write(
            {
                "format": FORMAT,
                "scenario": simulator.scenario.name,
                "vms": simulator.vms,
                "seed": simulator.seed,
                "start": simulator.world.now,
                "username": simulator.username,
                "switches": asdict(simulator.switches),
                "faults": rules,
            }
        )

    def write(self, request: Request, response: Response, at: float, authenticated: bool) -> None:
        """Record one request with its answer."""
        self._write({"at": at, "authenticated": authenticated, **recorded_line(request, response)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, data: dict[str, Any]) -> None:
        self._file.write(json.dumps(data, separators=(",", ":")) + "\n")
        self._file.flush()


def recorded_line(request: Request, response: Response) -> dict[str, Any]:
    """Return a request and its answer as they are written down, secrets masked."""
    path = request.path
    login = path.startswith(TOKENS)
    if path.startswith(TOKENS + "/"):
        path = f"{TOKENS}/{MASK}"
    return {
        "method": request.method,
        "path": path,
        "query": request.query,
        "body": MASK if login and request.body else _text(request.body),
        "status": response.status,
        "answer": MASK if login and response.status == 201 else _text(response.body),
        "delay": response.delay,
        "drop": response.drop,
    }


def _text(body: bytes) -> str:
    try:
        return _SECRET.sub(rf'\1"{MASK}"', body.decode())
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(body).decode()
