"""The parameters of a runbook: text and values in, one schema, and a message for every slip."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.errors import UsageError
from vergeos_nb.procedure.runbooks.catalog import RUNBOOKS, read_parameters, schema_of
from vergeos_nb.procedure.runbooks.force_power_off import ForcePowerOffParameters


def read(**given: Any) -> ForcePowerOffParameters:
    return read_parameters("force_power_off", {"vm_name": "web-01", **given})


def refusal(**given: Any) -> tuple[str, str]:
    with pytest.raises(UsageError) as caught:
        read(**given)
    assert caught.value.asked == "reading the parameters of force_power_off"
    return caught.value.came_back, caught.value.next_step


NAMES = ", ".join(ForcePowerOffParameters.model_fields)


def test_only_the_name_is_needed_and_nothing_is_approved_by_default() -> None:
    assert read().model_dump() == {
        "vm_name": "web-01", "vm_key": 0, "profile": "simulator", "approve": "", "approver": "",
        "approve_until": "", "operator": "", "reason": "", "ticket": "", "expect_cores": 0,
        "expect_ram_mb": 0, "attest": "", "assertion": "", "sample_gap_s": 5.0, "poll_s": 2.0,
        "settle_s": 30.0, "confirm_timeout_s": 180.0, "start_at": "poweroff", "up_to": "override",
        "poweroff_wait_s": 60.0,
        "kill_wait_s": 20.0, "snapshot": False, "snapshot_required": False, "snapshot_days": 7,
        "probe_node": False, "ping_ip": "",
    }  # fmt: skip


def test_text_from_a_command_line_and_values_from_a_notebook_are_the_same() -> None:
    text = read(expect_cores="4", expect_ram_mb="8192", settle_s="2.5", poll_s="1", ticket="12")
    assert text == read(expect_cores=4, expect_ram_mb=8192, settle_s=2.5, poll_s=1, ticket="12")


@pytest.mark.parametrize("name", ["007", "1.0", "false", "null", "None", "1e3", "0x10", " web", "{x}", "'"])
def test_a_name_that_looks_like_something_else_stays_the_name(name: str) -> None:
    assert read(vm_name=name).vm_name == name


@given(st.text(min_size=1, max_size=128, alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_a_name_is_taken_as_it_is_to_the_last_blank(name: str) -> None:
    assert read(vm_name=name).vm_name == name


SLIPS: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown, near": (
        {"vmname": "x"}, "vmname is no parameter of force_power_off",
        f"Did you mean 'vm_name'? Known: {NAMES}.",
    ),
    "unknown, far": ({"zzz": "x"}, "zzz is no parameter of force_power_off", f"Known: {NAMES}."),
    "papermill's number": (
        {"vm_name": 7}, "vm_name came as the number 7, and text is wanted",
        "papermill's -p turned it into a number; use -r vm_name VALUE (raw)",
    ),
    "a truth value for a name": (
        {"vm_name": True}, "vm_name came as the truth value true, and none is wanted", "",
    ),
    "a truth value for a number": (
        {"expect_cores": True}, "expect_cores came as the truth value true, and none is wanted", "",
    ),
    "nothing for a name": ({"vm_name": None}, "vm_name Input should be a valid string", ""),
    "an empty name": ({"vm_name": ""}, "vm_name is empty; give the VM's exact name", ""),
    "a long name": (
        {"vm_name": "n" * 300}, "vm_name has 300 characters; a VM's name has at most 128", "",
    ),
    "controls in a name": (
        {"vm_name": "a\x00\n"}, "vm_name holds control characters (U+0000, U+000A); a VM's name has none", "",
    ),
    "a short digest": (
        {"approve": "abc"},
        "approve is no plan digest; copy the 64 hexadecimal characters that the planning run printed", "",
    ),
    "a digest in capitals": (
        {"approve": "A" * 64},
        "approve is no plan digest; copy the 64 hexadecimal characters that the planning run printed", "",
    ),
    "yes": (
        {"approve": "yes"},
        "approve is no plan digest; copy the 64 hexadecimal characters that the planning run printed", "",
    ),
    "no time": (
        {"approve_until": "tomorrow"},
        "approve_until is no ISO 8601 time such as 2026-10-01T12:00:00Z", "",
    ),
    "a time that no clock shows": (
        {"approve_until": "0001-01-01T00:00:00+23:59"},
        "approve_until is no ISO 8601 time such as 2026-10-01T12:00:00Z", "",
    ),
    "two lines": ({"reason": "a\nb"}, "reason holds control characters; write one plain line", ""),
    "a long line": ({"ticket": "t" * 501}, "ticket String should have at most 500 characters", ""),
    "words for a number": (
        {"expect_cores": "four"},
        "expect_cores Input should be a valid integer, unable to parse string as an integer", "",
    ),
    "a number below": ({"expect_cores": -1}, "expect_cores Input should be greater than or equal to 0", ""),
    "no number": ({"settle_s": "nan"}, "settle_s Input should be a finite number", ""),
    "no end": ({"settle_s": "inf"}, "settle_s Input should be a finite number", ""),
    "no pause": ({"poll_s": 0}, "poll_s Input should be greater than or equal to 0.05", ""),
    "waits that do not fit": (
        {"settle_s": 100, "confirm_timeout_s": 50},
        "confirm_timeout_s is shorter than settle_s, so nothing could ever be confirmed", "",
    ),
    "a rung that is none": (
        {"up_to": "reset"}, "up_to Input should be 'poweroff', 'kill' or 'override'", "",
    ),
    "rungs upside down": (
        {"start_at": "kill", "up_to": "poweroff", "attest": "Jo tried it at nine"},
        "start_at kill lies above up_to poweroff", "",
    ),
    "rungs left out without a word": (
        {"start_at": "kill"},
        "attest: start_at kill leaves methods out; say in a sentence who tried them, when", "",
    ),
    "an attestation of three words": (
        {"start_at": "override", "attest": "tried it already"},
        "attest: start_at override leaves methods out; say in a sentence who tried them, when", "",
    ),
    "a wait below nothing": (
        {"kill_wait_s": -1}, "kill_wait_s Input should be greater than or equal to 0", "",
    ),
    "a number for a truth value": (
        {"probe_node": "perhaps"},
        "probe_node Input should be a valid boolean, unable to interpret input", "",
    ),
    "a snapshot for no day": (
        {"snapshot_days": 0}, "snapshot_days Input should be greater than or equal to 1", "",
    ),
    "a snapshot demanded and not taken": (
        {"snapshot_required": True},
        "snapshot_required: no snapshot is asked for; set snapshot to true as well", "",
    ),
    "an assertion of a word": (
        {"assertion": "yes"}, "assertion: say in a sentence who made sure of it, and how", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_named_with_what_to_do(slip: str) -> None:
    given, came_back, next_step = SLIPS[slip]
    assert refusal(**given) == (came_back, next_step)


def test_a_missing_name_says_how_to_give_it() -> None:
    with pytest.raises(UsageError) as caught:
        read_parameters("force_power_off", {})
    assert (caught.value.came_back, caught.value.next_step) == (
        "vm_name is missing",
        "give it with -p vm_name=VALUE",
    )


def test_all_slips_are_named_at_once() -> None:
    came_back, _ = refusal(approve="x", pol_s=1, settle_s="z")
    assert [part.split()[0] for part in came_back.split("; ") if "copy" not in part] == [
        "approve",
        "settle_s",
        "pol_s",
    ]


def test_a_value_is_never_repeated_where_it_may_be_a_secret() -> None:
    came_back, next_step = refusal(password="hunter22", approve="hunter22", approve_until="hunter22")
    assert "hunter22" not in came_back + next_step


@pytest.mark.parametrize("until", ["2026-10-01", "2026-10-01T12:00:00Z", "2026-10-01T12:00:00+02:00", ""])
def test_iso_times_are_taken(until: str) -> None:
    assert read(approve_until=until).approve_until == until


def test_a_runbook_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        schema_of("force_poweroff")
    assert str(caught.value) == (
        "opening the runbook 'force_poweroff': there is no such runbook\n"
        f"What to do: Did you mean 'force_power_off'? Known: {', '.join(RUNBOOKS)}."
    )
