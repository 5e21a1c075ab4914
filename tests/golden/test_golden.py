"""What an older version sealed and answered holds with this one. The files are never made again."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command
from vergeos_nb.archive.plan_shelf import PlanShelf
from vergeos_nb.archive.questions.open_archive import open_archive
from vergeos_nb.journal.journal import read_journal
from vergeos_nb.journal.lines import SHAPES
from vergeos_nb.journal.run_state import run_state_of
from vergeos_nb.procedure.values.votes import VerdictValue
from vergeos_nb.record.run_summary import summary_of
from vergeos_nb.views.badges import badge_of

HERE = Path(__file__).parent
VERSIONS = sorted(path.name.removesuffix(".tar.xz") for path in HERE.glob("*.tar.xz"))
# Lines of live notebooks, of a bug, of an outage of forwarding, and of a fleet that died: none is in them.
NOT_IN_THEM = {"bug", "intent-kept", "not-forwarded", "parameters", "resumed", "vm-settled"}
# These read the archive alone, so every later version must give the same answer, and may give more.
READING = ("verify", "list", "removed", "show", "diff")


@pytest.fixture(scope="module", params=VERSIONS)
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden files of one version, unpacked."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(HERE / f"{request.param}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return folder


def answers(golden: Path) -> Sequence[Mapping[str, Any]]:
    """Every command that was run, with its exit code and its JSON."""
    text = (golden / "answers.json").read_text().replace("WORK", str(golden))
    return list(json.loads(text))


def records(golden: Path) -> Sequence[Path]:
    """The folders of all records."""
    return sorted(path.parent for path in golden.glob("*/20*/*/journal.jsonl"))


def asked(*arguments: str) -> tuple[int, Any]:
    """The exit code and the JSON of a command."""
    ended = command(*arguments, "--json")
    return ended.returncode, json.loads(ended.stdout.splitlines()[-1])


def missing(old: Any, new: Any, where: str = "") -> list[str]:
    """Where a newer answer lacks something of an older one, or says something else."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        gone = [f"{where}.{name}" for name in old if name not in new]
        both = [name for name in old if name in new]
        return gone + [place for name in both for place in missing(old[name], new[name], f"{where}.{name}")]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [place for at, (one, other) in pairs for place in missing(one, other, f"{where}[{at}]")]
    return [] if old == new else [f"{where}: {old!r} became {new!r}"]


def test_there_are_golden_files_of_each_format() -> None:
    assert VERSIONS == ["0.1.0", "0.2.0"]


def test_the_golden_files_hold_every_form_of_a_journal_s_lines() -> None:
    """A form that no golden file holds could be given up by mistake."""
    events: set[str] = set()
    for version in VERSIONS:
        with tarfile.open(HERE / f"{version}.tar.xz") as tar:
            for member in tar:
                if (
                    member.name.endswith("/journal.jsonl")
                    and (content := tar.extractfile(member)) is not None
                ):
                    events |= {json.loads(line)["event"] for line in content if line.endswith(b"\n")}
    assert set(SHAPES) - events == NOT_IN_THEM


@pytest.mark.parametrize("archive", ["plain", "signed"])
@pytest.mark.parametrize("reading", READING)
def test_an_archive_of_an_older_version_verifies_and_reads_as_it_did(
    golden: Path, archive: str, reading: str
) -> None:
    then = next(answer for answer in answers(golden) if answer["name"] == f"{reading} {archive}")
    code, now = asked(*then["arguments"], "--outputs", str(golden / archive))
    assert (code, missing(then["answer"], now)) == (then["code"], [])


def test_a_journal_of_an_older_version_says_the_same_of_its_run(golden: Path) -> None:
    told = {path: json.loads((path / "record.json").read_text()) for path in records(golden)}
    assert len(told) > 10
    for path, record in told.items():
        account = run_state_of(read_journal(path / "journal.jsonl"))
        said = (account.outcome.value, account.verdict.value, account.exit_code)
        assert said == (record["outcome"], record["verdict"], record["exit_code"]), path.name


