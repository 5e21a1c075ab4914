"""The error tree: as drawn, each with the exit code that the command line ends with."""

from __future__ import annotations

import inspect
import re

import pytest

from vergeos_nb import errors

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.VergeNbError)
}


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Parent and number of every error in the module's drawing."""
    found: dict[str, tuple[str | None, str | None]] = {}
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ((?:[│ ]   )*)(├── |└── )?(\w+)(?: +(\d+).*)?", line)
        if match and match[3] in CLASSES:
            depth = len(match[1]) // 4 + (1 if match[2] else 0)
            del parents[depth:]
            found[match[3]] = (parents[-1] if parents else None, match[4])
            parents.append(match[3])
    return found


def test_the_drawing_shows_every_error_under_its_parent():
    expected = {name: kind.__mro__[1].__name__ for name, kind in CLASSES.items() if name != "VergeNbError"}
    assert {name: parent for name, (parent, _) in drawn().items() if parent} == expected


def test_an_error_says_what_was_asked_what_came_back_and_what_to_do():
    error = errors.VmNotFound("finding the VM 'web-01'", "no VM has this name", "check the name.")
    assert str(error) == "finding the VM 'web-01': no VM has this name\nWhat to do: check the name."
    assert error.as_dict() == {
        "type": "VmNotFound",
        "asked": "finding the VM 'web-01'",
        "came_back": "no VM has this name",
        "next_step": "check the name.",
        "exit_code": 4,
    }
    assert str(errors.VmNotFound("find it", "it is not there")) == "find it: it is not there"


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.UsageError, 2), (errors.SettingsError, 2), (errors.Refused, 3), (errors.VmAmbiguous, 4),
        (errors.Drift, 5), (errors.ApprovalExpired, 5), (errors.StillAlive, 6), (errors.VerdictUnknown, 7),
        (errors.Interrupted, 7), (errors.ConnectionRefused, 8), (errors.ProxyFailed, 8), (errors.NotJson, 8),
        (errors.ServerError, 8), (errors.LoginFailed, 9), (errors.PermissionDenied, 9),
        (errors.RecordError, 10), (errors.VergeNbError, 70),
    ],
)  # fmt: skip
def test_each_error_has_the_exit_code_of_the_design(kind, exit_code):
    assert kind.exit_code == exit_code


def test_only_errors_that_leave_a_doubt_may_have_executed():
    doubtful = {name for name, kind in CLASSES.items() if getattr(kind, "may_have_executed", False)}
    assert doubtful == {
        "Unanswered", "AnswerTimeout", "ConnectionDropped", "BadAnswer", "NotJson", "WrongShape",
        "MissingField", "PowerTimeout", "ServerError", "FilterIgnored", "ErrorInAnswer", "RelayFailed",
    }  # fmt: skip


def test_an_http_error_carries_its_status_into_plain_data():
    assert errors.Conflict("a", "b", status=409).as_dict()["status"] == 409
    assert errors.LoginFailed("a", "b", status=401).as_dict()["status"] == 401
