"""The wire: every request to a VergeOS system goes through here and becomes an exchange.

Reads are repeated when a failure may pass (`retries`); a changing call is sent exactly once, on its own
connection. Secrets are put into headers and into the body of a login, and nowhere else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx

from vergeos_nb.client.scrub import Scrubber
from vergeos_nb.client.transport import failures, login
from vergeos_nb.client.transport.answer import FEW, KEPT_WHOLE_BYTES, Answer, Bounds, Taking
from vergeos_nb.client.transport.deadline import within
from vergeos_nb.client.transport.network import new_client, time_limits, tls_context
from vergeos_nb.client.transport.proxies import proxy_address, proxy_for, proxy_secrets
from vergeos_nb.client.transport.retries import read_again
from vergeos_nb.clock import Clock, SystemClock
from vergeos_nb.errors import (
    ApiError,
    AuthError,
    ErrorInAnswer,
    LoginFailed,
    RecordError,
    SettingsError,
    VergeNbError,
)
from vergeos_nb.settings import MASK, AmbientNetwork, Profile, Secret, ambient_network, secrets_of, spellings
from vergeos_nb.vergeos.exchange import Exchange, Request, api_path

MIN_GAP_S = 0.05
"""Assumption: seconds from one request's start to the next one's, on average. Beyond about 50 requests in a
short window the platform drops the connection instead of answering 429 (govergeos, which suggests this gap
and keeps it between starts: ``WithRateLimit``). Switched by the profile's ``paced``."""

BURST = 8
"""The most reads that may follow each other at once after a pause, as at the start of a run. The gap is
kept on average, so that in any second there are fewer than 30. A changing request always keeps the gap."""

LOGOUT_LIMIT_S = 5.0
"""Seconds for the logout, so that a stuck system does not delay the run's end. A session ends by itself
after a day (D-adv-set)."""

KEPT_IN_ALL_BYTES = 8 * 1024 * 1024
"""Bytes. When a wire has kept so much of whole answers, it keeps all later answers in brief."""

OnIntent = Callable[[Request], None]
OnExchange = Callable[[Exchange], None]


class _Sending(Request, frozen=True, kw_only=True):
    """A request, and how it is sent.

    Attributes:
        hidden_path: where it goes, if its path holds a secret; the exchange shows the other one.
        confidential: whether body and answer hold secrets.
        raw: whether the answer stays bytes; the exchange keeps only its hash and size then.
        limit_s: in place of the profile's.
    """

    asked: str
    hidden_path: str = ""
    changing: bool = False
    bounds: Bounds = FEW
    confidential: bool = False
    raw: bool = False
    limit_s: float | None = None


