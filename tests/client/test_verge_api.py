"""Each method against the simulator, in process and over TLS, and against answers it never gives."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from vergeos_nb import errors
from vergeos_nb.client.decoded_rows import UserAccount
from vergeos_nb.client.verge_api import SIMULATOR_SERVER, VergeApi
from vergeos_nb.settings import Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator
from vergeos_nb.vergeos.rows import MachineKey, StatusKey, SystemInfo, VmKey

BODY = {"running": False, "migratable": True, "status": "stopped", "state": "offline"}


@pytest.fixture(params=["in process", "TLS"])
def connect(request, make_wire):
    """An API on a simulator of a scenario, through the one door and through the other."""
    doors = []

    def open_door(scenario: str, kind: str = "basic", profile_password: str | None = None):
        simulator = Simulator(scenario)
        secret = simulator.api_key if kind == "bearer" else profile_password or simulator.password
        credentials = Credentials(kind, None if kind == "bearer" else simulator.username, Secret(secret))
        if request.param == "in process":
            profile = Profile("sim", "simulator.example", credentials)
            return simulator, VergeApi(make_wire(simulator.transport(), profile))
        door = simulator.serve()
        doors.append(door)
        door.open()
        profile = Profile("sim", door.host, credentials, ca_file=Path(door.ca_file), timeout_s=5)
        return simulator, VergeApi(make_wire(profile=profile))

    yield open_door
    for door in doors:
        door.close()


@pytest.mark.parametrize("kind", ["basic", "bearer", "session"])
def test_the_whole_way_with_each_kind_of_credentials(connect, kind, recorder):
    simulator, api = connect("stuck", kind)
    with api:
        system = api.system()
        (vm,) = api.vms_named(simulator.vm_name)
        key = api.status_key(vm.machine)
        (status,) = api.statuses_of(vm.machine)
        now = api.vm_now(vm.key)
        stats = api.machine_stats(vm.machine)
        whole = api.machine_status(key)
        api.override_status(key, BODY)
        after = api.machine_status(key)
    assert (system.cloud_name, system.simulated) == ("lab-east", True)
    assert len({vm.key.value, vm.machine.value, key.value}) == 3
    assert (status.key, status.machine, whole.key, whole.machine) == (key, vm.machine, key, vm.machine)
    assert status == whole
    assert (now.vm, now.name, now.machine, now.status_key, now.status_machine, now.running, now.status) == (
        vm.key, vm.name, vm.machine, key, vm.machine, whole.running, whole.status,
    )  # fmt: skip
    assert stats is not None
    assert (stats.machine, stats.total_cpu) == (vm.machine, 0)
    assert (whole.running, after.running, after.status, after.state) == (True, False, "stopped", "offline")
    assert whole.row["agent_features"] == []
    (changing,) = simulator.changing_requests()
    assert (changing.method, changing.path) == ("PUT", f"/api/v4/machine_status/{key}")
    assert [one.number for one in recorder.exchanges] == list(range(1, len(recorder.exchanges) + 1))
    shown = repr(recorder.exchanges)
    assert [secret for secret in api.wire.secrets if secret in shown] == []
    assert simulator.password not in shown
    assert simulator.api_key not in shown


def test_twins_and_snapshots_are_all_handed_over(connect):
    simulator, api = connect("twins")
    assert len(api.vms_named(simulator.vm_name)) == 2
    simulator, api = connect("snapshot_only")
    assert [vm.is_snapshot for vm in api.vms_named(simulator.vm_name)] == [True]


def test_no_vm_of_that_name_is_no_error_here(connect):
    _, api = connect("stuck")
    assert api.vms_named("no-such-vm") == ()


def test_names_like_a_text_are_found_in_any_case_and_limited(connect):
    _, api = connect("stuck")
    names = [vm.name for vm in api.vms_like("WEB-0")]
    assert "web-01" in names
    assert names == sorted(names)
    assert len(api.vms_like("e", limit=2)) == 2


def test_odd_names_are_found_by_themselves(connect):
    simulator, api = connect("odd_names")
    assert [vm.name for vm in api.vms_named(simulator.vm_name)] == [simulator.vm_name]
    assert [vm.name for vm in api.vms_named("O'Brien {x} 50% \\ <b>")] == ["O'Brien {x} 50% \\ <b>"]


@pytest.mark.parametrize("name", ["", "n" * 129, "a\x00b", "a\nb"])
def test_a_name_that_no_vm_can_have_is_never_sent(connect, name):
    simulator, api = connect("stuck")
    with pytest.raises(errors.UsageError):
        api.vms_named(name)
    assert simulator.requests == []


def test_a_machine_row_that_is_gone_is_not_found(connect):
    simulator, api = connect("gone")
    (vm,) = api.vms_named(simulator.vm_name)
    with pytest.raises(errors.RowNotFound) as caught:
        api.status_key(vm.machine)
    assert caught.value.status == 404


def test_a_status_row_of_another_machine_is_handed_over_as_it_is(connect):
    simulator, api = connect("wrong_row")
    (vm,) = api.vms_named(simulator.vm_name)
    assert api.machine_status(api.status_key(vm.machine)).machine != vm.machine


def test_errors_before_good_answers_are_sat_out(connect, recorder):
    simulator, api = connect("flaky")
    (vm,) = api.vms_named(simulator.vm_name)
    assert api.machine_status(api.status_key(vm.machine)).machine == vm.machine
    assert [one.attempt for one in recorder.exchanges if one.error] != []


def test_a_reader_may_read_and_is_refused_the_change(connect):
    simulator, api = connect("reader")
    (vm,) = api.vms_named(simulator.vm_name)
    with pytest.raises(errors.PermissionDenied) as caught:
        api.override_status(api.status_key(vm.machine), BODY)
    assert (caught.value.status, caught.value.exit_code) == (403, 9)


def test_an_unanswered_change_is_sent_once_and_may_have_been_carried_out(connect):
    simulator, api = connect("unanswered")
    (vm,) = api.vms_named(simulator.vm_name)
    key = api.status_key(vm.machine)
    with pytest.raises(errors.Unanswered) as caught:
        api.override_status(key, BODY)
    assert caught.value.may_have_executed
    assert len(simulator.changing_requests()) == 1
    assert api.machine_status(key).status == "stopped"


@pytest.mark.parametrize("kind", ["basic", "session"])
def test_a_bad_password_is_tried_once(connect, kind):
    simulator, api = connect("stuck", kind, profile_password="canary-wrong")
    with pytest.raises(errors.LoginFailed) as caught:
        api.system()
    assert len(simulator.requests) == 1
    assert "canary-wrong" not in str(caught.value)


def test_a_user_is_found_by_name_or_not_at_all(connect):
    simulator, api = connect("stuck")
    found = api.account(simulator.username)
    assert found is not None
    assert found == UserAccount(found.key, "admin", "normal", True, identity=1)
    assert api.account("nobody") is None


# -- answers that the simulator never gives --------------------------------------------------------


def fixed(make_wire, data, **headers):
    def handle(request):
        return httpx.Response(200, json=data, headers=headers)

    return VergeApi(make_wire(httpx.MockTransport(handle)))


@pytest.mark.parametrize("many", [True, False])
def test_the_system_may_come_alone_or_in_a_list(make_wire, clock, many):
    row = {"$key": 1, "yb_version": "26.1.3", "os_version": "26.1.3.1", "cloud_name": "prod"}
    api = fixed(make_wire, [row] if many else row, Date="Mon, 21 Sep 2026 15:13:20 GMT", Server="nginx")
    assert api.system() == SystemInfo(
        "prod", "26.1.3", "26.1.3.1", False, 1_790_003_600.0, 1_790_003_600.0 - clock.time
    )


def test_a_system_without_a_readable_date_has_no_clock(make_wire):
    row = {"yb_version": "26.1.3", "cloud_name": "prod"}
    found = fixed(make_wire, [row], Date="yesterday", Server=SIMULATOR_SERVER).system()
    assert found == SystemInfo("prod", "26.1.3", "", True, None, None)


@pytest.mark.parametrize("data", [[], [{}, {}], None, "x", [5]])
def test_no_system_or_two_of_them_is_another_shape(make_wire, data):
    with pytest.raises(errors.BadAnswer):
        fixed(make_wire, data).system()


def test_stats_are_none_without_a_row_and_an_error_with_two(make_wire):
    row = {"machine": 54}
    assert fixed(make_wire, []).machine_stats(MachineKey(54)) is None
    with pytest.raises(errors.WrongShape, match="2 rows came where a machine has one"):
        fixed(make_wire, [row, row]).machine_stats(MachineKey(54))


@pytest.mark.parametrize("status", [None, 0, "machine_status/61", True])
def test_a_machine_that_names_no_status_row_is_another_shape(make_wire, status):
    with pytest.raises(errors.WrongShape, match="'status' in a row of machines is"):
        fixed(make_wire, {"status": status}).status_key(MachineKey(54))


def test_a_key_of_another_table_is_refused_before_anything_is_sent(make_wire, recorder):
    api = fixed(make_wire, [])
    for call in (
        lambda: api.vm_now(MachineKey(54)),
        lambda: api.status_key(VmKey(42)),
        lambda: api.statuses_of(StatusKey(61)),
        lambda: api.machine_stats(VmKey(42)),
        lambda: api.machine_status(MachineKey(54)),
        lambda: api.override_status(MachineKey(54), BODY),
        lambda: api.override_status(61, BODY),
    ):
        with pytest.raises(TypeError):
            call()
    assert recorder.events == []
