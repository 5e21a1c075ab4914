"""Every failure on the way becomes one error that says what was asked, what came back and what to do."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from vergeos_nb import errors
from vergeos_nb.client.transport import failures
from vergeos_nb.client.transport.proxies import proxy_for
from vergeos_nb.settings import AmbientNetwork, Secret

CALL = failures.CallContext(
    asked="finding the VM 'web-01'", method="GET", path="/api/v4/vms", host="lab.example", timeout_s=30,
    proxy="", changing=False, confidential=False, filtered=True,
    mask=lambda text: text.replace("canary", "•••"),
)  # fmt: skip


def changed(**values):
    return failures.CallContext(**{name: getattr(CALL, name) for name in CALL.__slots__} | values)


def caused(outer: Exception, inner: Exception) -> Exception:
    """As httpcore leaves it: the cause is hidden from print but still the context."""
    try:
        try:
            raise inner
        except Exception:
            raise outer from None
    except Exception as failure:
        return failure


# -- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "exit_code", "executed"),
    [
        (400, errors.BadRequest, 8, False),
        (401, errors.LoginFailed, 9, False),
        (403, errors.PermissionDenied, 9, False),
        (404, errors.RowNotFound, 4, False),
        (405, errors.NotPermitted, 8, False),
        (408, errors.PowerTimeout, 8, True),
        (409, errors.Conflict, 8, False),
        (418, errors.HttpError, 8, False),
        (422, errors.InvalidValue, 8, False),
        (429, errors.RateLimited, 8, False),
        (500, errors.ServerError, 8, True),
        (502, errors.ServerError, 8, True),
        (507, errors.ServerError, 8, True),
        (599, errors.ServerError, 8, True),
    ],
)
def test_each_status_has_its_error_and_says_whether_a_change_may_have_run(status, kind, exit_code, executed):
    failure = failures.from_status(status, {}, {"err": "said"}, "", changed(changing=True))
    assert (type(failure), failure.exit_code, failure.may_have_executed) == (kind, exit_code, executed)
    assert failure.status == status
    assert failure.asked == "finding the VM 'web-01' (GET /api/v4/vms on lab.example)"
    assert failure.came_back.startswith(f"{status} ")
    assert failure.came_back.endswith(": said")
    start = "The change may have been carried out" if executed else "The platform refused the change"
    assert failure.next_step.startswith(start)


def test_a_full_message_reads_well_at_three_in_the_morning():
    failure = failures.from_status(404, {}, {"err": "Resource '/v4/vms/7' not found"}, "", CALL)
    assert str(failure) == (
        "finding the VM 'web-01' (GET /api/v4/vms on lab.example): "
        "404 Not Found: Resource '/v4/vms/7' not found\n"
        "What to do: the row is gone or the API has no such path; start again from the VM's name, and "
        "compare versions"
    )


def test_foreign_text_is_cut_made_visible_and_stripped_of_secrets():
    said = "canary\x1b[31m red \u202e back\n" + "x" * 1000
    came_back = failures.from_status(409, {}, {"err": said}, "", CALL).came_back
    assert came_back.startswith("409 Conflict: •••\\x1b[31m red \\u202e back xxx")
    assert came_back.endswith("x…")
    assert len(came_back) < 330


def test_an_error_page_that_is_no_json_is_shown_as_text():
    failure = failures.from_status(502, {}, None, "<h1>Bad gateway</h1>", CALL)
    assert failure.came_back == "502 Bad Gateway: <h1>Bad gateway</h1>"
    assert failures.from_status(500, {}, None, "", CALL).came_back == "500 Internal Server Error, no text"
    assert failures.from_status(599, {}, None, "", CALL).came_back == "599 (no status of HTTP), no text"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://other.example/x", "other.example"),
        ("/login", "a page of its own"),
        ("", "a page of its own"),
        ("https://[bad", "an address that cannot be read"),
        ("https://u:canary@other.example/", "other.example"),
    ],
)
def test_a_redirect_names_its_target_and_nothing_else(location, target):
    failure = failures.from_status(307, {"location": location}, None, "", CALL)
    assert type(failure) is errors.BadAnswer
    assert failure.came_back == f"307 Temporary Redirect to {target}"


# -- the way there ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (
            caused(httpx.ConnectError("x"), socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
            errors.NameNotResolved,
            "lab.example has no address: Name or service not known",
        ),
        (
            caused(httpx.ConnectError("x"), ConnectionRefusedError(111, "refused")),
            errors.ConnectionRefused,
            "nothing accepts connections at lab.example",
        ),
        (
            caused(httpx.ConnectError("x"), ConnectionResetError(104, "reset")),
            errors.NotConnected,
            "lab.example closed the connection while it was being made",
        ),
        (
            caused(httpx.ConnectError("x"), OSError(113, "No route to host")),
            errors.NotConnected,
            "there is no route to lab.example: No route to host",
        ),
        (httpx.ConnectError("odd"), errors.NotConnected, "no connection to lab.example: odd"),
        (
            caused(httpx.ConnectError("x"), ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong")),
            errors.TlsFailed,
            "no TLS with lab.example: ",
        ),
        (httpx.ConnectTimeout("x"), errors.ConnectTimeout, "lab.example did not take the connection in time"),
        (httpx.PoolTimeout("x"), errors.ConnectTimeout, "lab.example did not take the connection in time"),
        (httpx.ReadTimeout("x"), errors.AnswerTimeout, "no whole answer within 30 s"),
        (httpx.WriteTimeout("x"), errors.AnswerTimeout, "no whole answer within 30 s"),
        (
            httpx.ReadError("[Errno 104] reset"),
            errors.ConnectionDropped,
            "the connection ended before the answer did: [Errno 104] reset",
        ),
        (
            httpx.WriteError(""),
            errors.ConnectionDropped,
            "the connection ended before the answer did: no reason given",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            errors.ConnectionDropped,
            "the connection ended before the answer did: Server disconnected without sending a response.",
        ),
        (
            httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
            errors.ConnectionDropped,
            "the connection ended before the answer did: peer closed connection",
        ),
        (
            httpx.RemoteProtocolError("illegal status line: bytearray(b'SSH-2.0')"),
            errors.BadAnswer,
            "the answer is not HTTP: illegal status line: bytearray(b'SSH-2.0')",
        ),
        (
            httpx.LocalProtocolError("Illegal header value b'canary'"),
            errors.NotConnected,
            "it could not be written as an HTTP request (LocalProtocolError)",
        ),
        (OSError("odd"), errors.ConnectionDropped, "the connection ended before the answer did: odd"),
    ],
)
def test_each_failure_of_the_way_has_its_error(failure, kind, words):
    error = failures.from_transport(failure, CALL)
    assert type(error) is kind
    assert error.came_back.startswith(words)
    assert error.next_step[0].islower()


@pytest.mark.parametrize(
    ("failure", "begin"),
    [
        (httpx.ConnectError("x"), "Nothing was sent, so nothing has changed. Then: "),
        (httpx.ConnectTimeout("x"), "Nothing was sent, so nothing has changed. Then: "),
        (httpx.ReadTimeout("x"), "The change may have been carried out. Do not send it again"),
        (httpx.WriteError("x"), "The change may have been carried out. Do not send it again"),
        (httpx.RemoteProtocolError("junk"), "The change may have been carried out. Do not send it again"),
    ],
)
def test_the_next_step_of_a_change_begins_with_its_fate(failure, begin):
    assert failures.from_transport(failure, changed(changing=True)).next_step.startswith(begin)


def test_a_proxy_that_refuses_is_told_from_the_system():
    error = failures.from_transport(httpx.ProxyError("407 canary"), changed(proxy="proxy.example:3128"))
    assert type(error) is errors.ProxyFailed
    assert error.came_back == "the proxy proxy.example:3128 refused the connection: 407 •••"


# -- on real sockets -------------------------------------------------------------------------------


@pytest.fixture
def read_from(make_wire, make_profile, ca_file):
    def read(host, **settings):
        profile = make_profile(host, **{"ca_file": ca_file, "timeout_s": 5, **settings})
        with pytest.raises(errors.ApiError) as caught:
            make_wire(profile=profile).read("vms")
        return caught.value

    return read


def talk(data: bytes):
    def behave(server, connection):
        server.read(connection)
        connection.sendall(data)

    return behave


def test_a_port_where_nothing_listens(read_from):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert type(read_from(f"127.0.0.1:{port}")) is errors.ConnectionRefused


def test_a_certificate_of_an_unknown_authority(raw_server, read_from, tmp_path):
    import trustme

    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    server = raw_server(talk(b""))
    failure = read_from(server.host, ca_file=other)
    assert type(failure) is errors.TlsFailed
    assert "is not trusted: " in failure.came_back
    assert failure.next_step.startswith("give the authority that signed it as VERGE_CA_FILE")
    assert server.requests == []


def test_a_certificate_for_another_name(raw_server, read_from):
    failure = read_from(raw_server(talk(b""), name="other.example").host)
    assert type(failure) is errors.TlsFailed
    assert failure.next_step.startswith("use the name that the certificate is made out to")


def test_a_port_that_speaks_no_tls(raw_server, read_from):
    def plain(server, connection):
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    failure = read_from(raw_server(plain, tls=False).host)
    assert type(failure) is errors.TlsFailed
    assert failure.next_step.startswith("check that the port speaks HTTPS")


def test_a_port_that_says_nothing(raw_server, read_from):
    server = raw_server(lambda server, connection: connection.recv(1 << 20), tls=False)
    failure = read_from(server.host, timeout_s=0.2)
    assert isinstance(failure, errors.NotConnected)


def test_an_opt_out_of_checks_reaches_a_system_with_any_certificate(raw_server, make_wire, make_profile):
    server = raw_server(talk(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"), name="other.example")
    assert make_wire(profile=make_profile(server.host, verify=False)).read("vms") == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", errors.ConnectionDropped),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[1,", errors.ConnectionDropped),
        (b"HTTP/1.1 200 OK\r\nContent-", errors.ConnectionDropped),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", errors.BadAnswer),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope", errors.NotJson),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", errors.BadAnswer),
    ],
)
def test_answers_that_end_early_or_are_something_else(raw_server, read_from, data, kind):
    assert type(read_from(raw_server(talk(data)).host)) is kind


def test_a_name_that_does_not_exist(monkeypatch, read_from):
    def no_such_name(*args, **settings):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    failure = read_from("lab.invalid")
    assert type(failure) is errors.NameNotResolved
    assert "attempts" not in failure.came_back


def test_a_name_service_that_is_away_for_now_is_asked_again(monkeypatch, read_from):
    def away(*args, **settings):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", away)
    assert "(4 attempts in " in read_from("lab.invalid").came_back


def test_a_proxy_is_used_for_others_and_its_password_is_not_shown(
    raw_server, make_wire, make_profile, recorder
):
    server = raw_server(
        talk(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"), tls=False
    )
    network = AmbientNetwork(https_proxy=Secret(f"http://user:canary-proxy@{server.host}"))
    assert proxy_for("lab.example", network) is not None
    with pytest.raises(errors.ProxyFailed) as caught:
        make_wire(profile=make_profile("lab.example"), network=network).read("vms")
    assert server.requests[0].startswith(b"CONNECT lab.example:443 HTTP/1.1")
    assert f"the proxy {server.host} refused the connection" in caught.value.came_back
    assert "canary" not in str(caught.value) + repr(recorder.exchanges)
