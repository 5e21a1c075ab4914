"""Every failure that this package raises on purpose.

Each error says what was asked, what came back and what to do next, and carries the exit code that the
command line ends with.

    VergeNbError
    ├── UsageError              2   a parameter, setting or word that is not valid
    │   ├── SettingsError       2   a profile that is missing, incomplete or contradicts itself
    │   │   └── PasswordMissing 2   it names a user but no password
    │   ├── MachineError        2   the machine or the shell lacks what this program needs
    │   └── RecordNotFound      4   no record in the archive has this id
    ├── Refused                 3   a guard said no
    ├── NotOneVm                4
    │   ├── VmNotFound          4
    │   └── VmAmbiguous         4
    ├── Drift                   5   what is there is not what was approved
    │   └── ApprovalExpired     5
    ├── StillAlive              6   the evidence shows a living process
    ├── VerdictUnknown          7   the evidence supports neither off nor alive
    ├── ApiError                8   the network or the API
    │   ├── NotConnected        8   nothing was sent: there was no connection
    │   │   ├── NameNotResolved
    │   │   ├── ConnectionRefused
    │   │   ├── TlsFailed
    │   │   ├── ProxyFailed
    │   │   └── ConnectTimeout
    │   ├── Unanswered          8   sent, but no complete answer: it may have been executed
    │   │   ├── AnswerTimeout
    │   │   └── ConnectionDropped
    │   ├── BadAnswer           8   answered, but not with what the API promises
    │   │   ├── NotJson
    │   │   ├── FilterIgnored
    │   │   ├── ErrorInAnswer
    │   │   ├── WrongShape
    │   │   └── MissingField
    │   └── HttpError           8   answered with an error status
    │       ├── BadRequest      400
    │       ├── RowNotFound     404, exit code 4 like everything that is not found
    │       ├── NotPermitted    405
    │       ├── PowerTimeout    408
    │       ├── Conflict        409
    │       ├── InvalidValue    422
    │       ├── RateLimited     429
    │       ├── RelayFailed
    │       └── ServerError     500…599 (507: the system has no room)
    ├── AuthError               9
    │   ├── LoginFailed         401
    │   └── PermissionDenied    403
    ├── RecordError             10  the journal or the record could not be written
    └── Interrupted             7   stopped by a signal, a deadline or a dead kernel
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from vergeos_nb.masking import masked

REPORT = "report it with the record of this run, which holds the request and the answer"
"""The way on if the platform answers with what no source tells of."""


class VergeNbError(Exception):
    """Base of all errors of this package.

    Args:
        asked: what was attempted, in words that the user knows.
        came_back: what happened instead.
        next_step: what to do now.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, asked: str, came_back: str, next_step: str = "") -> None:
        # Masked here, because code that is not ours shows errors, too, such as a notebook's traceback.
        asked, came_back, next_step = masked(asked), masked(came_back), masked(next_step)
        super().__init__(asked, came_back, next_step)
        self.asked = asked
        self.came_back = came_back
        self.next_step = next_step

    def __str__(self) -> str:
        parts = [f"{self.asked}: {self.came_back}"]
        if self.next_step:
            parts.append(f"What to do: {self.next_step}")
        return "\n".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The error as plain data, for a journal line or a JSON answer."""
        return {
            "type": type(self).__name__,
            "asked": self.asked,
            "came_back": self.came_back,
            "next_step": self.next_step,
            "exit_code": self.exit_code,
        }


class UsageError(VergeNbError):
    """A parameter or a word that is not valid."""

    exit_code = 2


class SettingsError(UsageError):
    """A profile that is missing, incomplete or contradicts itself."""


class PasswordMissing(SettingsError):
    """A profile names a user, but no password is set."""


class MachineError(UsageError):
    """The machine or the shell lacks what this program needs: files, memory, a working directory."""


class RecordNotFound(UsageError):
    """No record in the archive has this id, or none is at this path."""

    exit_code = 4


class Refused(VergeNbError):
    """A guard said no."""

    exit_code = 3


class NotOneVm(VergeNbError):
    """The name does not lead to exactly one VM."""

    exit_code = 4


class VmNotFound(NotOneVm):
    """No VM has this name."""


class VmAmbiguous(NotOneVm):
    """More than one VM has this name."""


class Drift(VergeNbError):
    """The VM's state differs from the planned or approved one."""

    exit_code = 5


class ApprovalExpired(Drift):
    """The approval has expired."""


class StillAlive(VergeNbError):
    """The evidence shows a living process."""

    exit_code = 6


