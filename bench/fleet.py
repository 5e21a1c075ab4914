"""The cost of forcing a fleet off, in time, calls and memory."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.commands import BIN, run
from bench.single import NO_WAITS, RATE, answer, given
from bench.system import System, reached_as_real, simulated
from vergeos_nb.runbook_files import runbook_path


def _stuck(setting: Setting) -> tuple[int, dict[str, object]]:
    """How many VMs, and their parameters: all methods, with the shortest possible waits."""
    return (2 if setting.short else 100), dict(NO_WAITS)


def _planned(
    setting: Setting,
    system: System,
    outputs: Path,
    count: int,
    waits: Mapping[str, object],
    at_once: int,
    *more: str,
) -> tuple[str, dict[str, str]]:
    """An approved fleet plan: its digest, and the digest of each VM's own plan."""
    names = setting.folder / "vms.csv"
    names.write_text("name\n" + "".join(f"vm-{n + 1:05d}\n" for n in range(count)), encoding="utf-8")
    environ = {**system.environ, "VERGEOS_NB_OUTPUTS": str(outputs)}
    fleet = [BIN / "vergeos-nb", "fleet"]
    limits = ["--cap", str(count), "--at-once", str(at_once)]
    limits += ["--per-node", "100", "--per-group", "100", "--json"]
    plan = answer([*fleet, "plan", names, *limits, *more, *given(**waits)], setting.folder, environ)
    digest = str(plan["plan_digest"])
    answer([*fleet, "approve", digest, "--approver", "grace", "--json"], setting.folder, environ)
    content = json.loads((outputs / "plans" / f"{digest}.json").read_text(encoding="utf-8"))
    return digest, {vm["name"]: vm["plan"] for vm in content["vms"]}


def _apply(setting: Setting, system: System, outputs: Path, digest: str) -> Sample:
    environ = {**system.environ, "VERGEOS_NB_OUTPUTS": str(outputs)}
    return run([BIN / "vergeos-nb", "fleet", "apply", digest, "--json"], cwd=setting.folder, environ=environ)


@contextmanager
def _fleet(setting: Setting) -> Iterator[Pair]:
    count, waits = _stuck(setting)

    def ours() -> Sample:
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            outputs = setting.folder / "ours"
            shutil.rmtree(outputs, ignore_errors=True)
            digest, _ = _planned(setting, system, outputs, count, waits, 2)
            return _apply(setting, system, outputs, digest)

    def peer() -> Sample:
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            outputs = setting.folder / "peer"
            shutil.rmtree(outputs, ignore_errors=True)
            _, digests = _planned(setting, system, outputs, count, waits, 2)
            listed = setting.folder / "digests.txt"
            listed.write_text("".join(f"{name} {plan}\n" for name, plan in digests.items()), "utf-8")
            words = " ".join(f"-p {name} {value}" for name, value in waits.items())
            runbook = runbook_path("force_power_off")
            one = f"{BIN}/papermill {runbook} $0.ipynb -r vm_name $0 -r approve $1 {words}"
            line = f"xargs -P 2 -n 2 sh -c '{one}' < {listed}"
            environ = {**system.environ, "VERGEOS_NB_OUTPUTS": str(outputs)}
            return run(["sh", "-c", line], cwd=setting.folder, environ=environ)

    yield Pair(ours, peer)


@contextmanager
def _calls(setting: Setting) -> Iterator[Pair]:
    count, waits = _stuck(setting)
    alone = 1 if setting.short else 3

    def ours() -> Sample:
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            outputs = setting.folder / "ours"
            shutil.rmtree(outputs, ignore_errors=True)
            before = system.calls()
            digest, _ = _planned(setting, system, outputs, count, waits, 2 if setting.short else 8)
            _apply(setting, system, outputs, digest)
            return Sample(count=system.calls() - before)

    def peer() -> Sample:
        # One run is like the other: a few are made, and counted for all.
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            environ = {**system.environ, "VERGEOS_NB_OUTPUTS": str(setting.folder / "peer")}
            before = system.calls()
            for number in range(alone):
                words = [BIN / "vergeos-nb", "run", "force_power_off", "--json"]
                words += given(vm_name=f"vm-{number + 1:05d}", **waits)
                digest = answer(words, setting.folder, environ)["plan_digest"]
                answer([*words, "--approve", digest], setting.folder, environ)
            return Sample(count=(system.calls() - before) * count / alone)

    yield Pair(ours, peer)


