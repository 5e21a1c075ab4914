"""The wire: what becomes an exchange, what is repeated, and what is never sent twice."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from vergeos_nb import errors
from vergeos_nb.client.transport import wire as wire_module
from vergeos_nb.client.transport.retries import READ_ATTEMPTS, READ_TOTAL_S
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.settings import AmbientNetwork, Credentials, Profile, Secret
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.vergeos.rows import MachineKey

DATE = "Mon, 21 Sep 2026 15:13:20 GMT"
DATE_S = 1_790_003_600.0
BODY = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}
# The clock counts from 1970, so the last digits of a short time are lost.
GAP = pytest.approx(wire_module.MIN_GAP_S, abs=1e-5)


def answers(*script):
    """A transport that gives these answers, or raises these failures, in turn; the last one stays."""
    calls: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        calls.append(request)
        given = script[min(len(calls), len(script)) - 1]
        if isinstance(given, Exception):
            raise given
        return given if isinstance(given, httpx.Response) else given(request)

    transport = httpx.MockTransport(handle)
    transport.calls = calls
    return transport


def ok(data, **headers):
    return lambda request: httpx.Response(200, json=data, headers={"Date": DATE, **headers})


def status(code, text="", **headers):
    return lambda request: httpx.Response(code, json={"err": text}, headers=headers)


def test_a_read_becomes_one_exchange_that_says_everything_but_headers(make_wire, recorder, clock):
    transport = answers(ok([{"$key": 42}]))
    data = make_wire(transport).read("vms", filter="name eq 'a b'", fields="$key,machine#status as s")
    assert data == [{"$key": 42}]
    assert recorder.exchanges == [
        Exchange(
            number=1, method="GET", path="/api/v4/vms",
            query={"filter": "name eq 'a b'", "fields": "$key,machine#status as s"}, body=None,
            changing=False, attempt=1, sent_at=clock.time, server_time=DATE_S, elapsed_s=0.0, status=200,
            answer=[{"$key": 42}], error="",
        )
    ]  # fmt: skip


def test_a_query_goes_out_percent_encoded(make_wire):
    transport = answers(ok([]))
    make_wire(transport).read("vms", fields="$key,machine#status as s", filter="name eq '100%41+&=#{ü'")
    assert transport.calls[0].url.raw_path == (
        b"/api/v4/vms?fields=%24key%2Cmachine%23status+as+s"
        b"&filter=name+eq+%27100%2541%2B%26%3D%23%7B%C3%BC%27"
    )


def test_a_request_says_who_sends_it_and_carries_basic_credentials(make_wire, canary):
    transport = answers(ok([]))
    make_wire(transport).read("vms")
    sent = transport.calls[0]
    assert sent.headers["user-agent"].startswith("vergeos-nb/")
    assert sent.headers["authorization"] == httpx.BasicAuth("operator", canary)._auth_header
    assert str(sent.url) == "https://vergeos.example/api/v4/vms"


def test_a_bearer_profile_sends_its_secret_as_bearer(make_wire, make_profile):
    transport = answers(ok([]))
    make_wire(transport, make_profile(kind="bearer")).read("vms")
    assert transport.calls[0].headers["authorization"] == "Bearer canary-bearer-token"


# -- reads are repeated ----------------------------------------------------------------------------

PASSING = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    status(429),
    status(500),
    status(502),
    status(503),
    status(504),
]
LASTING = [status(code) for code in (301, 400, 401, 403, 404, 405, 408, 409, 418, 422, 501, 507)]


@pytest.mark.parametrize("failure", PASSING)
def test_a_read_is_repeated_when_the_failure_may_pass(make_wire, recorder, failure):
    transport = answers(failure, ok([1]))
    assert make_wire(transport).read("vms") == [1]
    assert [(one.number, one.attempt) for one in recorder.exchanges] == [(1, 1), (2, 2)]
    assert recorder.exchanges[0].error != ""


@pytest.mark.parametrize("failure", PASSING)
def test_a_read_is_given_up_after_the_last_attempt(make_wire, failure):
    transport = answers(failure)
    with pytest.raises(errors.ApiError) as caught:
        make_wire(transport).read("vms")
    assert len(transport.calls) == READ_ATTEMPTS
    assert f"({READ_ATTEMPTS} attempts in " in caught.value.came_back


@pytest.mark.parametrize("failure", [*LASTING, httpx.RemoteProtocolError("illegal status line")])
def test_a_read_is_not_repeated_when_the_failure_would_stay(make_wire, failure):
    transport = answers(failure)
    with pytest.raises(errors.VergeNbError):
        make_wire(transport).read("vms")
    assert len(transport.calls) == 1


def test_a_wrong_password_is_sent_once_because_repeats_lock_the_user(make_wire):
    transport = answers(status(401, "Login required"))
    with pytest.raises(errors.LoginFailed) as caught:
        make_wire(transport).read("vms")
    assert (len(transport.calls), caught.value.status) == (1, 401)


def test_waits_between_attempts_grow_and_have_jitter(make_wire, clock):
    with pytest.raises(errors.ServerError):
        make_wire(answers(status(503))).read("vms")
    first, second, third = (seconds for seconds in clock.slept if seconds > wire_module.MIN_GAP_S)
    assert 0.5 <= first <= 1.0 <= second <= 1.5 < third <= 2.5


def test_retry_after_is_honoured(make_wire, clock):
    transport = answers(status(429, "slow down", **{"Retry-After": "7"}), ok([]))
    make_wire(transport).read("vms")
    assert 7.0 in clock.slept


def test_retry_after_beyond_the_time_limit_gives_up_at_once_and_says_so(make_wire, clock):
    transport = answers(status(429, "slow down", **{"Retry-After": str(int(READ_TOTAL_S) + 1)}))
    with pytest.raises(errors.RateLimited) as caught:
        make_wire(transport).read("vms")
    assert (len(transport.calls), clock.slept) == (1, [])
    assert caught.value.next_step.startswith("the system asks to wait 61 s.")


def test_no_attempt_begins_after_the_time_limit(make_wire, clock):
    def slow(request):
        clock.time += 40
        raise httpx.ReadTimeout("slow")

    transport = answers(slow)
    with pytest.raises(errors.AnswerTimeout):
        make_wire(transport).read("vms")
    assert len(transport.calls) == 2


def test_the_first_reads_follow_each_other_at_once_and_later_ones_keep_their_distance(make_wire, clock):
    wire = make_wire(answers(ok([])))
    for _ in range(wire_module.BURST):
        wire.read("vms")
    assert clock.slept == []
    for _ in range(3):
        wire.read("vms")
    assert clock.slept == [GAP] * 3


def test_a_pause_lets_as_many_reads_follow_each_other_as_it_had_gaps(make_wire, clock):
    wire = make_wire(answers(ok([])))
    for _ in range(wire_module.BURST):
        wire.read("vms")
    clock.time += 3 * wire_module.MIN_GAP_S
    for _ in range(4):
        wire.read("vms")
    assert clock.slept == [GAP]
    clock.time += 3600
    for _ in range(wire_module.BURST + 1):
        wire.read("vms")
    assert clock.slept == [GAP] * 2


def test_in_no_second_are_there_thirty_requests_where_a_platform_allows_fifty(make_wire, clock):
    wire, starts = make_wire(answers(ok([]))), []
    for _ in range(100):
        wire.read("vms")
        starts.append(clock.time)
    assert max(sum(begin <= one < begin + 1 for one in starts) for begin in starts) < 30


def test_a_changing_request_keeps_its_distance_also_within_a_burst(make_wire, clock):
    def slow(request):
        clock.time += 0.03
        return httpx.Response(200, json=[])

    wire = make_wire(answers(slow))
    wire.read("vms")
    wire.change("PUT", "machine_status/61", BODY)
    assert clock.slept == [pytest.approx(wire_module.MIN_GAP_S - 0.03)]


def test_what_is_done_before_a_changing_request_is_no_part_of_the_next_distance(make_profile, clock):
    def takes_time(request):
        clock.time += 0.04

    with wire_module.Wire(
        make_profile(), network=AmbientNetwork(), clock=clock, on_intent=takes_time, transport=answers(ok([]))
    ) as wire:
        wire.change("PUT", "machine_status/61", BODY)
        wire.change("PUT", "machine_status/62", BODY)
        assert clock.slept == [GAP]


def test_requests_to_the_simulator_need_no_distance(make_wire, make_profile, clock):
    wire = make_wire(answers(ok([])), profile=make_profile(paced=False))
    wire.read("vms")
    wire.change("PUT", "machine_status/61", BODY)
    assert clock.slept == []


# -- changes are sent once -------------------------------------------------------------------------


def test_the_intent_is_told_before_the_bytes_leave(make_wire, recorder):
    def handle(request):
        recorder.events.append(f"sent {request.content.decode()}")
        return httpx.Response(200, json={})

    make_wire(answers(handle)).change("PUT", "machine_status/61", BODY)
    assert recorder.events == [
        "intent PUT /api/v4/machine_status/61",
        'sent {"running": false, "migratable": true, "status": "stopped", "state": "offline"}',
        "exchange PUT /api/v4/machine_status/61 200",
    ]


def test_nothing_is_sent_when_the_intent_cannot_be_written(make_wire, make_profile, clock):
    def refuse(request):
        raise errors.RecordError("write the intent", "the disk is full")

    transport = answers(ok({}))
    wire = wire_module.Wire(
        make_profile(), network=AmbientNetwork(), clock=clock, on_intent=refuse, transport=transport
    )
    with wire, pytest.raises(errors.RecordError):
        wire.change("PUT", "machine_status/61", BODY)
    assert transport.calls == []


@pytest.mark.parametrize("failure", [*PASSING, *LASTING, KeyboardInterrupt()])
def test_a_change_is_sent_once_whatever_fails(make_wire, recorder, failure):
    def interrupt(request):
        raise failure

    transport = answers(interrupt if isinstance(failure, KeyboardInterrupt) else failure)
    with pytest.raises((errors.VergeNbError, KeyboardInterrupt)):
        make_wire(transport).change("PUT", "machine_status/61", BODY)
    assert len(transport.calls) == 1
    (exchange,) = recorder.exchanges
    assert (exchange.changing, exchange.attempt, exchange.error != "") == (True, 1, True)


@pytest.mark.parametrize(
    ("answer", "data", "remark"),
    [
        (httpx.Response(200, json={}), {}, ""),
        (httpx.Response(200), None, ""),
        (httpx.Response(204), None, ""),
        (httpx.Response(201, json={"$key": "7"}), {"$key": "7"}, ""),
        (httpx.Response(202, text="  "), None, "accepted; the answer is not JSON: "),
        (httpx.Response(200, text="<p>fine</p>"), None, "accepted; the answer is not JSON: <p>fine</p>"),
    ],
)
def test_any_2xx_accepts_a_change_whatever_its_body(make_wire, recorder, answer, data, remark):
    assert make_wire(answers(answer)).change("PUT", "machine_status/61", BODY) == data
    assert recorder.exchanges[0].error == remark


SAID = "Database is locked"
ERRORS = [
    ({"err": SAID}, SAID),
    ({"err": {"message": SAID}}, SAID),
    ({"err": {"code": 7}}, '{"code": 7}'),
    ({"err": [SAID, 7]}, f'["{SAID}", 7]'),
    ({"err": 7}, "7"),
    ({"err": ""}, "no text"),
    ({"err": None}, "no text"),
    ({"err": True}, "no text"),
    ({"err": SAID, "$key": "7"}, SAID),
    ({"err": SAID, "$count": 0}, SAID),
    ({"error": SAID}, SAID),
    ([{"err": SAID}], SAID),
    ([{"$key": 1, "name": "a"}, {"err": SAID}], SAID),
]


@pytest.mark.parametrize("code", [200, 201, 202])
@pytest.mark.parametrize(("data", "said"), ERRORS)
def test_a_change_that_is_answered_with_an_error_is_not_accepted_whatever_the_status(
    make_wire, recorder, code, data, said
):
    """Holds off: 200 with an error counted as accepted, and the platform's words were lost."""
    transport = answers(httpx.Response(code, json=data))
    with pytest.raises(errors.ErrorInAnswer) as caught:
        make_wire(transport).change("PUT", "machine_status/61", BODY)
    assert caught.value.came_back.endswith(f", but with an error: {said}")
    # Evidence decides what became of it.
    assert caught.value.may_have_executed
    assert recorder.exchanges[0].error == f"ErrorInAnswer: {caught.value.came_back}"
    assert (len(transport.calls), recorder.exchanges[0].answer) == (1, data)


