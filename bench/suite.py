"""How long the last `make test` took, read from its report. This claim does not run the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from bench.claim import Claim, Goal, Metric, NotMeasured, Pair, Sample, Setting
from bench.system import ROOT

REPORT = ROOT / "build" / "tests.xml"
# Seconds, on a quiet machine with two cores, with the environment already made.
_MOST_S = 300.0


@contextmanager
def _last_run(setting: Setting) -> Iterator[Pair]:
    if not REPORT.exists():
        raise NotMeasured(f"{REPORT.relative_to(ROOT)} is not there; `make test` writes it")
    suites = list(ElementTree.parse(REPORT).iter("testsuite"))
    took = Sample(wall_s=sum(float(suite.get("time", "nan")) for suite in suites))
    longest = max((float(case.get("time", "0")) for suite in suites for case in suite), default=0.0)
    yield Pair(lambda: took, lambda: Sample(wall_s=longest))


CLAIMS = (
    Claim(
        "suite",
        "the last `make test`, as its report says",
        "its longest test",
        (Goal(Metric.WALL, _MOST_S, absolute=True),),
        _last_run,
        rounds=1,
    ),
)