class VerdictUnknown(VergeNbError):
    """The evidence supports neither ``off`` nor ``alive``."""

    exit_code = 7


class Interrupted(VergeNbError):
    """The run was stopped by a signal, a deadline or a dead kernel."""

    exit_code = 7


class ApiError(VergeNbError):
    """The network or the API failed.

    Attributes:
        may_have_executed: whether the platform may have executed the request despite the error. If a
            changing call has this set, the VM is read back to find out. The call is never sent again.
    """

    exit_code = 8
    may_have_executed: ClassVar[bool] = False


class NotConnected(ApiError):
    """There was no connection, so nothing was sent."""


class NameNotResolved(NotConnected):
    """The host name has no address."""


class ConnectionRefused(NotConnected):
    """Nothing accepts connections at the address."""


class TlsFailed(NotConnected):
    """The certificate was not trusted, or the TLS handshake failed."""


class ProxyFailed(NotConnected):
    """The proxy on the way did not let the connection through."""


class ConnectTimeout(NotConnected):
    """The connection was not made in time."""


class Unanswered(ApiError):
    """The request was sent, but no complete answer came back."""

    may_have_executed = True


class AnswerTimeout(Unanswered):
    """The answer did not come in time."""


class ConnectionDropped(Unanswered):
    """The connection ended before the answer did."""


class BadAnswer(ApiError):
    """The answer does not follow the API's documentation."""

    may_have_executed = True


class NotJson(BadAnswer):
    """The answer is not JSON."""


class FilterIgnored(BadAnswer):
    """The answer has rows that the filter of the request excludes."""


class ErrorInAnswer(BadAnswer):
    """The answer is the text of an error, although its status means success."""


class WrongShape(BadAnswer):
    """The answer is JSON, but not in the shape that the endpoint promises."""


class MissingField(BadAnswer):
    """A row lacks a field that was asked for."""


class HttpError(ApiError):
    """The API answered with an error status.

    Attributes:
        status: the HTTP status code.
        retry_after_s: seconds that the server asked to wait, or None.
    """

    def __init__(self, asked: str, came_back: str, next_step: str = "", *, status: int = 0) -> None:
        super().__init__(asked, came_back, next_step)
        self.status = status
        self.retry_after_s: float | None = None

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "status": self.status}


class BadRequest(HttpError):
    """400."""


class RowNotFound(HttpError):
    """404: the row or the path of the API does not exist."""

    exit_code = 4


class NotPermitted(HttpError):
    """405: the table or row does not take this method."""


class PowerTimeout(HttpError):
    """408: the platform gave up waiting for the VM, so the action may still take effect."""

    may_have_executed = True


class Conflict(HttpError):
    """409: the row's state does not allow this."""


class InvalidValue(HttpError):
    """422: a filter or a value was not accepted."""


class RateLimited(HttpError):
    """429: too many requests."""


class RelayFailed(HttpError):
    """The platform could not pass an action to the VM's node, or the node refused it. It may have run."""

    may_have_executed = True


class ServerError(HttpError):
    """500…599: the platform failed while it worked on the request."""

    may_have_executed = True


class AuthError(VergeNbError):
    """The platform does not let this user in, or does not let it do this.

    Attributes:
        status: the HTTP status code, 401 or 403.
    """

    exit_code = 9
    may_have_executed: ClassVar[bool] = False

    def __init__(self, asked: str, came_back: str, next_step: str = "", *, status: int = 0) -> None:
        super().__init__(asked, came_back, next_step)
        self.status = status

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "status": self.status}


class LoginFailed(AuthError):
    """401: the credentials were not accepted. Never retried: repeats count towards a lockout."""


class PermissionDenied(AuthError):
    """403: the user may not do this."""


class RecordError(VergeNbError):
    """The journal or the record could not be written."""

    exit_code = 10


# After one of these errors a changing request was not executed, and the reason can go away: a missing right,
# a lost connection, a limit. A person can have the request sent again.
CAN_PASS = (AuthError, NotConnected, RateLimited)


def can_pass(words: str) -> bool:
    """Whether an exchange's error, written as ``Kind: what came back``, is of a kind that can pass."""
    return words.partition(":")[0] in _CAN_PASS_NAMES


def _names_of(kind: type[VergeNbError]) -> Iterator[str]:
    yield kind.__name__
    for below in kind.__subclasses__():
        yield from _names_of(below)


_CAN_PASS_NAMES = frozenset(name for kind in CAN_PASS for name in _names_of(kind))
