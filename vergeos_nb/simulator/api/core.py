"""The core behind both doors: it turns a request into a response. It uses no sockets."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from vergeos_nb.simulator.api import rest
from vergeos_nb.simulator.api.logins import Accounts, Identity
from vergeos_nb.simulator.api.messages import ApiError, Request, Response
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.simulator.world.world import World

logger = logging.getLogger(__name__)

SERVER = "vergeos-nb-simulator"
"""The `Server` header of every answer. It tells a client that the system is simulated."""

MAX_BODY = 5_000_000
"""The longest request body that is accepted, in bytes (assumed)."""


class Core:
    """Answers requests on the imitated API from a world and its accounts."""

    def __init__(self, world: World, accounts: Accounts) -> None:
        self.world = world
        self.accounts = accounts

    def execute(self, request: Request) -> Response:
        """Answer a request. Every failure becomes an answer, too; a bug in the simulator is a 500."""
        try:
            return self._route(request)
        except ApiError as error:
            answer = self.answer(request, error.status, {self.world.switches.error_key: error.text})
            return replace(answer, delay=error.delay)
        except RecursionError:
            return self.answer(request, 422, {self.world.switches.error_key: "Invalid argument"})
        except Exception:
            logger.exception("the simulator failed on %s %s?%s", request.method, request.path, request.query)
            return self.answer(request, 500, {self.world.switches.error_key: "Bug in the simulator"})

    def answer(self, request: Request, status: int, data: Any) -> Response:
        """Make a JSON answer (None: an empty body) with the headers every answer carries."""
        if data is None:
            body = b""
        elif "x-json-non-compact" in request.headers:
            body = json.dumps(data, indent=4).encode()
        else:
            # Compact answers escape the slash (the reply to a token request in D-guide shows it).
            body = json.dumps(data, separators=(",", ":")).replace("/", "\\/").encode()
        return Response(status, self.headers(), body)

    def faulty(self, request: Request, rule: Rule) -> Response:
        """Make the answer that a fault rule gives in place of the core's."""
        status = rule.status if rule.status is not None else 200
        headers = {**self.headers(), **rule.headers}
        if rule.not_json:
            page = b"<!DOCTYPE html><html><body><h1>Not what you asked for</h1></body></html>"
            return Response(status, {**headers, "Content-Type": "text/html"}, page)
        if rule.body is not None:
            return Response(status, headers, rule.body.encode())
        text = rule.text or f"Simulated fault {rule.name}"
        body = self.answer(request, status, {self.world.switches.error_key: text}).body
        return Response(status, headers, body)

    def headers(self) -> dict[str, str]:
        """The headers of every answer; `Date` is the simulator's own clock."""
        return {
            "Server": SERVER,
            "Date": formatdate(self.world.now, usegmt=True),
            "Content-Type": "application/json",
        }

    def _route(self, request: Request) -> Response:
        path = request.path
        if path == "/version.json":
            return self._version(request)
        if path == "/api/sys/tokens" or path.startswith("/api/sys/tokens/"):
            return self._tokens(request, path.removeprefix("/api/sys/tokens").strip("/"))
        parts = [unquote(part) for part in path.strip("/").split("/")]
        if parts[:2] != ["api", "v4"]:
            raise ApiError(404, f"Resource '{path}' not found")
        identity = self.accounts.identify(self.world, request.headers)
        return self._table(request, identity, [part for part in parts[2:] if part])

    def _version(self, request: Request) -> Response:
        _only(request, "GET")
        system = next(iter(self.world.tables["system"].values()), {})
        data = {"name": "v4", "version": system.get("os_version", ""), "hash": "9f2c51d0"}
        return self.answer(request, 200, data)

    def _tokens(self, request: Request, token: str) -> Response:
        if token:
            _only(request, "DELETE")
            self.accounts.identify(self.world, request.headers)
            self.accounts.logout(token)
            return self.answer(request, 200, {})
        _only(request, "POST")
        body = read_body(request)
        made = self.accounts.login(self.world, str(body.get("login", "")), str(body.get("password", "")))
        receipt = {"location": f"/sys/tokens/{made}", "dbpath": f"tokens/{made}", "$row": 1, "$key": made}
        return self.answer(request, 200, receipt)  # GO 0.4.0 changelog, recorded

    def _table(self, request: Request, identity: Identity, parts: list[str]) -> Response:
        if request.method not in ("GET", "POST", "PUT", "DELETE"):
            raise ApiError(405, f"Method '{request.method}' is not allowed")
        if request.method != "GET" and not identity.may_write:
            if parts:
                rest.table_spec(parts[0])
            raise ApiError(403, "Permission denied")
        if not parts:
            _only(request, "GET")
            return self.answer(request, 200, rest.list_tables())
        shapes: dict[tuple[str, int], Callable[[], tuple[int, Any]]] = {
            ("GET", 1): lambda: (200, rest.read_table(self.world, parts[0], request.params)),
            ("GET", 2): lambda: (200, rest.read_row(self.world, parts[0], parts[1], request.params)),
            ("POST", 1): lambda: (201, rest.create(self.world, parts[0], read_body(request), identity.user)),
            ("POST", 3): lambda: (
                200,
                rest.act(self.world, *_three(parts), read_body(request), identity.user),
            ),
            ("PUT", 2): lambda: (200, self._change(request, parts, identity)),
            ("DELETE", 2): lambda: (200, rest.delete(self.world, parts[0], parts[1])),
        }
        shape = shapes.get((request.method, len(parts)))
        if shape is None:
            rest.table_spec(parts[0])
            raise ApiError(405, f"Method '{request.method}' is not allowed for '/v4/{'/'.join(parts)}'")
        status, data = shape()
        return self.answer(request, status, data)

    def _change(self, request: Request, parts: list[str], identity: Identity) -> Any:
        action = request.params.get("action", "")
        body = read_body(request)
        rest.change(self.world, parts[0], parts[1], body, identity.user, action)
        if parts == ["users", "1"] and isinstance(body.get("password"), str):
            self.accounts.change_password(self.world, body["password"])
        answers: dict[str, Any] = {"object": {}, "list": [], "nothing": None}
        return answers[self.world.switches.put_answers]


def read_body(request: Request, longest: int = MAX_BODY) -> dict[str, Any]:
    """Read a JSON object, with any content type. An empty body is an empty object.

    Raises:
        ApiError: 400 if it is no JSON object.
    """
    if not request.body.strip():
        return {}
    if len(request.body) > longest:
        raise ApiError(400, "Request body is too large")
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise ApiError(400, "Request body is not JSON") from None
    if not isinstance(data, dict):
        raise ApiError(400, "Request body is not an object")
    return data


def _three(parts: list[str]) -> tuple[str, str, str]:
    return parts[0], parts[1], parts[2]


def _only(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, f"Method '{request.method}' is not allowed for '{request.path}'")
