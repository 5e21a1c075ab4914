"""One system is one system, however its host is spelled; two systems are two, whatever they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rehearsal import LADDER, Rehearsal, ending
from vergeos_nb.procedure.engine.case import Target
from vergeos_nb.procedure.engine.system_identity import differences, in_plan, in_words, lease_names
from vergeos_nb.vergeos.rows import SystemInfo

Make = Callable[..., Rehearsal]
OWN, OTHER = "ab" * 20, "cd" * 20


def info(own: str = OWN, cloud: str = "lab") -> SystemInfo:
    return SystemInfo(cloud, "26.1", "26.1.0", False, id=own)


def target(host: str, profile: str = "lab") -> Target:
    return Target(profile, host, "configured", "jo", "verified")


def told(run: Rehearsal, own: str, cloud: str = "lab-east") -> None:
    """Let the simulator say this of itself."""
    run.sim.world.set_row("system", next(iter(run.sim.world.tables["system"])), id=own, cloud_name=cloud)


@pytest.mark.parametrize("own", [OWN, ""])
@pytest.mark.parametrize(
    "spelled", ["10.0.0.5", "VERGEOS.example.", "vergeos.example:443", "vergeos.example"]
)
def test_one_system_under_two_spellings_is_leased_once_and_gets_no_request_twice(
    rehearse: Make, spelled: str, own: str
) -> None:
    """Holds off: two runs that reach one system in two ways, and both force the VM off."""
    run = rehearse("stuck")
    told(run, own)
    digest = run.run(**LADDER).fact("plan_digest")
    first = run.open(**LADDER, operator="jo", approve=digest)
    for step in first.engine.steps[:6]:
        assert first.step(step.id).result.outcome == "passed"
    run.profile = replace(run.profile, host=spelled)
    planned = run.run(**LADDER).fact("plan_digest")
    account = run.run(**LADDER, operator="sam", approve=planned)
    assert (ending(account), run.changes()) == (("refused", "off", 3), [])
    for step in first.engine.steps[6:]:
        first.step(step.id)
    assert (ending(run.end(first)), run.changes()) == (("done", "off", 0), run.rungs(41))


def test_a_plan_is_the_same_however_the_host_is_spelled_and_another_on_another_system(rehearse: Make) -> None:
    """Holds off: an approval that is lost by a trailing dot, or that holds on the system next door."""
    run = rehearse("stuck")
    told(run, OWN)
    digest = run.run().fact("plan_digest")
    run.profile = replace(run.profile, host="10.0.0.5:443")
    assert run.run().fact("plan_digest") == digest
    told(run, OTHER)
    account = run.run(approve=digest)
    assert (ending(account), run.changes()) == (("refused", "off", 5), [])


def test_two_systems_of_one_name_and_the_same_keys_do_not_wait_for_each_other(
    rehearse: Make, tmp_path: Path
) -> None:
    """Holds off: two labs of one name, of which one is kept waiting for the other."""
    runs = [rehearse("stuck"), rehearse("stuck")]
    books = []
    told(runs[1], OTHER)
    for run, host in zip(runs, ("a.example", "b.example"), strict=True):
        run.outputs = tmp_path / "shared" / host
        run.profile = replace(run.profile, host=host)
        digest = run.run().fact("plan_digest")
        run.outputs = tmp_path / "shared"
        run.runs = len(books) * 10
        books.append(run.open(approve=digest))
        assert [books[-1].step(s.id).result.outcome for s in books[-1].engine.steps[:6]] == ["passed"] * 6
    for book in books:
        book.end()


def test_what_a_system_says_of_itself_names_it_and_its_host_where_it_says_too_little() -> None:
    names = {host: set(lease_names(host, info(), 7)) for host in ("a.example", "10.0.0.5")}
    assert names["a.example"] & names["10.0.0.5"] == {f"system {OWN} vm 7"}
    assert set(lease_names("a.example", info(OTHER), 7)) & names["10.0.0.5"] == set()
    # Nothing but a name: better wait without need than send twice.
    assert set(lease_names("a", info(""), 7)) & set(lease_names("b", info("self"), 7)) == {"cloud lab vm 7"}
    assert in_plan(target("a.example"), info()) == in_plan(target("10.0.0.5"), info())
    for own in ("", "self", "0" * 40, "not hexadecimal"):
        assert in_plan(target("a.example"), info(own)) != in_plan(target("b.example"), info(own))
    private = [in_plan(target("simulator", "simulator"), info(own)) for own in (OWN, OTHER)]
    assert private[0] == private[1]
    older = {"profile": "lab", "host": "a.example", "cloud_name": "lab", "simulated": False}
    assert in_words(older) == "cloud lab, host a.example"


@pytest.mark.parametrize(
    ("then", "differ"),
    [
        ({"system_id": OWN, "host": "other"}, []),
        ({"system_id": OTHER, "host": "a.example"}, ["system"]),
        ({"host": "a.example"}, []),
        ({"host": "other"}, ["host"]),
        ({"system_id": OWN, "host": "a.example", "cloud_name": "west"}, ["cloud"]),
        ({"system_id": OWN, "host": "a.example", "simulated": True}, ["simulated"]),
    ],
)
def test_a_record_is_held_against_what_both_say_of_themselves(
    then: dict[str, object], differ: list[str]
) -> None:
    found = differences({"cloud_name": "lab", "simulated": False, **then}, target("a.example"), info())
    assert [what for what, was, now in found if was != now] == differ
