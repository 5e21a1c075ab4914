"""Turn each failure of a request into an error of `vergeos_nb.errors`. No other module does this.

Every error says what was asked, what came back and what to do next. For a changing call, the last part also
says whether the change may have happened. Then it is read back, and never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

from vergeos_nb import errors
from vergeos_nb.client.error_bodies import error_text
from vergeos_nb.client.scrub import visible
from vergeos_nb.client.transport import connecting

E = TypeVar("E", bound=errors.VergeNbError)

_LONGEST_WAIT_DIGITS = 9
_NOT_SENT = "Nothing was sent, so nothing has changed."
_MAY_HAVE_RUN = (
    "The change may have been carried out. Do not send it again: read the row back, and decide by what it "
    "says."
)
RELAYED = "Error sending action to node"
"""How the platform's message begins if it could not pass a power action on to the VM's node (recorded by the
vendor's live tests). Its HTTP status is known for one case only. Whether the node acted is not known."""

_NOT_CARRIED_OUT = "The platform refused the change, so nothing has changed."


class CallContext(Struct, frozen=True):
    """The request that a failure belongs to.

    Attributes:
        asked: its purpose, in words.
        path: its path, without secrets.
        proxy: address of the proxy it goes through, or "".
        changing: whether it can change something.
        filtered: whether it names a filter or a limit.
        confidential: whether the answer may hold a new secret, so that its text must not be repeated.
        mask: takes secrets out of a text.
    """

    asked: str
    method: str
    path: str
    host: str
    timeout_s: float
    proxy: str
    changing: bool
    confidential: bool
    filtered: bool
    mask: Callable[[str], str]

    @property
    def words(self) -> str:
        """The purpose, with the request."""
        return f"{self.asked} ({self.method} {self.path} on {self.host})"


def from_transport(failure: Exception, call: CallContext, *, connecting: bool = False) -> errors.VergeNbError:
    """The error for a request that got no whole answer.

    Args:
        connecting: whether the connection was still being made, so that nothing was sent.
    """
    kind, came_back, next_step = _transport(failure, call)
    if connecting and not issubclass(kind, errors.NotConnected):
        kind = errors.ConnectTimeout if issubclass(kind, errors.AnswerTimeout) else errors.NotConnected
    return _made(kind, call.mask(came_back), next_step, call)


def _transport(failure: Exception, call: CallContext) -> tuple[type[errors.ApiError], str, str]:
    via = f" (through the proxy {call.proxy})" if call.proxy else ""
    peer = f"the proxy {call.proxy}" if call.proxy else call.host
    match failure:
        case httpx.ProxyError():
            return (
                errors.ProxyFailed,
                f"the proxy {call.proxy} refused the connection: {_shown(failure, call)}",
                "check HTTPS_PROXY and its credentials, or add the host to NO_PROXY",
            )
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return errors.ConnectTimeout, f"{peer} did not take the connection in time", connecting.NO_WAY
        case httpx.ConnectError():
            return connecting.explain(failure, peer, call.host)
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | UnicodeError():
            # The library's text can hold the value of a header, so it is left out.
            return (
                errors.NotConnected,
                f"it could not be written as an HTTP request ({type(failure).__name__})",
                "check host and credentials of the profile for characters that do not belong there",
            )
        case httpx.TimeoutException():
            return (
                errors.AnswerTimeout,
                f"no whole answer within {call.timeout_s:g} s{via}",
                "the system is slow or stuck; if it is always slow, set a longer timeout in the profile",
            )
        case httpx.RemoteProtocolError() if not _ended_early(failure):
            return (
                errors.BadAnswer,
                f"the answer is not HTTP: {_shown(failure, call)}",
                "check that host and port are VergeOS's own",
            )
        case _:
            reason = _shown(failure, call) or "no reason given"
            return (
                errors.ConnectionDropped,
                f"the connection ended before the answer did: {reason}{via}",
                "the platform drops connections when more than about 50 requests come in a short time; "
                "wait a little, and see whether others use the same user",
            )


def _shown(said: object, call: CallContext) -> str:
    # Masked before it is cut, so that no half of a secret is left; and masked again when escapes are visible.
    return call.mask(visible(call.mask(str(said))))


def _ended_early(failure: httpx.RemoteProtocolError) -> bool:
    text = str(failure)
    return "disconnected" in text or "closed connection" in text


_STATUSES: dict[int, tuple[type[errors.HttpError] | type[errors.AuthError], str]] = {
    400: (
        errors.BadRequest,
        f"the platform could not read the request, so this program may be wrong: {errors.REPORT}",
    ),
    401: (
        errors.LoginFailed,
        "check user and password, token or API key, and whether it has expired or the user is locked. It is "
        "not tried again, because repeats count towards a lockout.",
    ),
    403: (
        errors.PermissionDenied,
        "ask an administrator of the system for the permission (list, read, and for the power-off modify), "
        "or use a profile that has it",
    ),
    404: (
        errors.RowNotFound,
        "the row is gone or the API has no such path; start again from the VM's name, and compare versions",
    ),
    405: (
        errors.NotPermitted,
        "this table or row does not allow this method; on such a system use the user interface or ask the "
        "vendor's support",
    ),
    408: (errors.PowerTimeout, "the platform gave up waiting for the VM; look at the VM's state first"),
    409: (errors.Conflict, "the row is in a state that does not allow this; read it again"),
    422: (errors.InvalidValue, "the platform did not accept a value or a filter; its text names which"),
    429: (errors.RateLimited, "wait, then try again; see what else uses this user at the same time"),
    507: (errors.ServerError, "the system has no room left; free storage or RAM, then try again"),
}


def from_status(
    status: int, headers: Mapping[str, str], data: Any, text: str, call: CallContext
) -> errors.VergeNbError:
    """The error for an answer whose status is not a success.

    Args:
        headers: names in lower case, or a mapping that ignores case.
        data: the decoded JSON, or None.
        text: the answer as text, masked.
    """
    said = error_text(data) or text
    shown = _shown(said, call)
    came_back = f"{status} {_phrase(status)}: {shown}" if shown else f"{status} {_phrase(status)}, no text"
    if 300 <= status < 400:
        return _redirect(status, headers, call)
    if not 400 <= status < 600:
        next_step = "this is not the status of an HTTP answer; check host and proxies"
        return _made(errors.BadAnswer, came_back, next_step, call)
    if call.changing and said.startswith(RELAYED):
        return _relayed(status, came_back, call)
    if status in _STATUSES:
        kind, next_step = _STATUSES[status]
    elif status >= 500:
        kind, next_step = errors.ServerError, "wait a little and try again; if it stays, see the logs"
    else:
        kind, next_step = errors.HttpError, "this status is not one of the API's; check host and proxies"
    failure = _made(kind, came_back, next_step, call, status=status)
    if isinstance(failure, errors.HttpError):
        failure.retry_after_s = _seconds(headers.get("retry-after"))
        if failure.retry_after_s and isinstance(failure, errors.RateLimited):
            failure.next_step = f"the system asks to wait {failure.retry_after_s:g} s. {failure.next_step}"
    return failure


def _redirect(status: int, headers: Mapping[str, str], call: CallContext) -> errors.BadAnswer:
    try:
        target = urlsplit(headers.get("location", "")).hostname or "a page of its own"
    except ValueError:
        target = "an address that cannot be read"
    next_step = (
        "redirects are not followed, because they would carry the credentials: check the host, or use the "
        "name under which the system itself answers"
    )
    came_back = call.mask(f"{status} {_phrase(status)} to {visible(target)}")
    return _made(errors.BadAnswer, came_back, next_step, call)


def _relayed(status: int, came_back: str, call: CallContext) -> errors.RelayFailed:
    next_step = "look at the VM and at its node; the platform could not reach the node, or the node refused"
    return _made(errors.RelayFailed, came_back, next_step, call, status=status)


def error_in_answer(status: int, said: str, call: CallContext) -> errors.VergeNbError:
    """The error for an answer that holds an error, although its status is a success."""
    shown = _shown(said, call) or "no text"
    came_back = f"{status} {_phrase(status)}, but with an error: {shown}"
    if call.changing and said.startswith(RELAYED):
        return _relayed(status, came_back, call)
    next_step = "read the platform's words; they count, not the HTTP status"
    return _made(errors.ErrorInAnswer, came_back, next_step, call)


def unforeseen(failure: Exception, call: CallContext) -> errors.BadAnswer:
    """The error for an answer that raises an unforeseen exception while it is read."""
    # The exception's text can hold anything, so only its type is shown.
    came_back = f"the answer could not be read ({type(failure).__name__})"
    next_step = f"check host and proxies; if they are right, {errors.REPORT}"
    return _made(errors.BadAnswer, came_back, next_step, call)


def not_decoded(why: str, call: CallContext) -> errors.BadAnswer:
    """The error for an answer whose encoding is not the declared one."""
    next_step = "something between here and the system damages answers; check proxies"
    return _made(errors.BadAnswer, f"the answer could not be decoded: {why}", next_step, call)


def not_json(text: str, call: CallContext) -> errors.NotJson:
    """The error for an answer that is not JSON.

    Args:
        text: the answer as text, masked.
    """
    came_back = "the answer is not JSON" if text else "the answer is empty"
    if text and not call.confidential:
        came_back += f": {_shown(text, call)}"
    next_step = "check that the host is a VergeOS system, and that no proxy or login page answers instead"
    return _made(errors.NotJson, came_back, next_step, call)


def too_long(limit: int, first: Sequence[Any], call: CallContext) -> errors.BadAnswer:
    """The error for an answer that is longer than its bounds allow.

    Args:
        first: its first rows, if it is a list.
    """
    return _oversized(f"the answer is longer than {limit} bytes and was not read to its end", first, call)


def too_heavy(size: int, limit: int, first: Sequence[Any], call: CallContext) -> errors.BadAnswer:
    """The error for an answer whose values need more memory than they may.

    Args:
        size: bytes of memory that its values need, about.
        first: its first rows, if it is a list.
    """
    came_back = f"the answer's values need about {size >> 20} MB of memory, of at most {limit >> 20} MB"
    return _oversized(f"{came_back}, and were not read", first, call)


def _oversized(came_back: str, first: Sequence[Any], call: CallContext) -> errors.BadAnswer:
    if first and call.filtered and not call.changing:
        return _ignored(f"{came_back}: the platform ignored the filter", first, call)
    return _made(errors.BadAnswer, came_back, "check that the host is a VergeOS system", call)


def too_many(count: int, most: int, first: Sequence[Any], call: CallContext) -> errors.BadAnswer:
    """The error for a list of more rows than the request can match.

    Args:
        first: its first rows.
    """
    why = "the platform ignored the filter" if call.filtered else "no system is as large"
    return _ignored(f"{count} rows came, and at most {most} were possible: {why}", first, call)


def _ignored(came_back: str, first: Sequence[Any], call: CallContext) -> errors.FilterIgnored:
    shown = ", ".join(visible(call.mask(_named(row)), 60) for row in first)
    next_step = (
        "the list is not used. Connect to the system directly: a proxy may drop the part of the URL after "
        "the question mark. If the error stays, this platform cannot be asked for single rows: use its own "
        "user interface, and report its version."
    )
    return _made(errors.FilterIgnored, f"{came_back}. The first: {shown}", next_step, call)


def _named(row: Any) -> str:
    if not isinstance(row, Mapping):
        return "something that is no row"
    name, key = row.get("name"), row.get("$key")
    return repr(name) if isinstance(name, str) else f"a row with the key {str(key)[:40]}"


def _made(kind: type[E], came_back: str, next_step: str, call: CallContext, **more: Any) -> E:
    """The error. For a changing call, its next step begins with whether the change may have happened."""
    if not call.changing:
        return kind(call.words, came_back, next_step, **more)
    if issubclass(kind, errors.NotConnected):
        fate = _NOT_SENT
    elif getattr(kind, "may_have_executed", False):
        fate = _MAY_HAVE_RUN
    else:
        fate = _NOT_CARRIED_OUT
    return kind(call.words, came_back, f"{fate} Then: {next_step}", **more)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no status of HTTP)"


def _seconds(retry_after: str | None) -> float | None:
    # HTTP also allows a date here. No source shows one, and our own waits do not need it.
    if retry_after is None or not retry_after.strip().isdecimal() or len(retry_after) > _LONGEST_WAIT_DIGITS:
        return None
    return float(retry_after)