@pytest.mark.parametrize(("data", "said"), ERRORS)
def test_a_read_that_is_answered_with_an_error_is_one_whatever_the_status(make_wire, data, said):
    transport = answers(ok(data))
    with pytest.raises(errors.ErrorInAnswer) as caught:
        make_wire(transport).read("vms")
    assert caught.value.came_back == f"200 OK, but with an error: {said}"
    assert len(transport.calls) == 1


def test_a_list_of_a_whole_table_that_is_an_error_says_the_platforms_words(make_wire):
    for data in ({"err": SAID}, [{"err": SAID}]):
        with pytest.raises(errors.ErrorInAnswer, match=SAID):
            VergeApi(make_wire(answers(ok(data)))).fleet_vms()


@pytest.mark.parametrize("data", [{"err": "", "$key": "7"}, {"err": None, "response": {}}, {"$key": 7}])
def test_an_empty_error_beside_an_answer_says_nothing(make_wire, data):
    assert make_wire(answers(ok(data))).change("POST", "vm_actions", {"vm": 1}) == data


def test_a_login_that_is_answered_with_an_error_is_refused_and_sent_once(make_wire, make_profile):
    transport = session_system(login=ok({"err": "Login failed"}))
    with pytest.raises(errors.LoginFailed, match="but with an error: Login failed"):
        make_wire(transport, make_profile(kind="session")).read("vms")
    assert len(transport.calls) == 1


