"""The four ways to log in.

- Basic: ``Authorization: Basic …`` with every request (D-guide, pyvergeos 1.7.1).
- Bearer: ``Authorization: Bearer …`` with an API key, or with what the vendor's SDK and CLI call a token;
  both are sent alike (D-keys, pyvergeos 1.7.1, vrg 1.1.3).
- Header: the same key in the header ``x-yottabyte-token`` (csi-vergeos README).
- Session: ``POST /api/sys/tokens`` with ``login`` and ``password`` gives a token under ``$key``, which goes
  into the header ``x-yottabyte-token``; ``DELETE /api/sys/tokens/TOKEN`` ends it (D-guide). The status of a
  good login is not documented, so any 2xx is taken.
"""

from __future__ import annotations

import base64
import logging
import re
from typing import Any
from urllib.parse import quote

from vergeos_nb.errors import MissingField, WrongShape
from vergeos_nb.settings import MASK, Credentials, Secret

SESSIONS_PATH = "/api/sys/tokens"
TOKEN_HEADER = "x-yottabyte-token"


def standing_headers(credentials: Credentials | None) -> dict[str, str]:
    """The headers of every request; none for a session, because its token is not known yet."""
    if credentials is None or credentials.kind == "session":
        return {}
    secret = credentials.secret.reveal()
    if credentials.kind == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    if credentials.kind == "header":
        return {TOKEN_HEADER: secret}
    pair = base64.b64encode(f"{credentials.username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def session_headers(token: Secret) -> dict[str, str]:
    """The header that goes with every request of a session."""
    return {TOKEN_HEADER: token.reveal()}


def login_body(credentials: Credentials) -> dict[str, str]:
    """The body that begins a session."""
    return {"login": credentials.username or "", "password": credentials.secret.reveal()}


def token_from(answer: Any, asked: str) -> Secret:
    """The session's token in the answer to a login. Never repeats the answer in an error.

    Raises:
        WrongShape: the answer is not an object, or a header cannot hold the token.
        MissingField: it has no ``$key``.
    """
    next_step = "check that the host is a VergeOS system, or use an API key in place of a session"
    if not isinstance(answer, dict):
        raise WrongShape(asked, f"the answer is {type(answer).__name__}, not an object", next_step)
    if "$key" not in answer:
        raise MissingField(asked, "the answer has no field '$key'", next_step)
    token = answer["$key"]
    if not isinstance(token, str) or not re.fullmatch(r"[!-~]{4,}", token):
        raise WrongShape(asked, "its '$key' is no session token", next_step)
    return Secret(token)


def logout_path(token: Secret) -> str:
    """The path that ends a session. It holds the token, so it is never shown."""
    return f"{SESSIONS_PATH}/{quote(token.reveal(), safe='')}"


class _HideSessions(logging.Filter):
    """httpx logs every URL, and the URL of a logout holds the token."""

    _TOKEN = re.compile(rf"({re.escape(SESSIONS_PATH)}/)[^\s?#]+")

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if SESSIONS_PATH in message:
            record.msg, record.args = self._TOKEN.sub(rf"\g<1>{MASK}", message), None
        return True


logging.getLogger("httpx").addFilter(_HideSessions())
