"""Warm kernels: fresh processes that share nothing, seen to die like any other, and never left behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from tests.coroutines import completed
from tests.served import NAME, served
from vergeos_nb.runner import stopping, warm
from vergeos_nb.runner.headless import run
from vergeos_nb.runner.provisioner import WarmProvisioner

pytestmark = pytest.mark.skipif(not warm.POSSIBLE, reason="this system cannot fork")


@pytest.fixture
def server() -> Iterator[warm.ForkServer]:
    one = warm.ForkServer()
    yield one
    one.close()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def soon(true: Any, within_s: float = 20) -> bool:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Kernel:
    """A kernel that runs code and gives what it printed."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.manager = AsyncKernelManager(kernel_name="python3", connection_file=str(folder / "kernel.json"))
        self.manager.provisioner = WarmProvisioner(kernel_spec=self.manager.kernel_spec, parent=self.manager)
        self.environ = environ

    async def __aenter__(self) -> Kernel:
        await self.manager.start_kernel(env={**os.environ, **self.environ})
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=60)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)

    async def says(self, code: str) -> str:
        texts: list[str] = []
        await self.client.execute_interactive(
            textwrap.dedent(code),
            timeout=60,
            output_hook=lambda m: texts.append(m["content"].get("text", "")),
        )
        return "".join(texts).strip()


def test_every_run_has_a_kernel_of_its_own_forked_from_one_process(outputs: Path) -> None:
    pids: list[int] = []
    parents: list[int] = []

    def on_line(line: Any) -> None:
        if line["event"] == "run-opened":
            pids.append(line["pid"])
            parents.append(parent_of(line["pid"]))

    with served(), ThreadPoolExecutor(2) as pool:
        given = {**NAME, "sample_gap_s": 0}
        reports = list(pool.map(
            lambda number: run("force_power_off", given, outputs=outputs, on_line=on_line), range(3)
        ))  # fmt: skip
    assert [report.account.outcome for report in reports] == ["planned"] * 3
    shared = warm.shared()
    assert shared is not None
    assert (len(set(pids)), parents) == (3, [shared.pid] * 3)
    assert not any(lives(pid) for pid in pids)


def test_what_one_kernel_does_no_other_sees(tmp_path: Path) -> None:
    """Holds off: random numbers, modules, variables and open files that all kernels of a process share."""
    told = """
        import os, sys, random, vergeos_nb
        print(random.random(), hasattr(vergeos_nb, "left"), os.environ.get("WHOSE"), os.getcwd(),
              os.getsid(0) == os.getpid(), "debugpy" in sys.modules, sep="|")
        vergeos_nb.left = True
        os.environ["WHOSE"] = "changed"
        random.seed(1)
    """

    async def ask() -> list[list[str]]:
        answers = []
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            async with Kernel(folder, WHOSE=name) as kernel:
                answers.append((await kernel.says(told)).split("|"))
        return answers

    first, second = completed(ask())
    here = str(Path.cwd())
    assert first[1:] == ["False", "one", here, "True", "False"]
    assert second[1:] == ["False", "two", here, "True", "False"]
    assert first[0] != second[0]
    assert str(random.Random(1).random()) not in (first[0], second[0])


def test_the_process_that_is_forked_has_no_thread_and_no_file_that_a_kernel_could_share(
    tmp_path: Path,
) -> None:
    async def look() -> tuple[int, set[str], set[str]]:
        async with Kernel(tmp_path) as kernel:
            shared = warm.shared()
            assert shared is not None
            server, child = Path(f"/proc/{shared.pid}"), Path(f"/proc/{kernel.pid}")
            return len(list((server / "task").iterdir())), sockets(server), sockets(child)

    def sockets(process: Path) -> set[str]:
        links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        standard = {str((process / "fd" / str(number)).readlink()) for number in range(3)}
        return {link for link in links if link.startswith(("socket:", "pipe:", "/"))} - standard

    threads, its_own, of_the_kernel = completed(look())
    assert threads == 1
    assert its_own
    assert its_own & of_the_kernel == set()


def test_a_kernel_that_is_killed_is_seen_to_have_died_of_it(server: warm.ForkServer, tmp_path: Path) -> None:
    process = server.fork(["-f", str(tmp_path / "k.json")], dict(os.environ), str(tmp_path))
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    # It is told once, and known ever after; a signal then hits nobody who got the number since.
    assert process.poll() == -signal.SIGKILL
    process.kill()


def test_kernels_end_when_their_server_is_killed_and_the_next_run_has_another(tmp_path: Path) -> None:
    """Holds off: a kernel that is taken for dead, and its record sealed, while it can still send."""
    server = warm.shared()
    assert server is not None
    process = server.fork(["-f", str(tmp_path / "k.json")], dict(os.environ), str(tmp_path))
    assert soon(lambda: (tmp_path / "k.json").exists())
    os.kill(server.pid, signal.SIGKILL)
    assert soon(lambda: process.poll() is not None)
    assert not lives(process.pid)
    after = warm.shared()
    assert after is not None
    assert after.pid != server.pid