@pytest.mark.parametrize("code", [200, 400, 404, 409, 422, 500])
def test_what_was_not_handed_to_the_node_may_have_been_carried_out_whatever_the_status(make_wire, code):
    """Holds off: a rung that failed because the node hangs ended the run before the override."""
    said = "Error sending action to node: timed out"
    with pytest.raises(errors.RelayFailed) as caught:
        make_wire(answers(httpx.Response(code, json={"err": said}))).change("POST", "vm_actions", {})
    assert (caught.value.may_have_executed, caught.value.status) == (True, code)
    assert said in caught.value.came_back


@pytest.mark.parametrize("code", [600, 999])
def test_a_status_that_is_none_leaves_open_what_became_of_a_change(make_wire, code):
    with pytest.raises(errors.BadAnswer) as caught:
        make_wire(answers(httpx.Response(code, json={}))).change("PUT", "machine_status/61", BODY)
    assert caught.value.may_have_executed


# -- more than was asked for -----------------------------------------------------------------------


def test_more_rows_than_can_be_meant_are_refused_and_the_first_are_shown(make_wire, recorder):
    """Holds off: a list that ignores the filter was read, kept and searched as a whole."""
    rows = [{"$key": n, "name": f"vm-{n}"} for n in range(1, 2000)]
    with pytest.raises(errors.FilterIgnored) as caught:
        VergeApi(make_wire(answers(ok(rows)))).vms_named("web-01")
    assert caught.value.came_back == (
        "1999 rows came, and at most 1000 were possible: the platform ignored the filter. The first: "
        "'vm-1', 'vm-2', 'vm-3'"
    )
    assert caught.value.next_step.startswith("the list is not used. Connect to the system directly")
    answer = recorder.exchanges[0].answer
    assert (answer["rows"], answer["first"][0]) == (1999, {"$key": 1, "name": "vm-1"})


