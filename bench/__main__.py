"""Measure every claim against its peer, in turn, and print medians and ratios.

On a shared machine a time alone means little, so most goals are a ratio of medians. With ``--strict`` the
exit code is 1 if a goal was missed or could not be measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatch
from math import isnan
from pathlib import Path

import bench
from bench.claim import Claim, Metric, NotMeasured, Setting
from bench.measure import Finding, measure

UNITS = {Metric.WALL: "s", Metric.CPU: "s", Metric.MEMORY: "MB", Metric.COUNT: "", Metric.WRITTEN: "MB"}
SIGNS = {None: "      ", True: "met   ", False: "MISSED"}


def all_claims() -> Iterator[Claim]:
    """The claims of every module of this folder."""
    for module in sorted(pkgutil.iter_modules(bench.__path__), key=lambda found: found.name):
        if module.name != "__main__":
            yield from getattr(importlib.import_module(f"bench.{module.name}"), "CLAIMS", ())


def chosen(claims: Sequence[Claim], wanted: Sequence[str]) -> list[Claim]:
    """The claims with these names, ``*`` and ``?`` allowed; without names, all that are not slow.

    Raises:
        SystemExit: a name matches no claim.
    """
    for name in wanted:
        if not any(fnmatch(claim.name, name) for claim in claims):
            sys.exit(f"No claim is called {name}. There are: {', '.join(claim.name for claim in claims)}")
    if not wanted:
        return [claim for claim in claims if not claim.slow]
    return [claim for claim in claims if any(fnmatch(claim.name, name) for name in wanted)]


HEAD = f"{'':6}  {'claim':<22} {'metric':<8} {'ours':>10} {'peer':>10} {'ratio':>6} {'goal':>10}  what"


def line(found: Finding) -> str:
    """One line of the table."""
    unit = UNITS[found.metric]
    goal = "" if found.limit is None else f"{found.limit:g}{f' {unit}' if found.absolute else ''}"
    return (
        f"{SIGNS[found.met]}  {found.claim:<22} {found.metric:<8} {found.ours:>10.4g} {found.peer:>10.4g} "
        f"{found.ratio:>6.2f} {goal:>10}  {found.what}, against {found.against}"
    )


def main() -> None:
    """Print a line for each goal when it is measured, and write JSON with ``--json``."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CLAIM", help="which; slow ones have to be named")
    parser.add_argument("--list", action="store_true", help="say what there is, and stop")
    parser.add_argument("--rounds", type=int, help="how often each side is measured")
    parser.add_argument("--short", action="store_true", help="tiny sizes, one round: does it work?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement there")
    parser.add_argument("--strict", action="store_true", help="end with 1 if a goal was missed")
    arguments = parser.parse_args()
    claims = list(all_claims())
    if arguments.list:
        for claim in claims:
            print(f"{claim.name}{' (slow)' if claim.slow else ''}: {claim.ours}, against {claim.against}")
        return
    # Being terminated ends what was begun, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rounds = 1 if arguments.short else arguments.rounds
    findings: list[Finding] = []
    lacking: dict[str, str] = {}
    print(HEAD)
    for claim in chosen(claims, arguments.names):
        with tempfile.TemporaryDirectory(prefix="vergeos-nb-bench-") as folder:
            try:
                for found in measure(claim, Setting(Path(folder), arguments.short), rounds):
                    findings.append(found)
                    print(line(found), flush=True)
            except NotMeasured as why:
                lacking[claim.name] = str(why)
                print(f"{'':6}  {claim.name:<22} not measured: {why}", flush=True)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(
            json.dumps(_report(findings, arguments.short, lacking), indent=2) + "\n", "utf-8"
        )
    missed = lacking or any(found.met is False for found in findings)
    if arguments.strict and missed and not arguments.short:
        sys.exit(1)


def _report(findings: Sequence[Finding], short: bool, lacking: Mapping[str, str]) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": list(os.getloadavg()),
        "short": short,
        "not_measured": dict(lacking),
        "findings": [{name: _known(value) for name, value in asdict(one).items()} for one in findings],
    }


def _known(value: object) -> object:
    """A value for JSON. JSON has no NaN, so a value that was not measured is null."""
    if isinstance(value, tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and isnan(value) else value


if __name__ == "__main__":
    main()
