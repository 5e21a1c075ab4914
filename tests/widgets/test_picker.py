"""The picker: likely candidates first, narrowed by words, and two VMs of one name told apart."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.sitting import text
from vergeos_nb.simulator import Simulator
from vergeos_nb.vergeos.rows import Listed, MachineKey, VmKey
from vergeos_nb.widgets.picker import MOST_SHOWN, VmPicker


def vm(key: int, name: str, **more: Any) -> Listed:
    told: dict[str, Any] = {
        "status": "running", "state": "online", "node": "node1", "cores": 2, "ram_mb": 1024, "tags": (),
        "why": "",
    }  # fmt: skip
    return Listed(VmKey(key), name, MachineKey(key + 1000), **{**told, **more})


VMS = [
    vm(1, "app-01"),
    vm(2, "web-01", status="unresponsive", why="its status is unresponsive"),
    vm(3, "web-02", node="node2", tags=("Production",)),
    vm(4, "web-01", status="stopped", state="offline", node=""),
]


def names(picker: VmPicker) -> list[str]:
    return [line.partition(" · ")[0].removeprefix("⚠ ") for line, _ in picker.list.options]


def test_vms_that_stand_out_come_first_and_then_names_in_order() -> None:
    picker = VmPicker(lambda vm: None)
    picker.fill(VMS)
    assert names(picker) == ["web-01", "app-01", "web-01", "web-02"]
    assert picker.list.options[0][0].startswith("⚠ ")
    assert text(picker.count.value) == "4 of 4 VMs"


def test_words_narrow_by_name_status_node_and_tag_in_any_case() -> None:
    picker = VmPicker(lambda vm: None)
    picker.fill(VMS)
    found = {}
    for words in ("WEB", "web node2", "production", "stopped", "nothing like it", ""):
        picker.words.value = words
        found[words] = names(picker)
    assert found == {
        "WEB": ["web-01", "web-01", "web-02"],
        "web node2": ["web-02"],
        "production": ["web-02"],
        "stopped": ["web-01"],
        "nothing like it": [],
        "": ["web-01", "app-01", "web-01", "web-02"],
    }


def test_choosing_shows_the_details_beside_the_list_and_tells_which_vm() -> None:
    chosen: list[Listed] = []
    picker = VmPicker(chosen.append)
    picker.fill(VMS)
    picker.list.index = 0
    assert chosen == [VMS[1]]
    assert "why it stands out its status is unresponsive" in text(picker.details.value)
    assert "VM key 2 machine key 1002" in text(picker.details.value)


def test_hostile_names_are_inert_in_list_and_details() -> None:
    picker = VmPicker(lambda vm: None)
    picker.fill([vm(1, "<img src=x onerror=alert(1)>\u202e")])
    picker.list.index = 0
    assert "<img" not in picker.details.value
    assert "\u202e" not in picker.details.value


@settings(max_examples=50)
@given(st.lists(st.text(max_size=12), max_size=20), st.text(max_size=12))
def test_whatever_is_typed_what_is_listed_holds_every_word(named: list[str], words: str) -> None:
    picker = VmPicker(lambda vm: None)
    picker.fill([vm(n + 1, name) for n, name in enumerate(named)])
    picker.words.value = words
    for line, place in picker.list.options:
        listed = picker._shown[place]
        assert all(
            word in f"{listed.name} running online node1".casefold() for word in words.casefold().split()
        )
        assert listed.name in line


def test_ten_thousand_vms_are_listed_in_two_calls_and_a_hundred_shown() -> None:
    from vergeos_nb.client.transport.wire import Wire
    from vergeos_nb.client.verge_api import VergeApi
    from vergeos_nb.settings import Credentials, Profile, Secret

    simulator = Simulator("stuck", vms=10_000)
    credentials = Credentials("basic", simulator.username, Secret(simulator.password))
    profile = Profile("lab", "vergeos.example", credentials)
    with Wire(profile, transport=simulator.transport()) as wire:
        vms = VergeApi(wire).vms_listed()
    picker = VmPicker(lambda vm: None)
    picker.fill(vms)
    assert (len(picker.list.options), names(picker)[0]) == (MOST_SHOWN, "web-01")
    picker.words.value = vms[-1].name
    assert vms[-1].name in names(picker)
    assert [request.path for request in simulator.requests] == ["/api/v4/vms", "/api/v4/tag_members"]
