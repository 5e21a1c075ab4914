"""Write down what this version seals and answers, as golden files for every later version.

    python -m tests.golden.make

makes ``tests/golden/VERSION.tar.xz``. It runs the commands against the simulator: real kernels, a run that
is killed, a fleet, an archive without signatures and one with them. Run it once for each released format,
under a neutral host name (``unshare --uts``), because records hold the name of the machine. Never make a file
again: no later version may have touched it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vergeos_nb import __version__

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "vergeos_nb"]
WHO = ("-p", "operator=ada", "-p", "ticket=INC-4711", "-p", "reason=hangs since nine")
QUICK = ("-p", "sample_gap_s=1.5", "-p", "poll_s=0.1")
WAITS = (*QUICK, "-p", "settle_s=2", "-p", "confirm_timeout_s=20")
RUNGS = (*WAITS, "-p", "poweroff_wait_s=2", "-p", "kill_wait_s=2")


class Maker:
    """Runs commands with a scrubbed environment, and keeps the JSON that each one answers."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.answers: list[dict[str, Any]] = []
        self.environ = {
            "HOME": str(work / "home"),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "VERGEOS_NB_RUNTIME_DIR": str(work / "runtime"),
        }
        (work / "home").mkdir()

    def run(self, name: str, *arguments: str, outputs: str = "plain", **environ: str) -> dict[str, Any]:
        """Run a command with ``--json``, and keep its answer under this name."""
        command = [*arguments, "--json"]
        if arguments[0] not in ("simulator", "doctor"):
            command += ["--outputs", str(self.work / outputs)]
        ended = subprocess.run(
            [*COMMAND, *command],
            env={**self.environ, **environ},
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=120,
        )
        answer = json.loads(ended.stdout.splitlines()[-1])
        self.answers.append(
            {"name": name, "arguments": list(arguments), "code": ended.returncode, "answer": answer}
        )
        print(f"{name}: {ended.returncode}", file=sys.stderr)
        return dict(answer)

    @contextmanager
    def simulator(self, scenario: str, *more: str) -> Iterator[None]:
        """Serve a scenario that the profile ``simulator`` finds."""
        process = subprocess.Popen(
            [*COMMAND, "simulator", "--scenario", scenario, *more],
            env=self.environ,
            cwd=self.work,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    def killed(self) -> None:
        """A run whose process is killed while it waits for Power Off."""
        vm = ("-p", "vm_name=web-01", *WHO, *WAITS, "-p", "poweroff_wait_s=60", "-p", "kill_wait_s=2")
        digest = self.run("plan before a death", "run", "force_power_off", *vm)["plan_digest"]
        before = set((self.work / "plain").glob("*/*"))
        process = subprocess.Popen(
            [*COMMAND, "run", "force_power_off", *vm, "--approve", digest, "--outputs", "plain"],
            env=self.environ,
            cwd=self.work,
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not any(
            '"event": "intent"' in (folder / "journal.jsonl").read_text()
            for folder in set((self.work / "plain").glob("*/*")) - before
            if (folder / "journal.jsonl").exists()
        ):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def plain(maker: Maker) -> None:
    """The archive without signatures: a run of every kind and every ending."""
    vm = ("-p", "vm_name=web-01", *WHO)
    plan = maker.run("plan", "run", "force_power_off", *vm, *RUNGS)["plan_digest"]
    done = maker.run("done", "run", "force_power_off", *vm, *RUNGS, "--approve", plan)["record"]
    maker.run("drift", "run", "force_power_off", *vm, *RUNGS, "--approve", "0" * 64)
    for scenario in ("zombie", "node_dead"):
        on = (*vm, *RUNGS, "--profile", f"simulator:{scenario}")
        digest = maker.run(f"plan {scenario}", "run", "force_power_off", *on)["plan_digest"]
        maker.run(scenario, "run", "force_power_off", *on, "--approve", digest)
    maker.run("twins", "run", "force_power_off", *vm, *RUNGS, "--profile", "simulator:twins")
    maker.run("usage", "run", "force_power_off", "-p", "vm_name=web-01", "-p", "settle_x=3")
    with maker.simulator("stuck"):
        seen = maker.run("plan on one simulator", "run", "force_power_off", *vm, *RUNGS)["plan_digest"]
        forced = maker.run("done on one", "run", "force_power_off", *vm, *RUNGS, "--approve", seen)["record"]
        maker.run(
            "watch", "run", "watch_after_power_off", *vm, *WAITS, "-p", "minutes=0.02", "-p", "every_s=1"
        )
        # Long enough that the journal holds readings as what differs from an earlier one.
        maker.run(
            "long watch", "run", "watch_after_power_off", *vm, *WAITS, "-p", "minutes=1.2", "-p", "every_s=1"
        )
        start = (*vm, *WAITS, "-p", "minutes=0", "-p", "power_on=true", "-p", "start_timeout_s=2")
        maker.run("plan power-on", "run", "watch_after_power_off", *start)
        back = (*vm, *WAITS, "-p", f"record={Path(forced).name}")
        undo = maker.run("plan restore", "run", "restore_status", *back)["plan_digest"]
        maker.run("restore", "run", "restore_status", *back, "--approve", undo)
    with maker.simulator("stuck"):
        maker.killed()
        maker.run("recover", "audit", "recover")
    maker.run("find_stuck_vms", "run", "find_stuck_vms", "-p", "operator=ada", "-p", "sample_gap_s=1.5")
    with maker.simulator("stuck", "--vms", "12"):
        maker.run("stuck", "stuck", "--gap", "1.5")
        options = (*RUNGS, "-p", "start_at=override", "-p", "attest=Jo tried both at nine.")
        fleet = maker.run("fleet plan", "fleet", "plan", "--name", "web-01", *options)["plan_digest"]
        maker.run("fleet approve", "fleet", "approve", fleet, "--approver", "grace")
        maker.run("fleet apply", "fleet", "apply", fleet, "--operator", "ada")
        maker.run("fleet status", "fleet", "status", fleet)
        maker.run("fleet resume", "fleet", "resume", fleet, "--operator", "ada")
    maker.run("incident_report", "run", "incident_report", "-p", "operator=ada")
    maker.run("hold", "audit", "hold", Path(done).name, "--reason", "court case 7")
    maker.run("remove", "audit", "remove", Path(forced).name, "--reason", "a rehearsal", "--yes")
    looked_at(maker, "plain", Path(done).name)


def signed(maker: Maker) -> None:
    """The archive whose records are signed: a plan and the run that applies it."""
    key = maker.work / "signer"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text()
    (maker.work / "allowed_signers").write_text(f'ada@example.com namespaces="vergeos-nb" {public}')
    with_key = {"VERGEOS_NB_SIGNING_KEY": str(key)}
    vm = ("run", "force_power_off", "-p", "vm_name=web-01", *WHO, *RUNGS)
    plan = maker.run("signed plan", *vm, outputs="signed", **with_key)["plan_digest"]
    done = maker.run("signed done", *vm, "--approve", plan, outputs="signed", **with_key)["record"]
    looked_at(maker, "signed", Path(done).name, "--allowed-signers", str(maker.work / "allowed_signers"))
    key.unlink()


def looked_at(maker: Maker, outputs: str, record: str, *signers: str) -> None:
    """What the commands that only read say of the archive; they are asked again of every later version."""
    maker.run(f"verify {outputs}", "audit", "verify", *signers, outputs=outputs)
    maker.run(f"list {outputs}", "audit", "list", outputs=outputs)
    maker.run(f"removed {outputs}", "audit", "list", "--removed", outputs=outputs)
    maker.run(f"show {outputs}", "audit", "show", record, outputs=outputs)
    first = min(path.name for path in (maker.work / outputs).glob("20*/*"))
    maker.run(f"diff {outputs}", "audit", "diff", first, record, outputs=outputs)


def main() -> None:
    """Make the file for the version that is installed."""
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        work = Path(folder)
        maker = Maker(work)
        maker.run("scenarios", "simulator", "--list")
        maker.run("doctor", "doctor")
        plain(maker)
        signed(maker)
        (work / "answers.json").write_text(json.dumps(maker.answers, indent=1).replace(str(work), "WORK"))
        for passing in ("home", "runtime", "plain/index.sqlite"):
            path = work / passing
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        target = HERE / f"{__version__}.tar.xz"
        with tarfile.open(target, "x:xz") as tar:
            for path in sorted(work.iterdir()):
                tar.add(path, path.name)
        print(target, target.stat().st_size)


if __name__ == "__main__":
    main()