def test_a_record_of_an_older_version_is_shown_by_its_verdict(golden: Path) -> None:
    """Holds off a green tick over a VM that lives, or of which nobody knows, in what was sealed long ago."""
    for path in records(golden):
        summary = summary_of(run_state_of(read_journal(path / "journal.jsonl")))
        if summary.over_vm and summary.end.verdict is not VerdictValue.OFF:
            assert (path.name, summary.badge.sign == "✔") == (path.name, False)
        for result in summary.results:
            if result.facts.get("verdict") in ("alive", "unknown"):
                assert (path.name, result.step, badge_of(result).sign == "✔") == (
                    path.name,
                    result.step,
                    False,
                )
            if result.step in ("poweroff", "kill") and result.facts.get("opens"):
                assert badge_of(result).sign != "✘", (path.name, result.step)


@pytest.mark.parametrize("archive", ["plain", "signed"])
def test_an_archive_of_an_older_version_has_rows_of_every_kind(golden: Path, archive: str) -> None:
    frames = open_archive(golden / archive)
    runs, steps, calls, evidence = frames.runs, frames.steps, frames.calls, frames.evidence
    assert (frames.unread, bool(runs.whole.all()), len(runs)) == (frozenset(), True, len(frames))
    for record, run in runs.iterrows():
        told = json.loads((golden / archive / run.path / "record.json").read_text())
        of = steps[steps.record == record]
        assert list(dict.fromkeys(of.step)) == [step["step"] for step in told["steps"]]
        assert sum(calls.record == record) == told["api_calls"]
        assert run.changes == len(told["changing_calls"])
    acted = runs[runs.sent.fillna("") != ""]
    assert set(acted.index) <= set(calls.record[calls.act.notna()])
    assert len(evidence) > 20
    assert set(evidence.says) == {"alive", "dead", "silent"} if archive == "plain" else True


def test_a_plan_of_an_older_version_is_found_under_its_digest(golden: Path) -> None:
    kept = sorted(golden.glob("*/plans/*.json"))
    assert len(kept) > 5
    for path in kept:
        plan = PlanShelf(golden / path.parts[-3]).find(path.stem)
        # A fleet's plan stands beside those of its VMs, in a format of its own.
        if plan is not None:
            assert plan.digest == path.stem
        else:
            assert json.loads(path.read_bytes())["format"].startswith("vergeos-nb/fleet")


def test_a_fleet_of_an_older_version_has_a_status(golden: Path) -> None:
    then = next(answer for answer in answers(golden) if answer["name"] == "fleet status")
    code, now = asked(*then["arguments"], "--outputs", str(golden / "plain"))
    # The last run over it came later.
    assert (code, now["plan_digest"], now["approved_by"]) == (0, then["answer"]["plan_digest"], "grace")
    assert missing(then["answer"]["vms"], now["vms"]) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scenarios", ["simulator", "--list"]),
        ("doctor", ["doctor"]),
        ("stuck", ["stuck", "--gap", "1.5"]),
        ("plan", ["run", "force_power_off", "-p", "vm_name=web-01"]),
        ("usage", ["run", "force_power_off", "-p", "settle_x=3"]),
    ],
)
@pytest.mark.usefixtures("skipped_waits")
def test_the_json_of_a_command_keeps_every_field(golden: Path, name: str, words: list[str]) -> None:
    then = next(answer for answer in answers(golden) if answer["name"] == name)
    code, now = asked(*words)
    assert (code, then["answer"].keys() - now.keys()) == (then["code"], set())


@pytest.mark.parametrize("name", ["plain", "signed"])
def test_an_export_of_an_older_version_is_still_vouched_for(name: str) -> None:
    allowed = ["--allowed-signers", str(HERE / "exports" / "allowed_signers")] if name == "signed" else []
    code, now = asked("audit", "verify", str(HERE / "exports" / f"{name}.zip"), *allowed)
    files = (
        "the 6 files of the record are those that manifest.json names by SHA-256, and no other",
        f"the journal is whole: its {40 if name == 'plain' else 449} lines are numbered without a gap, and "
        "journal.jsonl, record.json and manifest.json say the same of how the run ended",
    )
    signed = (
        "ada@example.com signed the record when it was sealed",
        "exporter@example.com signed the statement of this export, which names exactly these files",
    )
    number, lines = (1, 25) if name == "plain" else (2, 2)
    ledger = (
        f"number {number} of the ledger.jsonl in this export seals exactly this record, and each of its "
        f"{lines} lines holds the hash of the line before"
    )
    expected = [*files, ledger, *(signed if name == "signed" else ())]
    assert (code, now["findings"], now["vouched"]) == (0, [], expected)
