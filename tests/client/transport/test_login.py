"""Ways to log in, tried without a network."""

from __future__ import annotations

import logging

import pytest

from vergeos_nb.client.transport import login
from vergeos_nb.errors import MissingField, WrongShape
from vergeos_nb.settings import Credentials, Secret


@pytest.mark.parametrize(
    ("credentials", "headers"),
    [
        (None, {}),
        (Credentials("bearer", None, Secret("key")), {"Authorization": "Bearer key"}),
        (Credentials("header", None, Secret("key")), {"x-yottabyte-token": "key"}),
        (
            Credentials("basic", "user", Secret("pässword:x")),
            {"Authorization": "Basic dXNlcjpww6Rzc3dvcmQ6eA=="},
        ),
        (Credentials("session", "user", Secret("password")), {}),
    ],
)
def test_the_headers_of_each_kind(credentials, headers):
    assert login.standing_headers(credentials) == headers


def test_a_session_begins_with_login_and_password_and_goes_on_with_its_token():
    assert login.login_body(Credentials("session", "user", Secret("password"))) == {
        "login": "user",
        "password": "password",
    }
    receipt = {"location": "/sys/tokens/ab12", "dbpath": "tokens/ab12", "$row": 1, "$key": "ab12"}
    token = login.token_from(receipt, "log in")
    assert login.session_headers(token) == {"x-yottabyte-token": "ab12"}
    assert login.logout_path(Secret("a/b c")) == "/api/sys/tokens/a%2Fb%20c"


def test_an_answer_without_a_token_stops():
    with pytest.raises(MissingField):
        login.token_from({}, "log in")
    with pytest.raises(WrongShape):
        login.token_from({"$key": None}, "log in")


def test_the_log_of_the_http_library_does_not_show_the_token_of_a_logout(caplog):
    """Holds off: httpx logging the whole URL of DELETE /api/sys/tokens/TOKEN at level INFO."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").info("%s %s", "DELETE", "https://h/api/sys/tokens/canary?x=1")
    assert caplog.messages == ["DELETE https://h/api/sys/tokens/•••?x=1"]
