"""A simulated system in its own process, so that its work counts for neither side."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class System:
    """A running simulated system, and how a command reaches it.

    Attributes:
        told: host, url, ca_file, username, password, api_key, pid, scenario, vm_name.
        environ: the variables with which the profile ``simulator`` finds it.
        requests: the file that takes every request it gets, one JSON line each.
    """

    told: Mapping[str, str]
    environ: Mapping[str, str]
    requests: Path

    def calls(self) -> int:
        """How many requests it has got so far."""
        with self.requests.open("rb") as file:
            return sum(1 for _ in file)

    def reset(self) -> None:
        """Reset the system to its state at the start."""
        who = b64encode(f"{self.told['username']}:{self.told['password']}".encode()).decode()
        request = urllib.request.Request(
            f"{self.told['url']}/_sim/reset", b"{}", {"Authorization": f"Basic {who}"}, method="POST"
        )
        trusted = ssl.create_default_context(cafile=self.told["ca_file"])
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted)
        )
        opener.open(request, timeout=10).close()


def reached_as_real(system: System) -> dict[str, str]:
    """The variables of the profile ``env``: a system reached by them is given a distance between requests."""
    return {
        "VERGE_HOST": system.told["host"],
        "VERGE_CA_FILE": system.told["ca_file"],
        "VERGE_USERNAME": system.told["username"],
        "VERGE_PASSWORD": system.told["password"],
    }


@contextmanager
def simulated(
    folder: Path, scenario: str = "stuck", *, vms: int = 0, rate: float = 1.0, stuck: int = 0
) -> Iterator[System]:
    """A simulator that is up until the block ends.

    Args:
        folder: where it announces itself and records its requests.
        vms: more VMs in its fleet.
        stuck: how many of these are stuck like the scenario's VM.
        rate: how many simulated seconds pass in one of ours.
    """
    environ = {"VERGEOS_NB_RUNTIME_DIR": str(folder / "runtime")}
    requests = folder / "requests.jsonl"
    options = {"scenario": scenario, "vms": vms, "rate": rate, "record": requests, "stuck": stuck}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.simulator", *(f"--{name}={value}" for name, value in options.items())],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as says:
        try:
            yield System(json.loads(says.readline()), environ, requests)
        finally:
            process.terminate()
            process.wait(10)
