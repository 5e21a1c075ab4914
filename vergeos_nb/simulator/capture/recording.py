"""Write every request as a JSON line. `replaying` sends such a recording to a fresh simulator and compares.

The first line says how the simulator was made; each further line is one request with its answer. Secrets
(passwords, tokens, new API keys) are masked before they are written.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, quote_plus

from vergeos_nb.simulator.api.messages import Request, Response

FORMAT = "vergeos-nb-simulator-recording-1"
MASK = "***"
_SECRET = re.compile(r'("(?:password|private_key|console_pass|ipmi_password)"\s*:\s*)"(?:\\.|[^"\\])*"')
TOKENS = "/api/sys/tokens"


class Recorder:
    """Writes one line for each request, flushed at once."""

    def __init__(
        self, path: str | Path, header: dict[str, Any], live_secrets: Callable[[], Iterable[str]]
    ) -> None:
        """Begin a recording.

        Args:
            path: the file, which is written anew.
            header: how the simulator was made.
            live_secrets: returns the secrets that open the simulator now. None of them is written.
        """
        self._live_secrets = live_secrets
        self._username = str(header["username"])
        self._file: IO[str] = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 - stays open while it records
        self._write({"format": FORMAT, **header})

    def write(self, request: Request, response: Response, at: float, authenticated: bool) -> None:
        """Record one request with its answer."""
        self._write({"at": at, "authenticated": authenticated, **recorded_line(request, response)})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, data: dict[str, Any]) -> None:
        text = json.dumps(data, separators=(",", ":"))
        # A fault rule, a name or a log may hold a secret of this simulator, too.
        for secret in self._secrets():
            text = text.replace(secret, MASK)
        self._file.write(text + "\n")
        self._file.flush()

    def _secrets(self) -> list[str]:
        """Patterns of credentials in a line: in JSON, in JSON within JSON, in a query and in a header."""
        found: set[str] = set()
        for secret in self._live_secrets():
            pair = base64.b64encode(f"{self._username}:{secret}".encode()).decode()
            alone = base64.b64encode(secret.encode()).decode()
            for text in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), pair, alone):
                plain = json.dumps(text, ensure_ascii=False)[1:-1]
                inner = {text, plain, plain.replace("/", "\\/"), json.dumps(text)[1:-1]}
                inner |= {form.replace("/", "\\/") for form in inner}
                found |= inner | {json.dumps(form)[1:-1] for form in inner}
        return sorted((text for text in found if len(text) >= 4), key=len, reverse=True)


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