@pytest.mark.parametrize("begun", ["shared", "loaded_here"])
def test_nothing_is_left_when_the_owner_is_killed(tmp_path: Path, begun: str) -> None:
    code = f"""
        import os, time
        from vergeos_nb.runner import stopping, warm
        warm.{begun}()
        server = warm.shared()
        kernel = server.fork(["-f", {str(tmp_path / "k.json")!r}], dict(os.environ), {str(tmp_path)!r})
        print(server.pid, kernel.pid, flush=True)
        time.sleep(60)
    """
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner.stdout as says:
        pids = [int(word) for word in says.readline().split()]
        assert soon(lambda: (tmp_path / "k.json").exists())
        owner.kill()
        owner.wait()
    assert len(pids) == 2
    assert soon(lambda: not any(lives(pid) for pid in pids))


OWNER = """
import asyncio, atexit, os, sys, threading
from pathlib import Path
from vergeos_nb.runner import warm

folder = Path(sys.argv[1])
atexit.register((folder / "ended").touch)
threading.excepthook = sys.unraisablehook = print
left_open = (folder / "private").open("w")
warm.loaded_here()

from tests.runner.test_warm import INSIDE, Kernel

async def asked():
    async with Kernel(folder) as kernel:
        return await kernel.says(INSIDE)

print(asyncio.run(asked()))
server = warm.shared()
server.close()
print(type(server._process).__name__, (folder / "ended").exists())
"""
INSIDE = """
import os, sys, threading
from pathlib import Path
opened = [os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.exists()]
print(sum("private" in one for one in opened), os.getcwd() in sys.path, "" in sys.path)
print(threading.excepthook is threading.__excepthook__, sys.unraisablehook is sys.__unraisablehook__)
"""


def test_a_server_that_is_forked_from_a_command_has_nothing_of_the_command_but_its_modules(
    tmp_path: Path,
) -> None:
    script = tmp_path / "command.py"
    script.write_text(OWNER)
    said = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines() == ["0 False False", "True True", "Forked False"]
    assert (tmp_path / "ended").exists()


def test_a_process_with_threads_is_not_forked_and_the_server_starts_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(warm, "_shared", None)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        warm.loaded_here()
    server = warm.shared()
    assert server is not None
    assert isinstance(server._process, subprocess.Popen)
    server.close()


def test_where_nothing_can_be_forked_runs_have_ordinary_kernels(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parents: list[int] = []

    def on_line(line: Any) -> None:
        if line["event"] == "run-opened":
            parents.append(parent_of(line["pid"]))

    monkeypatch.setattr(warm, "POSSIBLE", False)
    with served():
        report = run("force_power_off", {**NAME, "sample_gap_s": 0}, outputs=outputs, on_line=on_line)
    assert (report.account.outcome, parents) == ("planned", [os.getpid()])


def test_a_server_that_dies_while_it_is_asked_leaves_an_ordinary_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = warm.ForkServer()
    os.kill(dead.pid, signal.SIGKILL)
    monkeypatch.setattr(warm, "shared", lambda: dead)

    async def parent() -> int:
        async with Kernel(tmp_path) as kernel:
            return parent_of(kernel.pid)

    assert completed(parent()) == os.getpid()
    dead.close()


def hanging(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a server never gets to the end of its loading."""
    (folder / "hangs.py").write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(warm, "LOADED", ("hangs",))
    monkeypatch.setattr(warm, "_shared", None)


def test_a_server_that_hangs_is_ended_and_an_ordinary_kernel_does_the_run(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging(tmp_path, monkeypatch)
    monkeypatch.setattr(warm, "FORKED_WITHIN_S", 0.2)
    server = warm.shared()
    with served():
        report = run("force_power_off", {**NAME, "sample_gap_s": 0}, outputs=outputs)
    assert (report.account.outcome, report.exit_code) == ("planned", 0)
    assert server is not None
    assert soon(lambda: not lives(server.pid))


def test_a_deadline_ends_a_run_whose_kernel_does_not_come(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging(tmp_path, monkeypatch)
    report = run("force_power_off", NAME, outputs=outputs, deadline_s=0.5)
    assert (report.account.outcome, report.account.interrupted_by) == ("interrupted", "the deadline of 0.5 s")
    assert report.exit_code == 7


def test_a_run_that_is_stopped_while_its_kernel_starts_leaves_none(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []
    # The time is up when there is a kernel, however long it took to come.
    monkeypatch.setattr(stopping, "monotonic", lambda: 60.0 * len(pids))
    launch = LocalProvisioner.launch_kernel

    async def slowly(self: Any, cmd: list[str], **kwargs: Any) -> Any:
        told = await launch(self, cmd, **kwargs)
        pids.append(self.pid)
        await asyncio.sleep(60)
        return told

    monkeypatch.setattr(warm, "POSSIBLE", False)
    monkeypatch.setattr(LocalProvisioner, "launch_kernel", slowly)
    report = run("force_power_off", NAME, outputs=outputs, deadline_s=1.0)
    assert (report.account.outcome, report.exit_code, len(pids)) == ("interrupted", 7, 1)
    assert soon(lambda: not lives(pids[0]))


@pytest.mark.parametrize(
    "argv",
    [
        ["/another/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        ["python", "-m", "xeus", "-f", "{connection_file}"],
    ],
)
def test_a_kernel_of_another_kind_is_not_forked(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def ordinary(self: Any, cmd: list[str], **kwargs: Any) -> list[str]:
        return cmd

    monkeypatch.setattr(LocalProvisioner, "launch_kernel", ordinary)
    monkeypatch.setattr(warm, "shared", lambda: pytest.fail("asked for a fork"))
    provisioner = WarmProvisioner(kernel_spec=KernelSpec(argv=argv))
    assert completed(provisioner.launch_kernel(argv)) == argv