def test_a_list_that_is_too_long_to_read_shows_its_first_rows_as_well(make_wire):
    rows = [{"$key": n, "name": f"vm-{n}"} for n in range(1, 50_000)]
    transport = answers(ok(rows))
    with pytest.raises(errors.FilterIgnored, match=r"longer than .* ignored the filter. The first: 'vm-1',"):
        VergeApi(make_wire(transport)).vms_named("web-01")
    assert len(transport.calls) == 1


def test_a_limit_that_is_ignored_is_said_to_be(make_wire):
    lines = [{"machine": 54, "level": "message", "text": "x", "timestamp": n} for n in range(51)]
    with pytest.raises(errors.FilterIgnored, match="51 rows came, and at most 50 were possible"):
        VergeApi(make_wire(answers(ok(lines)))).logs_since(MachineKey(54), 0)


def test_a_page_of_more_rows_than_were_asked_for_is_refused(make_wire, monkeypatch):
    monkeypatch.setattr("vergeos_nb.client.whole_tables.fleet_tables.PAGE", 2)
    rows = [{"$key": n, "name": f"vm-{n}", "machine_key": n} for n in (1, 2, 3)]
    with pytest.raises(errors.FilterIgnored, match="3 rows of vms came, and at most 2 were asked for"):
        VergeApi(make_wire(answers(ok(rows)))).fleet_vms()


def test_a_table_without_end_is_given_up(make_wire, monkeypatch):
    monkeypatch.setattr("vergeos_nb.client.whole_tables.fleet_tables.PAGE", 1)
    keys = iter(range(1, 1_000))

    def more(request):
        return httpx.Response(200, json=[{"$key": (key := next(keys)), "name": "x", "machine_key": key}])

    with pytest.raises(errors.FilterIgnored, match="vms does not end after 100 rows"):
        VergeApi(make_wire(answers(more))).fleet_vms()


