"""The doctor: layer by layer, stopping at the first that fails, changing nothing."""

from __future__ import annotations

import os
import re
import socket

import pytest

from vergeos_nb.connect import doctor
from vergeos_nb.connect.doctor import Diagnosis, diagnose, exit_code
from vergeos_nb.connect.simulated import announce
from vergeos_nb.simulator import Simulator
from vergeos_nb.simulator.faults.rules import Rule
from vergeos_nb.vergeos.rows import SystemInfo

CANARY = "canary-password"


@pytest.fixture
def environ(tmp_path):
    return {"HOME": str(tmp_path), "VERGEOS_NB_RUNTIME_DIR": str(tmp_path / "runtime")}


@pytest.fixture
def system(environ):
    """A simulator seen as a configured system, through the variables of the profile env."""

    def start(scenario="stuck", **variables):
        simulator = Simulator(scenario, password=CANARY)
        door = simulator.serve()
        door.open()
        doors.append(door)
        environ.update(
            {"VERGE_HOST": door.host, "VERGE_USERNAME": "admin", "VERGE_PASSWORD": CANARY,
             "VERGE_CA_FILE": door.ca_file, **variables}
        )  # fmt: skip
        return simulator

    doors = []
    yield start
    for door in doors:
        door.close()


def summary(findings):
    return [(finding.name, finding.ok) for finding in findings]


WELL = [
    ("settings", True), ("name", True), ("connection", True), ("certificate", True), ("API", True),
    ("user", True), ("may I read vms", True), ("may I read machine_status", True), ("may I write", True),
    ("clock", True),
]  # fmt: skip


def test_a_healthy_profile_is_well_in_every_layer_and_nothing_was_changed(system, environ):
    simulator = system()
    findings = diagnose("env", environ=environ)
    assert (summary(findings), exit_code(findings)) == (WELL, 0)
    assert simulator.changing_requests() == []
    assert CANARY not in repr(findings)
    details = {finding.name: finding.detail for finding in findings}
    assert details["API"] == "SIMULATED system 'lab-east', version 26.2.1"
    assert details["user"] == "'admin', type normal"
    assert re.fullmatch(r"checked; TLSv1\.3, issued by .*simulator.*, until 3000-.*Z", details["certificate"])


def test_the_built_in_simulator_needs_no_setting_up(environ):
    assert summary(diagnose("simulator", environ=environ)) == WELL


def test_a_running_simulator_is_the_one_that_is_looked_at(system, environ):
    simulator = system()
    announce(
        {"host": environ["VERGE_HOST"], "ca_file": environ["VERGE_CA_FILE"], "username": "admin",
         "password": CANARY, "scenario": "stuck", "vm_name": simulator.vm_name, "pid": os.getpid()},
        environ=environ,
    )  # fmt: skip
    assert "simulator already running" in diagnose("simulator", environ=environ)[0].detail


@pytest.mark.parametrize(
    ("variables", "last", "code"),
    [
        ({"VERGE_HOST": ""}, "settings", 2),
        ({"VERGE_CA_FILE": "/nowhere"}, "settings", 2),
        ({"VERGE_PASSWORD": "canary-wrong"}, "API", 9),
    ],
)
def test_the_first_layer_that_fails_is_the_last_and_says_what_to_do(system, environ, variables, last, code):
    system(**variables)
    findings = diagnose("env", environ=environ)
    assert (findings[-1].name, findings[-1].ok, exit_code(findings)) == (last, False, code)
    assert findings[-1].next_step
    assert "canary" not in repr(findings)


def test_a_port_where_nothing_listens_ends_at_the_connection(system, environ):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"127.0.0.1:{listener.getsockname()[1]}"
    system(VERGE_HOST=closed)
    findings = diagnose("env", environ=environ)
    assert summary(findings) == [("settings", True), ("name", True), ("connection", False)]
    assert findings[-1].detail == f"nothing accepts connections at {closed}"
    assert exit_code(findings) == 8


