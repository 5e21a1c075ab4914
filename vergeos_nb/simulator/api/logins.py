"""Authentication: Basic, API key as Bearer, session token by header or cookie.

Facts: D-guide (`x-yottabyte-token`, POST and DELETE /api/sys/tokens), D-keys (Bearer since 26.0),
D-adv-set (session lifetimes), csi-vergeos README (API keys in `x-yottabyte-token`), GO 0.4.0 changelog (401
for a wrong password), Ansible collection 2.2.0 D5 (`Login required`). That there is no WWW-Authenticate
header, which would make browsers ask, is assumed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from vergeos_nb.simulator.api.messages import ApiError
from vergeos_nb.simulator.world.world import World

TOKEN_LIFETIME = 259_200
"""Absolute lifetime of a session in seconds (D-adv-set)."""

TOKEN_IDLE = 86_400
"""A session ends when it was not used for so many seconds (D-adv-set)."""

CACHED_SECONDS = 60.0
"""Seconds for which the old password still works (TF acceptance test, recorded; the time is assumed)."""

MAX_SESSIONS = 100
"""The most sessions of a user (release notes 26.1). A further login ends the oldest one (assumed)."""


@dataclass(frozen=True)
class Identity:
    """The recognised user, and whether the user may change anything."""

    user: str
    may_write: bool


@dataclass
class Session:
    """A login. Times are in seconds of the simulator's clock."""

    user: str
    created: float
    used: float


@dataclass
class Accounts:
    """The credentials of one simulated system; they are never part of a dump."""

    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    role: str = "admin"
    expired: bool = False
    sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    cached: tuple[str, float] = field(default=("", 0.0), repr=False)

    def identify(self, world: World, headers: Mapping[str, str]) -> Identity:
        """Return who sent a request.

        Raises:
            ApiError: 401 for no credentials, wrong ones, or expired ones.
        """
        user = self._user(world, headers)
        if user is None:
            raise ApiError(401, "Login required")
        return Identity(user, self.role == "admin")

    def _user(self, world: World, headers: Mapping[str, str]) -> str | None:
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            fits = self.password_fits(*_basic(value)) or self._is_cached(world, *_basic(value))
            return self.username if fits else None
        if scheme.lower() == "bearer":
            found = self._bearer(world, value.strip())
            if found is None and world.switches.bearer_accepts_session_tokens:
                found = self._session(world, value.strip())
            return found
        token = headers.get("x-yottabyte-token") or _cookie(headers.get("cookie", ""))
        return (self._session(world, token) or self._bearer(world, token)) if token else None

    def change_password(self, world: World, password: str) -> None:
        """Take a new password. By switch the old one still works for a while."""
        if world.switches.basic_is_cached:
            self.cached = (self.password, world.now + CACHED_SECONDS)
        self.password = password

    def _is_cached(self, world: World, username: str, password: str) -> bool:
        old, until = self.cached
        same = hmac.compare_digest(password.encode(), old.encode()) and username == self.username
        return world.now < until and same

    def password_fits(self, username: str, password: str) -> bool:
        """Compare a user name and a password with this system's, in constant time."""
        same = hmac.compare_digest(username.encode(), self.username.encode())
        return hmac.compare_digest(password.encode(), self.password.encode()) and same

    def _bearer(self, world: World, value: str) -> str | None:
        if hmac.compare_digest(value.encode(), self.api_key.encode()):
            return None if self.expired else self.username
        key = world.api_secrets.get(value)
        row = world.get("user_api_keys", key)
        if row is None or 0 < row.get("expires", 0) <= world.now:
            return None
        owner = world.get("users", row.get("user"))
        return str(owner["name"]) if owner else None

    def login(self, world: World, username: str, password: str) -> str:
        """Open a session and return its token.

        Raises:
            ApiError: 401 if the credentials are wrong.
        """
        if not self.password_fits(username, password):
            raise ApiError(401, "Login failed")
        while len(self.sessions) >= MAX_SESSIONS:
            del self.sessions[min(self.sessions, key=lambda token: self.sessions[token].created)]
        token = secrets.token_hex(19)
        self.sessions[token] = Session(username, world.now, world.now)
        return token

    def logout(self, token: str) -> None:
        """Close a session.

        Raises:
            ApiError: 404 if there is none with this token.
        """
        if self.sessions.pop(token, None) is None:
            raise ApiError(404, "Resource '/sys/tokens' not found")

    def _session(self, world: World, token: str) -> str | None:
        session = self.sessions.get(token)
        if session is None or self.expired:
            return None
        if world.now - session.created > TOKEN_LIFETIME or world.now - session.used > TOKEN_IDLE:
            del self.sessions[token]
            return None
        session.used = world.now
        return session.user


def _basic(value: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return user, password


def _cookie(header: str) -> str | None:
    try:
        found = SimpleCookie(header).get("token")
    except CookieError:
        return None
    return found.value if found else None
