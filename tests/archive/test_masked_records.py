"""What others wrote never decides whether a record is sealed, nor brings a secret into it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.rehearsal import API_KEY, LADDER, Rehearsal, ending
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import SettingsError
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.masking import MASK
from vergeos_nb.record.record_folder import check, read
from vergeos_nb.runner.recovery import recover, unfinished
from vergeos_nb.settings import Credentials, Profile, Secret

Make = Callable[..., Rehearsal]
FOREIGN = "abcdef0123456789abcdef"
LINE = f"client sent Authorization: Bearer {FOREIGN}"


def holding(outputs: Path, *needles: str) -> list[tuple[str, str]]:
    """Files below a folder that hold one of these, in their names too."""
    return [
        (str(path.relative_to(outputs)), needle)
        for path in outputs.rglob("*")
        for needle in needles
        if needle in path.name or (path.is_file() and needle.encode() in path.read_bytes())
    ]


def test_a_token_in_others_texts_is_masked_as_it_is_written_and_the_record_is_sealed(rehearse: Make) -> None:
    """Holds off: one line in the platform's log makes a record unsealable for ever, after the PUT."""
    run = rehearse("stuck")
    inner = run.sim.transport()

    def door(request: httpx.Request) -> httpx.Response:
        answer = inner.handler(request)
        data = json.loads(answer.content)
        rows = data if isinstance(data, list) else [data]
        for row in rows:
            row |= {"text": LINE, LINE: 1, "console_pass": "vnc-hunter", "headers": [["x-api-key", FOREIGN]]}
        return httpx.Response(answer.status_code, headers={"Server": "x"}, json=data)

    run.transport = httpx.MockTransport(door)
    digest = run.run(finish=True, **LADDER).fact("plan_digest")
    run.put_answers(status=500, text=LINE, execute=True)
    account = run.run(finish=True, approve=digest, **LADDER)
    assert ending(account) == ("done", "off", 0)
    report = verify(run.outputs)
    assert (report.findings, report.records) == ((), 2)
    assert holding(run.outputs, FOREIGN, "vnc-hunter") == []
    assert f"Bearer {MASK}" in (run.folder / "journal.jsonl").read_text()
    assert "masked" not in read(run.folder)


@pytest.mark.parametrize("token", [FOREIGN, API_KEY])
def test_a_record_that_an_older_version_could_not_seal_is_sealed_by_recovery(
    rehearse: Make, token: str
) -> None:
    run = rehearse("stuck")
    run.run(finish=True)
    for name in ("ledger.jsonl", "ledger.head"):
        (run.outputs / name).unlink()
    journal = run.folder / "journal.jsonl"
    lines = journal.read_text().splitlines()
    noted = {"n": 2, "at": "2026-09-22T12:00:00.000Z", "event": "note", "step": "connect"}
    lines.insert(1, json.dumps({**noted, "text": f"client sent Authorization: Bearer {token}"}))
    numbered = [json.dumps({**json.loads(line), "n": n}) for n, line in enumerate(lines, start=1)]
    journal.write_text("\n".join(numbered) + "\n")
    for path in run.folder.iterdir():
        if path != journal:
            path.unlink()
    before = run_state_of(read_journal(journal))
    Secret(API_KEY)
    later = SystemClock()
    later.now = lambda: 2e9  # type: ignore[method-assign]
    assert list(unfinished(run.outputs, later)) == [run.folder]
    recovered = recover(run.folder, ask=False)
    assert verify(run.outputs).findings == ()
    assert holding(run.outputs, token) == []
    assert f"Bearer {MASK}" in journal.read_text()
    assert [line["lines"] for line in read_journal(journal).lines if line["event"] == "masked"] == [[2]]
    assert recovered.account.ended_at == before.ended_at
    assert (recovered.account.outcome, recovered.account.verdict) == (before.outcome, before.verdict)
    assert check(run.folder) == []
    assert list(unfinished(run.outputs, later)) == []


@pytest.mark.parametrize("secret", ["web-0", "WEB-01", "b-01"])
def test_a_password_that_is_a_piece_of_the_vms_name_is_refused_before_the_first_call(
    rehearse: Make, secret: str
) -> None:
    run = rehearse("stuck")
    run.profile = Profile("lab", "vergeos.example", Credentials("basic", "admin", Secret(secret)))
    with pytest.raises(SettingsError) as error:
        run.run(finish=True)
    assert error.value.came_back.startswith("its password or token is a part of the VM's name")
    assert "use an API key" in error.value.next_step
    assert run.requests == []
    assert secret not in str(error.value)
    # The refusal has its record.
    assert (verify(run.outputs).findings, verify(run.outputs).records) == ((), 1)
    assert holding(run.folder, secret) == []


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("ticket", {"ticket": "canary-word"}),
        ("operator's name", {"operator": "Canary-Word"}),
        ("approver's name", {"approver": "jo canary-word"}),
    ],
)
def test_so_is_one_that_is_a_piece_of_another_name_of_the_record(
    rehearse: Make, what: str, change: dict[str, str]
) -> None:
    run = rehearse("stuck")
    run.profile = Profile("lab", "vergeos.example", Credentials("basic", "admin", Secret("canary-word")))
    with pytest.raises(SettingsError, match=f"is a part of the {what}"):
        run.run(**change)
    assert run.requests == []


@pytest.mark.parametrize(
    ("name", "host", "user"),
    [("lab-canary", "h", "jo"), ("lab", "canary.example", "jo"), ("lab", "h", "canary")],
)
def test_so_is_one_that_is_a_piece_of_profile_host_or_user(
    rehearse: Make, name: str, host: str, user: str
) -> None:
    run = rehearse("stuck")
    run.profile = Profile(name, host, Credentials("basic", user, Secret("canary")))
    with pytest.raises(SettingsError, match="is a part of the (name of the profile|host|user)"):
        run.run()
    assert run.requests == []


@pytest.mark.parametrize("secret", ["abcd", "9e0f", "Zq3!"])
def test_a_run_with_a_short_password_is_sealed(rehearse: Make, secret: str) -> None:
    """Holds off: four letters that stand by chance in a digest or a time make a record unsealable."""
    run = rehearse("stuck")
    run.profile = Profile("lab", "vergeos.example", Credentials("basic", "admin", Secret(secret)))
    run.sim.password = secret
    run.sim.reset()
    digest = run.run(finish=True).fact("plan_digest")
    account = run.run(finish=True, approve=digest)
    assert ending(account) == ("done", "off", 0)
    assert (verify(run.outputs).findings, verify(run.outputs).records) == ((), 2)
