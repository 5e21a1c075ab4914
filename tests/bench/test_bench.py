"""The benches work. How fast anything is, they say themselves, and no test judges it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.__main__ import _report, all_claims, chosen
from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.measure import measure

ROOT = Path(__file__).parents[2]


def claim(*goals: Goal, ours: list[float], peer: list[float], log: list[str]) -> Claim:
    @contextmanager
    def pair(setting: Setting) -> Iterator[Pair]:
        mine, others = iter(ours), iter(peer)

        def trial(name: str, values: Iterator[float]) -> Sample:
            log.append(name)
            return Sample(wall_s=next(values), count=7)

        yield Pair(lambda: trial("ours", mine), lambda: trial("peer", others))
        log.append("cleaned up")

    return Claim("it", "ours", "peer", goals, pair, rounds=len(ours))


def test_sides_are_measured_in_turn_and_the_ratio_is_of_their_medians(tmp_path: Path) -> None:
    log: list[str] = []
    one = claim(Goal(Metric.WALL, 0.5), ours=[1, 9, 2], peer=[4, 4, 99], log=log)
    (found,) = measure(one, Setting(tmp_path, short=False))
    assert log == ["ours", "peer"] * 3 + ["cleaned up"]
    assert (found.ours, found.peer, found.ratio, found.met) == (2, 4, 0.5, True)
    assert (found.all_ours, found.all_peer) == ((1, 9, 2), (4, 4, 99))


def test_a_goal_is_missed_absolute_unset_or_beyond_measure(tmp_path: Path) -> None:
    goals = (
        Goal(Metric.WALL, 0.4),
        Goal(Metric.WALL, 2, absolute=True),
        Goal(Metric.COUNT, None),
        Goal(Metric.MEMORY, 1),
    )
    found = measure(claim(*goals, ours=[2], peer=[4], log=[]), Setting(tmp_path, short=False))
    assert [one.met for one in found] == [False, True, None, False]


def test_what_was_not_measured_is_null_in_the_report(tmp_path: Path) -> None:
    one = claim(Goal(Metric.MEMORY, 1), ours=[2], peer=[4], log=[])
    (told,) = _report(list(measure(one, Setting(tmp_path, short=False))), False, {})["findings"]
    assert (told["ours"], told["all_ours"], told["met"]) == (None, [None], False)


def test_claims_are_chosen_by_name_and_slow_ones_only_so(tmp_path: Path) -> None:
    quick = claim(ours=[1], peer=[1], log=[])
    slow = Claim("it-slowly", "", "", (), quick.pair, slow=True)
    assert chosen([quick, slow], []) == [quick]
    assert chosen([quick, slow], ["it*"]) == [quick, slow]
    with pytest.raises(SystemExit, match="No claim is called at"):
        chosen([quick, slow], ["at"])


def test_every_claim_has_a_name_of_its_own() -> None:
    names = [one.name for one in all_claims()]
    assert {"single-run", "help", "hostile-memory"} <= set(names)
    assert len(names) == len(set(names))


SHORT = {
    ("single-run",): {("single-run", "wall_s"), ("single-run", "cpu_s")},
    ("warm-kernel", "help"): {("warm-kernel", "wall_s"), ("help", "wall_s")},
    ("triage", "first-rows"): {("triage", "cpu_s")},
    ("calls",): {("calls", "count"), ("calls", "written_mb")},
}


BY_DAY = ("warm-kernel", "help")


@pytest.mark.parametrize(
    "names",
    [pytest.param(names, marks=() if names == BY_DAY else pytest.mark.nightly) for names in SHORT],
    ids=", ".join,
)
def test_the_short_form_measures_and_judges_nothing(names: tuple[str, ...], tmp_path: Path) -> None:
    """The archive's claims have a test of their own."""
    report = tmp_path / "new" / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--short", "--strict", "--json", report, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text())
    assert told["short"] is True
    assert SHORT[names] <= {(one["claim"], one["metric"]) for one in told["findings"]}
    assert {one["claim"] for one in told["findings"]} == set(names)
    assert {one["met"] for one in told["findings"]} == {None}
    assert all(one["ours"] > 0 and one["peer"] > 0 for one in told["findings"] if one["metric"] == "wall_s")
