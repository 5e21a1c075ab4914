"""What holds for every test: a scrubbed environment, loopback only, and the profiles of hypothesis."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.read_records import browser, forced, hostile  # noqa: F401 — fixtures of several rooms
from tests.rehearsal import Rehearsal
from tests.skipping import sitecustomize as skipping
from tests.undrawn import leave_undrawn
from vergeos_nb import masking

# The scrubbing fixture below is function-scoped and holds the same for every example.
settings.register_profile(
    "default", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.register_profile("nightly", settings.get_profile("default"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 2 << 30
# Objects that are made before the young ones are looked through.
YOUNG = 10_000

SCRUBBED = ("VERGE", "SSL_CERT", "REQUESTS_CA", "CURL_CA", "JPY_", "VOILA_", "XDG_", "PIP_", "JUPYTER")
HOMES = itertools.count(1)
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_configure(config: pytest.Config) -> None:
    """Tests write to memory where there is enough of it, because a disk makes them wait at each renamed file.
    The workers of xdist inherit it. `TMPDIR` and ``--basetemp`` say another place."""
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # A shell that starts the suite in the background ignores Ctrl-C for it, and for all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _has_room(folder: Path) -> bool:
    """Whether tests can write there, and start what they have written."""
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return False
    found = os.statvfs(folder)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= NEEDED_BYTES


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow sweeps out unless they were asked for."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def pytest_collection_finish() -> None:
    """Leave what stays for the whole session out of garbage collection, which took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


@pytest.fixture(autouse=True)
def _scrubbed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test, and nothing of a test reaches the user's home."""
    for name in list(os.environ):
        if name.startswith(SCRUBBED) or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    # Numbered here: to find the next free number, `mktemp` reads the folder of all tests.
    home = tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("VERGEOS_NB_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.setenv("VERGEOS_NB_OUTPUTS", str(home / "outputs"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    # Runs that a test leaves unfinished keep their room; megabytes each would fill the disk.
    monkeypatch.setattr("vergeos_nb.journal.disk_reserve.NEEDED", 1 << 16)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests() -> None:
    """What one test's process has read as a secret can be a word that another test looks for."""
    masking.forget()


@pytest.fixture(autouse=True, scope="session")
def _no_waiting_for_the_disk() -> Iterator[None]:
    """No test cuts the power, so what reached the kernel is as good as on the disk. The tests of what is on
    disk before something else happens put their own ``fsync`` in place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Any:
    """A connection to anything but this machine fails the test that makes it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            assert host.startswith("127.") or host in ("::1", "localhost"), f"connection to {host}"
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def _clocks_can_skip() -> Any:
    """All processes that tests start have the clocks that can skip, also warm kernels of an earlier test."""
    before = os.environ.get("PYTHONPATH")
    folders = [str(Path(skipping.__file__).parent), *([before] if before else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    skipping.install()
    yield
    os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)


@pytest.fixture(autouse=True, scope="session")
def _compiled_once() -> Iterator[None]:
    """Processes that tests start keep compiled modules, whatever this machine says: hundreds begin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture
def skipped_waits(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The waits of the runs of this test take no time, in whichever process they are."""
    if request.node.get_closest_marker("real_waits"):
        return
    file = tmp_path_factory.mktemp("skipped") / "seconds"
    file.touch()
    monkeypatch.setenv(skipping.FILE, str(file))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """All records have one picture, for rooms where nobody looks at it."""
    leave_undrawn(monkeypatch)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """A folder for records."""
    return tmp_path / "outputs"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Add up what the tests went through. Above the workers of xdist only this conftest is read."""
    counted: dict[str, int] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    if name.startswith("cells: "):
                        counted[name] = counted.get(name, 0) + value
    for name, count in sorted(counted.items()):
        terminalreporter.write_line(f"{name.removeprefix('cells: ')}: {count} cells")


@pytest.fixture
def rehearse(tmp_path: Path) -> Callable[..., Rehearsal]:
    """Make a rehearsal of a scenario, each with a folder of its own."""
    numbers = itertools.count(1)

    def make(scenario: str = "stuck", **options: object) -> Rehearsal:
        return Rehearsal(scenario, tmp_path / f"outputs-{next(numbers)}", **options)

    return make