class Wire:
    """One system's wire. A context manager: leaving it ends the session, if any, and closes connections.

    Args:
        profile: a profile with a host; ``connect.simulated`` completes the built-in simulator profile first.
        network: what the machine says about proxies and authorities.
        clock: the source of time.
        on_intent: called with the request right before a changing call is sent. An exception from
            it stops the call.
        on_exchange: called with every exchange, failed ones and repetitions too, each with its own number. An
            exception from it is raised, although the call has been made.
        transport: used instead of the network.
        kept: the exchange holds an answer of up to this many bytes whole. None keeps all of them, for
        callers that keep no exchanges.
        pace: waits until the next request may be sent, if several wires share one limit. By default a wire
            keeps `MIN_GAP_S` on average, with a `BURST` after a pause.

    Raises:
        SettingsError: the profile has no host yet, or its CA file or the proxy cannot be used.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        network: AmbientNetwork | None = None,
        clock: Clock | None = None,
        on_intent: OnIntent | None = None,
        on_exchange: OnExchange | None = None,
        transport: httpx.BaseTransport | None = None,
        pace: Callable[[], None] | None = None,
        kept: int | None = KEPT_WHOLE_BYTES,
    ) -> None:
        if not profile.host:
            raise SettingsError(
                f"reaching the profile {profile.name!r}",
                "it has no host yet",
                "open it with connect.simulated.open_profile, which starts or finds the simulator",
            )
        ambient = ambient_network() if network is None else network
        proxy = proxy_for(profile.host, ambient)
        # What stands in for the network checks no certificate.
        tls = tls_context(profile, ambient) if transport is None else None
        self.profile = profile
        self._clock = SystemClock() if clock is None else clock
        self._on_intent = on_intent
        self._on_exchange = on_exchange
        self._proxy = proxy_address(proxy) if proxy else ""
        self._scrubber = Scrubber((*secrets_of(profile), *proxy_secrets(proxy)))
        self._headers = login.standing_headers(profile.credentials)
        self._reading, self._changing = (
            new_client(profile, proxy, tls, keep_alive=again, transport=transport, network=ambient)
            for again in (True, False)
        )
        self._lock = threading.RLock()
        self._token: Secret | None = None
        self._count = 0
        self._last_at = self._due_at = float("-inf")
        self._pace = pace
        self._kept, self._kept_in_all = kept, 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be written anywhere: the profile's, the proxy's and the session's."""
        return self._scrubber.secrets

    def read(
        self, table_path: str, /, *, asked: str | None = None, bounds: Bounds = FEW, **query: str
    ) -> Any:
        """The decoded JSON at a path below ``/api/v4``. Changes nothing; repeated on failures that may pass.

        Args:
            table_path: such as ``vms`` or ``machines/54``.
            asked: what this is for, for messages.
            bounds: the largest possible answer. A larger one is refused and not read to its end.
            query: ``fields``, ``filter``, ``sort``, ``limit``, ``offset``, not yet encoded.

        Raises:
            ApiError, AuthError: there is no good answer.
        """
        return self.read_answer(table_path, asked=asked, raw=False, bounds=bounds, **query).data

    def read_answer(
        self,
        table_path: str,
        /,
        *,
        asked: str | None = None,
        raw: bool = False,
        bounds: Bounds = FEW,
        **query: str,
    ) -> Answer:
        """As `read`, but with the whole answer and not only its data.

        Args:
            raw: return the answer's bytes undecoded. The exchange then holds only their number and SHA-256.
                For lists that are too large for a record.
        """
        path = api_path(table_path)
        asked = asked or f"read {table_path}"
        request = _Sending("GET", path, query=query, asked=asked, raw=raw, bounds=bounds)
        self._log_in()
        return read_again(lambda attempt: self._send(request, attempt), self._clock)

    def change(
        self, method: str, table_path: str, body: Mapping[str, Any], /, *, asked: str | None = None
    ) -> Any:
        """Send a changing call, exactly once, and give the decoded JSON of its answer, if there is any.

        Any 2xx without an error counts as accepted, because the answers to changes are hardly documented
        (D-guide; pyvergeos 1.7.1 measured ``{}`` and empty bodies).

        Raises:
            ApiError, AuthError: it was not accepted, or that is unknown; see ``may_have_executed``.
        """
        path = api_path(table_path)
        request = _Sending(method, path, dict(body), asked=asked or f"change {table_path}", changing=True)
        self._log_in()
        return self._send(request, 1).data

    def close(self) -> None:
        """End the session, if there is one, and close all connections. Can be repeated.

        It never fails because of the network, the system or the journal.
        """
        try:
            self._log_out()
        finally:
            self._reading.close()
            self._changing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _log_in(self) -> None:
        credentials = self.profile.credentials
        with self._lock:
            if credentials is None or credentials.kind != "session" or self._token is not None:
                return
            request = _Sending(
                "POST", login.SESSIONS_PATH, login.login_body(credentials),
                asked=f"logging in as {credentials.username}", confidential=True,
            )  # fmt: skip
            try:
                answer = read_again(lambda attempt: self._send(request, attempt), self._clock)
            except ErrorInAnswer as no:
                raise LoginFailed(no.asked, no.came_back, no.next_step, status=200) from no
            self._token = login.token_from(answer.data, request.asked)
            self._scrubber.add(spellings(self._token.reveal()))
            self._headers = login.session_headers(self._token)

    def _log_out(self) -> None:
        with self._lock:
            if self._token is None:
                return
            request = _Sending(
                "DELETE", f"{login.SESSIONS_PATH}/{MASK}", asked="logging out", confidential=True,
                hidden_path=login.logout_path(self._token),
                limit_s=min(self.profile.timeout_s, LOGOUT_LIMIT_S),
            )  # fmt: skip
            self._token = None
            try:
                self._send(request, 1)
            except (ApiError, AuthError, RecordError):
                return  # nothing depends on it
            finally:
                self._headers = {}

    def _send(self, request: _Sending, attempt: int) -> Answer:
        content = None if request.body is None else json.dumps(request.body, allow_nan=False).encode()
        with self._lock:
            self._keep_distance(request)
            if request.changing and self._on_intent is not None:
                self._on_intent(request)
            call = self._call(request)
            taking = Taking(self._clock, request.bounds)
            self._last_at = now = self._clock.monotonic()
            self._due_at = max(self._due_at, now) + MIN_GAP_S
            try:
                answer = self._exchanged(request, content, taking, call)
            except BaseException as failure:  # an interrupted call is an exchange, too
                self._note(request, attempt, taking, failure)
                raise
            self._note(request, attempt, taking, None)
            return answer

    def _exchanged(
        self, request: _Sending, content: bytes | None, taking: Taking, call: failures.CallContext
    ) -> Answer:
        """One exchange. Every exception while the answer is read becomes an error of ours."""
        try:
            self._transfer(request, content, taking, call)
            return taking.judge(call, raw=request.raw)
        except VergeNbError:
            raise
        except Exception as failure:
            if taking.status is None:
                raise  # no answer has to do with it
            raise failures.unforeseen(failure, call) from failure

    def _keep_distance(self, request: _Sending) -> None:
        if self._pace is not None:
            self._pace()
        elif self.profile.paced:
            may_at = self._due_at - (BURST - 1) * MIN_GAP_S
            if request.changing:
                may_at = max(may_at, self._last_at + MIN_GAP_S)
            rest = may_at - self._clock.monotonic()
            if rest > 0:
                self._clock.sleep(rest)

    def _call(self, request: _Sending) -> failures.CallContext:
        return failures.CallContext(
            asked=self._scrubber.text(request.asked),
            method=request.method,
            path=request.path,
            host=self.profile.host,
            timeout_s=request.limit_s or self.profile.timeout_s,
            proxy=self._proxy,
            changing=request.changing,
            confidential=request.confidential,
            filtered="filter" in request.query or "limit" in request.query,
            mask=self._scrubber.text,
        )

    def _transfer(
        self, request: _Sending, content: bytes | None, taking: Taking, call: failures.CallContext
    ) -> None:
        client = self._changing if request.changing else self._reading
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/json"}
        query = dict(request.query) or None
        try:
            with (
                within(call.timeout_s),
                client.stream(
                    request.method,
                    request.hidden_path or request.path,
                    params=query,
                    content=content,
                    headers=headers,
                    timeout=time_limits(call.timeout_s),
                    extensions={"trace": taking.trace},
                ) as response,
            ):
                taking.take(response, call)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as failure:
            # Foreign errors can repeat a header's value, so they stay out of the traceback.
            raise failures.from_transport(failure, call, connecting=taking.trace.connecting) from None
        finally:
            taking.end()

    def _note(self, request: _Sending, attempt: int, taking: Taking, failure: BaseException | None) -> None:
        self._count += 1
        if self._on_exchange is None:
            return
        if request.confidential:
            body: Any = request.body and dict.fromkeys(request.body, MASK)
            answer: Any = MASK if taking.content else None
        else:
            body = self._scrubber.data(request.body)
            answer = self._answer(request, taking)
        self._on_exchange(
            Exchange(
                number=self._count,
                method=request.method,
                path=request.path,
                query=self._scrubber.data(request.query),
                body=body,
                changing=request.changing,
                attempt=attempt,
                sent_at=taking.sent_at,
                server_time=taking.server_time,
                elapsed_s=taking.elapsed_s,
                status=taking.status,
                answer=answer,
                error=self._scrubber.text(taking.remark if failure is None else _words(failure)),
            )
        )

    def _answer(self, request: _Sending, taking: Taking) -> Any:
        """The answer as its exchange keeps it. Cannot fail, because a sent request must be written down."""
        if request.raw:
            return taking.in_brief()
        kept = self._kept if self._kept is None or self._kept_in_all < KEPT_IN_ALL_BYTES else 0
        self._kept_in_all += min(len(taking.content), KEPT_WHOLE_BYTES)
        try:
            return self._scrubber.data(taking.for_record(self._scrubber.text, kept))
        except Exception:
            return taking.in_brief()


def _words(failure: BaseException) -> str:
    name = type(failure).__name__
    return f"{name}: {failure.came_back}" if isinstance(failure, VergeNbError) else name
