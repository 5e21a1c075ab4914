"""The cost of reading a whole fleet, and the time until a person sees the first rows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.commands import BIN, run, without_switches
from bench.system import System, simulated

_OF_SCENARIO = 12
# Printed by a fresh process: processor seconds and how much its memory grew, both from after the imports on.
_MEASURED = """
import gc, json, os, resource, time
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
open("/proc/self/clear_refs", "w").write("5")
before, began = resident(), time.process_time()
frame = read()
took = time.process_time() - began
peak = next(int(line.split()[1]) / 1e3 for line in open("/proc/self/status") if line.startswith("VmHWM"))
assert len(frame) == {count}, len(frame)
print(json.dumps({{"cpu_s": took, "peak_mb": peak - before}}))
"""

_OURS = """
from vergeos_nb import settings
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.connect.simulated import open_profile
from array import array
import numpy, pandas
api = VergeApi(Wire(open_profile(settings.load_profile("simulator")).__enter__()))
def read():
    columns = api.fleet_vms()
    for name, values in columns.items():
        if isinstance(values, array):
            columns[name] = numpy.asarray(values)
    return pandas.DataFrame(columns, copy=False)
"""

_PEER = """
import pandas, pyvergeos
fields = {fields!r}
client = pyvergeos.VergeClient(host={host!r}, username={username!r}, password={password!r})
def read():
    return pandas.DataFrame([dict(vm) for vm in client.vms.list(fields=fields)])
"""


def _fields() -> list[str]:
    from vergeos_nb.client.whole_tables.fleet_tables import VM_COLUMNS

    return [path if path in (name, "$key") else f"{path} as {name}" for name, path, _ in VM_COLUMNS]


def _process(code: str, system: System, setting: Setting) -> Sample:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=setting.folder,
        env={**without_switches(), **system.environ, "REQUESTS_CA_BUNDLE": system.told["ca_file"]},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return Sample(cpu_s=told["cpu_s"], peak_mb=told["peak_mb"])


def _reading(count: int) -> Callable[[Setting], AbstractContextManager[Pair]]:
    @contextmanager
    def pair(setting: Setting) -> Iterator[Pair]:
        with _fleet_of(50 if setting.short else count, setting) as (system, vms):
            measured = _MEASURED.format(count=vms)
            peer = _peer(system) + measured
            yield Pair(
                lambda: _process(_OURS + measured, system, setting), lambda: _process(peer, system, setting)
            )

    return pair


def _first_rows(count: int) -> Callable[[Setting], AbstractContextManager[Pair]]:
    @contextmanager
    def pair(setting: Setting) -> Iterator[Pair]:
        with _fleet_of(50 if setting.short else count, setting) as (system, _):
            words = [
                str(BIN / "vergeos-nb"),
                "stuck",
                "--gap",
                "1",
                "--outputs",
                str(setting.folder / "outputs"),
            ]
            environ = {**without_switches(), **system.environ, "REQUESTS_CA_BUNDLE": system.told["ca_file"]}
            listed = _peer(system) + "read()"
            yield Pair(
                lambda: _until("at first look", words, environ),
                lambda: run([sys.executable, "-c", listed], cwd=setting.folder, environ=environ),
            )

    return pair


def _until(shown: str, words: Sequence[str], environ: Mapping[str, str]) -> Sample:
    """A trial: the time until a line of a command's progress holds this text. Then the command is ended."""
    began = time.perf_counter()
    process = subprocess.Popen(
        words, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process.stderr as says:
        try:
            if not any(shown in line for line in says):
                raise RuntimeError(f"{words[0]} ended without a line that holds {shown!r}")
            return Sample(wall_s=time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def _fleet_of(count: int, setting: Setting) -> Iterator[tuple[System, int]]:
    """A system of so many VMs, those of its scenario among them."""
    with simulated(setting.folder, vms=max(0, count - _OF_SCENARIO)) as system:
        yield system, max(count, _OF_SCENARIO)


def _peer(system: System) -> str:
    told = system.told
    return _PEER.format(
        fields=_fields(), host=told["host"], username=told["username"], password=told["password"]
    )


def _claim(count: int, name: str, *, rounds: int, slow: bool) -> Claim:
    return Claim(
        name,
        f"{count:,} VMs with status and statistics into a DataFrame, client alone",
        "pyvergeos' list of the same fields and a DataFrame of it",
        (Goal(Metric.CPU, 0.25), Goal(Metric.MEMORY, 0.33)),
        _reading(count),
        rounds=rounds,
        slow=slow,
    )


def _first(count: int, name: str, *, slow: bool) -> Claim:
    return Claim(
        name,
        f"stuck until it shows its first row of {count:,} VMs",
        "pyvergeos until it has the same list",
        (Goal(Metric.WALL, 1.0, absolute=True),),
        _first_rows(count),
        rounds=3,
        slow=slow,
    )


CLAIMS = (
    _claim(10_000, "triage", rounds=7, slow=False),
    _claim(50_000, "triage-50k", rounds=3, slow=True),
    _first(10_000, "first-rows", slow=False),
    _first(50_000, "first-rows-50k", slow=True),
)
