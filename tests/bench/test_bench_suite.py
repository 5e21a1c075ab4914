"""The time of the suite is read from what its last run left."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import __main__ as bench_main
from bench import suite
from bench.claim import Setting
from bench.measure import measure

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="2" time="123.5">
<testcase classname="tests.a" name="one" time="7.25" /><testcase classname="tests.a" name="two" time="0.5" />
</testsuite></testsuites>
"""


def test_the_suites_time_and_that_of_its_longest_test_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "REPORT", tmp_path / "tests.xml")
    suite.REPORT.write_text(REPORT, encoding="utf-8")
    (found,) = measure(suite.CLAIMS[0], Setting(tmp_path, short=False))
    assert (found.ours, found.peer, found.met) == (123.5, 7.25, True)


def test_what_cannot_be_measured_is_named_and_fails_a_strict_bench_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "REPORT", suite.ROOT / "build" / "no-such.xml")
    report = tmp_path / "bench.json"
    monkeypatch.setattr(sys, "argv", ["bench", "suite", "--json", str(report)])
    bench_main.main()
    why = "build/no-such.xml is not there; `make test` writes it"
    assert f"suite                  not measured: {why}" in capsys.readouterr().out
    assert json.loads(report.read_text())["not_measured"] == {"suite": why}
    monkeypatch.setattr(sys, "argv", ["bench", "suite", "--strict"])
    with pytest.raises(SystemExit) as end:
        bench_main.main()
    assert end.value.code == 1