@pytest.mark.parametrize("nothing", [[], {"$count": 0}, {"$count": "0"}])
def test_no_match_is_an_empty_list_or_a_count_of_none(make_wire, nothing):
    assert VergeApi(make_wire(answers(ok(nothing)))).vms_named("web-01") == ()


def test_a_body_that_is_no_json_is_found_before_the_intent(make_wire, recorder):
    with pytest.raises(TypeError):
        make_wire(answers(ok({}))).change("PUT", "machine_status/61", {"running": object()})
    assert recorder.events == []


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"<html>login</html>", b"\xff\xfe", b"[" * 200_000, b"{'a': 1}"])
def test_a_read_that_is_no_json_is_an_error_that_shows_some_of_it(make_wire, content):
    with pytest.raises(errors.NotJson) as caught:
        make_wire(answers(lambda request: httpx.Response(200, content=content))).read("vms")
    assert len(caught.value.came_back) < 400


def test_a_redirect_is_not_followed_and_its_host_is_named(make_wire):
    moved = status(302, Location="https://elsewhere.example/login?token=x")
    transport = answers(moved)
    with pytest.raises(errors.BadAnswer) as caught:
        make_wire(transport).read("vms")
    assert caught.value.came_back == "302 Found to elsewhere.example"
    assert len(transport.calls) == 1


def test_cookies_are_not_kept(make_wire):
    transport = answers(ok([], **{"Set-Cookie": "token=abc; Path=/"}))
    wire = make_wire(transport)
    wire.read("vms")
    wire.read("vms")
    assert "cookie" not in transport.calls[1].headers


# -- sessions --------------------------------------------------------------------------------------


def session_system(*, login=None, logout=None):
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/sys/tokens":
            return (login or ok({"$key": "canary-session-token"}))(request)
        if request.url.path.startswith("/api/sys/tokens/"):
            return (logout or ok({}))(request)
        return httpx.Response(200, json={"seen": request.headers.get("x-yottabyte-token")})

    return answers(handle)


def test_a_session_logs_in_once_sends_its_token_and_logs_out(make_wire, make_profile, recorder):
    transport = session_system()
    with make_wire(transport, make_profile(kind="session")) as wire:
        wire.read("vms")
        wire.change("PUT", "machine_status/61", BODY)
    sent = [(call.method, call.url.path, call.headers.get("x-yottabyte-token")) for call in transport.calls]
    assert sent == [
        ("POST", "/api/sys/tokens", None),
        ("GET", "/api/v4/vms", "canary-session-token"),
        ("PUT", "/api/v4/machine_status/61", "canary-session-token"),
        ("DELETE", "/api/sys/tokens/canary-session-token", "canary-session-token"),
    ]
    assert [(one.method, one.path, one.body, one.changing, one.answer) for one in recorder.exchanges] == [
        ("POST", "/api/sys/tokens", {"login": "•••", "password": "•••"}, False, "•••"),
        ("GET", "/api/v4/vms", None, False, {"seen": "•••"}),
        ("PUT", "/api/v4/machine_status/61", BODY, True, {"seen": "•••"}),
        ("DELETE", "/api/sys/tokens/•••", None, False, "•••"),
    ]
    assert all("authorization" not in call.headers for call in transport.calls)


def test_the_login_comes_before_the_intent_of_a_change(make_wire, make_profile, recorder):
    make_wire(session_system(), make_profile(kind="session")).change("PUT", "machine_status/61", BODY)
    assert recorder.events[:2] == [
        "exchange POST /api/sys/tokens 200",
        "intent PUT /api/v4/machine_status/61",
    ]


def test_a_refused_login_is_sent_once(make_wire, make_profile):
    transport = session_system(login=status(401, "Login failed"))
    with pytest.raises(errors.LoginFailed):
        make_wire(transport, make_profile(kind="session")).read("vms")
    assert len(transport.calls) == 1


def test_a_failed_logout_is_no_failure(make_wire, make_profile):
    transport = session_system(logout=status(404, "no such session"))
    with make_wire(transport, make_profile(kind="session")) as wire:
        wire.read("vms")
    assert transport.calls[-1].method == "DELETE"