def test_a_name_without_an_address_ends_at_the_name(system, environ, monkeypatch):
    def no_such_name(*args, **settings):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    system(VERGE_HOST="lab.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    findings = diagnose("env", environ=environ)
    assert findings[-1] == Diagnosis(
        "name",
        False,
        "lab.invalid has no address: Name or service not known",
        "check the host's spelling, and that DNS or the VPN is there",
        8,
    )


def test_an_unknown_authority_ends_at_the_certificate(system, environ):
    other = Simulator("stuck")
    with other.serve() as door:
        system(VERGE_CA_FILE=door.ca_file)
        findings = diagnose("env", environ=environ)
    assert summary(findings)[-1] == ("certificate", False)
    assert "is not trusted" in findings[-1].detail


def test_an_opt_out_is_loud_in_settings_and_certificate(system, environ):
    system(VERGE_VERIFY_SSL="false", VERGE_CA_FILE="")
    found = {finding.name: finding for finding in diagnose("env", environ=environ)}
    assert found["warning"].detail.startswith("TLS CERTIFICATES ARE NOT CHECKED")
    assert (found["certificate"].ok, found["certificate"].detail.split(",")[0]) == (None, "NOT CHECKED")
    assert found["clock"].ok is True


def test_an_api_key_does_not_say_whose_it_is(system, environ):
    simulator = system()
    environ.update({"VERGE_USERNAME": "", "VERGE_PASSWORD": "", "VERGE_API_KEY": simulator.api_key})
    found = {finding.name: finding for finding in diagnose("env", environ=environ)}
    assert found["user"].ok is None
    assert found["clock"].ok is True


def test_a_session_is_ended_again(system, environ):
    simulator = system(VERGE_AUTH="session")
    assert summary(diagnose("env", environ=environ)) == WELL
    assert [entry.method for entry in simulator.requests if "tokens" in entry.path] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("skew", "ok", "detail"),
    [
        (0.4, True, "the system's clock is 0.4 s ahead of ours (to about a second)"),
        (-5.0, True, "the system's clock is 5.0 s behind ours (to about a second)"),
        (-5.1, None, "the system's clock is 5.1 s behind ours (to about a second)"),
        (3600.0, None, "the system's clock is 3600.0 s ahead of ours (to about a second)"),
        (None, None, "the system's answers carry no time, so the clocks cannot be compared"),
    ],
)
def test_clocks_that_differ_by_more_than_five_seconds_are_warned_about(skew, ok, detail):
    found = doctor._clocks(SystemInfo("c", "v", "o", True, None, skew))
    assert (found.ok, found.detail) == (ok, detail)


def test_the_exit_code_is_that_of_the_first_failure():
    findings = [Diagnosis("a", True, ""), Diagnosis("b", None, ""), Diagnosis("c", False, "", "", 9)]
    assert (exit_code(findings), exit_code(findings[:2]), exit_code([])) == (9, 0, 0)


def test_a_user_who_may_not_list_users_is_no_failure(system, environ):
    system().faults.add(Rule("no-users", "GET", "/api/v4/users", status=403, text="no permission"))
    found = {finding.name: finding for finding in diagnose("env", environ=environ)}
    assert (found["user"].ok, found["user"].detail) == (
        None,
        "'admin' was let in, but is not shown its own row of users",
    )
    assert found["clock"].ok is True


def test_a_user_who_may_not_read_the_vms_ends_there_with_the_code_for_permissions(system, environ):
    system().faults.add(Rule("no-vms", "GET", "/api/v4/vms", status=403, text="no permission"))
    findings = diagnose("env", environ=environ)
    assert (findings[-1].name, findings[-1].ok, exit_code(findings)) == ("may I read vms", False, 9)


@pytest.mark.parametrize(
    ("words", "ok"),
    [("5 of 9 assumptions measured on 26.1.8, 12 days ago", True), ("none of 9 assumptions measured", None)],
)
def test_the_last_line_says_how_much_was_measured_of_the_platform(system, environ, words, ok):
    system()
    last = diagnose("env", environ=environ, known=lambda profile, info: words)[-1]
    assert (last.name, last.ok, last.detail) == ("platform", ok, words)
    assert ("vergeos-nb conformance" in last.next_step) is (ok is None)