@contextmanager
def _paced(setting: Setting) -> Iterator[Pair]:
    count, waits = _stuck(setting)
    alone = 2 if setting.short else 16
    at_once = 2 if setting.short else 8

    def ours() -> Sample:
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            outputs = setting.folder / "ours"
            shutil.rmtree(outputs, ignore_errors=True)
            real = _as_real(system)
            began = time.perf_counter()
            digest, _ = _planned(setting, real, outputs, count, waits, at_once, "--profile", "env")
            _apply(setting, real, outputs, digest)
            return Sample(wall_s=time.perf_counter() - began)

    def peer() -> Sample:
        # One run is like the other: a few are made, as many at once, and counted for all.
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            environ = {**reached_as_real(system), "VERGEOS_NB_OUTPUTS": str(setting.folder / "peer")}
            one = [str(BIN / "vergeos-nb"), "run", "force_power_off", "--json", "--profile", "env"]
            one += given(**waits)

            def run_one(number: int) -> None:
                words = [*one, "-p", f"vm_name=vm-{number + 1:05d}"]
                digest = answer(words, setting.folder, environ)["plan_digest"]
                answer([*words, "--approve", digest], setting.folder, environ)

            began = time.perf_counter()
            with ThreadPoolExecutor(at_once) as pool:
                list(pool.map(run_one, range(alone)))
            return Sample(wall_s=(time.perf_counter() - began) * count / alone)

    yield Pair(ours, peer)


def _as_real(system: System) -> System:
    return replace(system, environ=reached_as_real(system))


@contextmanager
def _growth(setting: Setting) -> Iterator[Pair]:
    small, waits = _stuck(setting)

    def trial(count: int) -> Sample:
        with simulated(setting.folder, vms=count, stuck=count, rate=RATE) as system:
            outputs = setting.folder / "outputs"
            shutil.rmtree(outputs, ignore_errors=True)
            before, began = system.calls(), time.perf_counter()
            digest, _ = _planned(setting, system, outputs, count, waits, 8)
            planned = time.perf_counter() - began
            applied = _apply(setting, system, outputs, digest)
            return Sample(
                wall_s=(planned + applied.wall_s) / count,
                cpu_s=applied.cpu_s / count,
                peak_mb=applied.peak_mb,
                count=(system.calls() - before) / count,
            )

    yield Pair(lambda: trial(10 * small), lambda: trial(small))


CLAIMS = (
    Claim(
        "fleet-speed",
        "100 VMs forced off with their sealed records, 2 at a time",
        "xargs -P 2 over papermill with the same runbook",
        (Goal(Metric.WALL, 1 / 8), Goal(Metric.CPU, None), Goal(Metric.MEMORY, None)),
        _fleet,
        rounds=1,
        slow=True,
    ),
    Claim(
        "fleet-calls",
        "API calls of a 100-VM fleet, 8 at a time, from the plan on",
        "100 single runs, each planned and applied",
        (Goal(Metric.COUNT, 0.4),),
        _calls,
        rounds=1,
        slow=True,
    ),
    Claim(
        "fleet-paced",
        "100 VMs on a paced system, from the plan to the last record, 8 at a time",
        "100 single runs, each planned and applied, 8 at a time",
        (Goal(Metric.WALL, 0.25),),
        _paced,
        rounds=1,
        slow=True,
    ),
    Claim(
        "fleet-growth",
        "each VM of 1,000, from the plan to its record, 8 at a time",
        "each VM of 100",
        (
            Goal(Metric.WALL, 1.1),
            Goal(Metric.CPU, 1.1),
            Goal(Metric.COUNT, 1.1),
            Goal(Metric.MEMORY, 120, absolute=True),
        ),
        _growth,
        rounds=1,
        slow=True,
    ),
)