@pytest.mark.parametrize(
    "answer",
    [
        ok([]), ok({}), ok({"$key": 5}), ok({"$key": ""}), ok({"$key": "a b\r\nX: y"}),
        lambda request: httpx.Response(200, text="canary-session-token"),
    ],
)  # fmt: skip
def test_a_login_answered_with_no_token_stops_without_repeating_the_answer(make_wire, make_profile, answer):
    with pytest.raises(errors.BadAnswer) as caught:
        make_wire(session_system(login=answer), make_profile(kind="session")).read("vms")
    assert "canary-session-token" not in str(caught.value)


def test_closing_again_does_nothing(make_wire, make_profile):
    transport = session_system()
    wire = make_wire(transport, make_profile(kind="session"))
    wire.read("vms")
    wire.close()
    wire.close()
    assert [call.method for call in transport.calls] == ["POST", "GET", "DELETE"]


# -- secrets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["basic", "bearer", "session"])
def test_no_secret_in_any_exchange_error_or_log_even_when_the_system_repeats_it(
    make_wire, make_profile, recorder, caplog, kind, canary
):
    echoed = [canary, "canary-bearer-token", "canary-session-token"]

    def echo(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/sys/tokens":
            return httpx.Response(201, json={"$key": "canary-session-token"})
        told = {name: value for name, value in request.headers.items() if name != "cookie"}
        return httpx.Response(422, json={"err": f"bad: {echoed} {told}", canary: canary})

    caplog.set_level(logging.DEBUG)
    profile = make_profile(kind=kind)
    with make_wire(answers(echo), profile) as wire:
        with pytest.raises(errors.InvalidValue) as caught:
            wire.read("vms", asked=f"find {canary}")
        assert canary not in repr(wire) + repr(profile)
    secrets = [*wire.secrets]
    shown = [str(caught.value), repr(caught.value), caplog.text, *(repr(one) for one in recorder.exchanges)]
    assert [(secret, text) for secret in secrets for text in shown if secret in text] == []
    assert secrets
    assert "•••" in caught.value.came_back


def test_a_header_that_cannot_be_sent_is_not_repeated_in_the_error(make_wire):
    profile = Profile("lab", "vergeos.example", Credentials("bearer", None, Secret("canary-töken")))
    with pytest.raises(errors.VergeNbError) as caught:
        make_wire(answers(ok([])), profile).read("vms")
    assert "canary" not in str(caught.value)


def test_a_profile_without_a_host_names_the_way_to_get_one(make_wire):
    with pytest.raises(errors.SettingsError, match="open_profile"):
        make_wire(profile=Profile("simulator", "", None, kind="simulator"))


def test_an_answer_without_an_end_is_not_read_to_its_end(make_wire):
    def endless():
        while True:
            yield b"x" * 65536

    with pytest.raises(errors.BadAnswer, match="longer than 262144 bytes"):
        make_wire(answers(lambda request: httpx.Response(200, content=endless()))).read("vms")


def test_threads_take_turns_and_keep_their_distance(make_wire, recorder, clock):
    wire = make_wire(answers(ok([])))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: wire.read("vms"), range(wire_module.BURST + 4)))
    assert [one.number for one in recorder.exchanges] == list(range(1, wire_module.BURST + 5))
    assert clock.slept == [GAP] * 4


def test_half_a_secret_is_not_left_where_a_long_text_is_cut(make_wire, canary):
    said = "x" * 295 + canary
    with pytest.raises(errors.ConnectionDropped) as caught:
        make_wire(answers(httpx.ReadError(said))).change("PUT", "machine_status/61", BODY)
    assert canary[:3] not in caught.value.came_back


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), errors.Interrupted("run", "SIGTERM came")])
def test_an_interrupt_is_neither_repeated_nor_swallowed_and_is_noted(make_wire, make_profile, recorder, stop):
    def interrupt(request):
        if request.url.path.startswith("/api/sys/tokens"):
            return httpx.Response(201, json={"$key": "canary-session-token"})
        raise stop

    transport = answers(interrupt)
    with pytest.raises(type(stop)):
        make_wire(transport, make_profile(kind="session")).read("vms")
    assert [call.method for call in transport.calls] == ["POST", "GET"]
    assert recorder.exchanges[-1].error.startswith(type(stop).__name__)


def test_an_interrupt_during_the_logout_still_goes_through(make_wire, make_profile):
    def interrupt(request):
        raise errors.Interrupted("run", "SIGTERM came")

    wire = make_wire(session_system(logout=interrupt), make_profile(kind="session"))
    wire.read("vms")
    with pytest.raises(errors.Interrupted):
        wire.close()
