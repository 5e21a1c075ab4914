"""What a fleet costs: to be read into a DataFrame, and to be forced off."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.claim import Claim, Goal, Metric, Pair, Sample, Setting
from bench.system import System, simulated

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
from vergeos_nb.client import VergeApi, Wire
from vergeos_nb.standin import open_profile
from vergeos_nb.views.fleet_frame import vms_frame
import pandas
api = VergeApi(Wire(open_profile(settings.load_profile("simulator")).__enter__()))
def read():
    return vms_frame(api.fleet_vms())
"""

_PEER = """
import pandas, pyvergeos
fields = {fields!r}
client = pyvergeos.VergeClient(host={host!r}, username={username!r}, password={password!r})
def read():
    return pandas.DataFrame([dict(vm) for vm in client.vms.list(fields=fields)])
"""


def _fields() -> list[str]:
    from vergeos_nb.client.fleet import VM_COLUMNS

    return [path if path in (name, "$key") else f"{path} as {name}" for name, path, _ in VM_COLUMNS]


def _process(code: str, system: System, setting: Setting) -> Sample:
    import json
    import os
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=setting.folder,
        env={**os.environ, **system.environ, "REQUESTS_CA_BUNDLE": system.told["ca_file"]},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return Sample(cpu_s=told["cpu_s"], peak_mb=told["peak_mb"])


@contextmanager
def _triage(setting: Setting) -> Iterator[Pair]:
    extra = 50 if setting.short else 10_000 - 12
    with simulated(setting.folder, vms=extra) as system:
        told = system.told
        measured = _MEASURED.format(count=extra + 12)
        peer = _PEER.format(
            fields=_fields(), host=told["host"], username=told["username"], password=told["password"]
        )
        yield Pair(
            lambda: _process(_OURS + measured, system, setting),
            lambda: _process(peer + measured, system, setting),
        )


CLAIMS = (
    Claim(
        "triage",
        "10,000 VMs with status and statistics into a DataFrame, client alone",
        "pyvergeos' list of the same fields and a DataFrame of it",
        (Goal(Metric.CPU, 0.33), Goal(Metric.MEMORY, 0.5)),
        _triage,
        rounds=7,
    ),
)
