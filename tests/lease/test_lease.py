"""One lease per VM: real processes, real kills, and a clock that is stepped."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.clock import SystemClock, iso
from vergeos_nb.errors import RecordError, Refused, UsageError
from vergeos_nb.lease import lease_file
from vergeos_nb.lease.lease import LONGEST_S, Lease, Owner
from vergeos_nb.processes import this_process

START = 1_790_000_000.0
TTL = 60.0
SUBJECT = "vergeos.example/vms/42"
JO = Owner("Jo", "desk", os.getpid(), "run-1")
KIM = Owner("Kim", "cron", 4242, "run-2")


class StepClock:
    """Time that passes only by sleeping."""

    def __init__(self, start: float = START) -> None:
        self.time = start

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock():
    return StepClock()


@pytest.fixture
def take(tmp_path, clock):
    def take(owner=JO, subject=SUBJECT, ttl=TTL):
        return Lease.take(tmp_path / "leases", subject, owner, ttl, clock)

    return take


ELSEWHERE = "0f0f0f0f-1111-2222-3333-444444444444 pid:[4026532000]"


def moved(lease: Lease, **changes) -> Lease:
    """The lease as if another process had taken it; its file is all that others see of it."""
    data = json.loads(lease.path.read_text())
    data["owner"] |= {key: changes.pop(key) for key in ("pid", "host") if key in changes}
    lease.path.write_text(json.dumps({**data, **changes}))
    return lease


def lease_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "leases").glob("*.lease"))


# -- one holder ------------------------------------------------------------------------------------


def test_the_second_is_refused_and_told_who_holds_it_since_when_and_until_when(take, tmp_path):
    lease = take()
    with pytest.raises(Refused) as caught:
        take(KIM)
    assert caught.value.as_dict() == {
        "type": "Refused",
        "asked": "taking the lease of vergeos.example/vms/42",
        "came_back": f"Jo (process {os.getpid()} on desk, run run-1) has held it since "
        "2026-09-21T14:13:20.000Z, and that is a run of this very process",
        "next_step": "continue that run, or close it; if you cannot reach it, restart the kernel",
        "exit_code": 3,
    }
    assert (lease.subject, lease.taken_at, lease.expires_at, lease.taken_over_from) == (
        SUBJECT, START, START + TTL, "",
    )  # fmt: skip
    assert json.loads(lease.path.read_text()) == {
        "format": "vergeos-nb/lease/1",
        "subject": SUBJECT,
        "owner": {"name": "Jo", "host": "desk", "pid": os.getpid(), "run": "run-1"},
        "token": json.loads(lease.path.read_text())["token"],
        "machine": this_process().machine,
        "installation": this_process().installation,
        "process_started": this_process().started,
        "taken_at": "2026-09-21T14:13:20.000Z",
        "expires_at": "2026-09-21T14:14:20.000Z",
        "steady_until": START + TTL,
        "taken_over_from": "",
    }


def test_not_even_the_holder_takes_it_twice(take):
    take()
    with pytest.raises(Refused, match="Jo .* has held it"):
        take()


def test_other_vms_are_free(take):
    assert [take(subject=f"host/vms/{key}").taken_over_from for key in (1, 2)] == ["", ""]


def test_what_is_given_back_is_free_and_leaves_no_lease(take, tmp_path):
    with take() as lease:
        assert lease_files(tmp_path) == [lease.path]
    assert lease_files(tmp_path) == []
    lease.release()
    assert take(KIM).taken_over_from == ""
    with pytest.raises(Refused, match="it was released"):
        lease.renew()


def test_it_is_given_back_when_the_run_fails(take, tmp_path):
    with pytest.raises(ZeroDivisionError), take():
        1 / 0  # noqa: B018
    assert lease_files(tmp_path) == []


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), LONGEST_S + 1])
def test_a_lease_that_would_not_live_or_not_end_is_refused(take, tmp_path, ttl):
    with pytest.raises(UsageError, match="it would last"):
        take(ttl=ttl)
    assert not (tmp_path / "leases").exists()


# -- the end of it ---------------------------------------------------------------------------------


def test_a_lost_owners_lease_on_another_machine_ends_by_the_clock(take, clock, tmp_path):
    moved(take(), machine=ELSEWHERE)
    clock.sleep(TTL - 0.001)
    with pytest.raises(Refused) as caught:
        take(KIM)
    assert "until 2026-09-21T14:14:20.000Z; from here nobody can see whether it lives" in str(caught.value)
    assert caught.value.next_step.endswith(f"remove {lease_files(tmp_path)[0]}.")
    clock.sleep(0.001)
    assert take(KIM).taken_over_from == (
        f"Jo (process {os.getpid()} on desk, run run-1), whose lease ended at 2026-09-21T14:14:20.000Z"
    )


def test_renewing_lets_it_live_on(take, clock):
    lease = take()
    clock.sleep(TTL - 1)
    lease.renew()
    assert (lease.taken_at, lease.expires_at) == (START, START + 2 * TTL - 1)
    clock.sleep(TTL - 1)
    with pytest.raises(Refused):
        take(KIM)


def test_an_ended_lease_that_nobody_took_can_be_renewed(take, clock):
    lease = take()
    clock.sleep(5 * TTL)
    lease.renew()
    with pytest.raises(Refused):
        take(KIM)


@pytest.mark.parametrize("jump", [10 * TTL, 3600 * 24 * 365, -3600])
def test_a_holder_that_lives_on_this_machine_keeps_its_lease_whatever_the_clock_says(
    spawn, tmp_path, clock, jump
):
    """Holds off: a clock that jumps, or a laptop that slept, giving a VM to two runs at once."""
    holder = spawn("holder")
    holder.line()
    holder.go()
    holder.line()
    clock.time = time.time() + jump
    pid = holder.process.pid
    with pytest.raises(Refused, match="that process lives on this machine") as caught:
        Lease.take(tmp_path / "leases", SUBJECT, KIM, TTL, clock)
    assert f"`kill {pid}`" in caught.value.next_step
    holder.end(signal.SIGKILL)
    clock.time = time.time() - 3600
    assert Lease.take(tmp_path / "leases", SUBJECT, KIM, TTL, clock).taken_over_from == (
        f"holder (process {pid} on desk, run run-holder), whose process is gone"
    )


def test_a_process_that_got_the_number_of_a_dead_holder_is_not_taken_for_it(take):
    """Holds off: a VM that nobody can have, because another process has the dead holder's number by now."""
    moved(take(), process_started="1")
    assert (
        take(KIM).taken_over_from == f"Jo (process {os.getpid()} on desk, run run-1), whose process is gone"
    )


def test_a_holder_from_before_the_machine_was_started_anew_is_gone_and_a_container_s_may_have_moved(take):
    """Holds off: waiting for the dead after a restart; and a living pod on another node read as restarted."""
    boot, _, space = this_process().machine.partition(" ")
    first = "pid:[4026531836]"
    earlier = moved(take(), machine=f"{ELSEWHERE.split()[0]} {first}", host=platform.node())
    if space == first:
        assert take(KIM).taken_over_from.endswith("whose process is gone")
    else:
        with pytest.raises(Refused, match="cannot be seen"):
            take(KIM)
    earlier.path.unlink()
    for changes in (
        {"machine": ELSEWHERE, "host": platform.node()},
        {"machine": f"{boot} pid:[4026532000]", "host": platform.node()},
        {"machine": f"{ELSEWHERE.split()[0]} {first}", "installation": "another", "host": platform.node()},
        {"machine": f"{ELSEWHERE.split()[0]} {first}", "host": "another"},
    ):
        other = moved(take(), **changes)
        with pytest.raises(Refused, match="from here nobody can see whether it lives"):
            take(KIM)
        other.path.unlink()


def test_another_container_of_this_machine_keeps_its_lease_by_the_clock_that_does_not_jump(take, clock):
    """Holds off: a wall clock that jumps ahead ending the lease of a run in the container next door."""
    boot = this_process().machine.partition(" ")[0]
    moved(take(), machine=f"{boot} pid:[4026532000]")
    steady = clock.monotonic()
    clock.monotonic = lambda: steady + TTL - 1
    clock.time += 10 * TTL
    with pytest.raises(Refused, match="from here nobody can see"):
        take(KIM)
    clock.monotonic = lambda: steady + TTL
    assert "whose lease ended at" in take(KIM).taken_over_from


def test_a_lease_whose_file_stayed_behind_is_free_for_the_process_that_gave_it_back(take, monkeypatch):
    """Holds off: a disk that failed for a moment keeping a VM from its own run for as long as that lives."""
    lease = take()
    content = lease.path.read_bytes()
    lease.release()
    lease.path.write_bytes(content)
    assert take().taken_over_from == f"Jo (process {os.getpid()} on desk, run run-1), which has given it back"


def test_a_lease_that_an_older_version_took_is_read(take, clock):
    """Holds off: two versions over one archive at once, of which one takes the other's lease for damage."""
    lease = take()
    data = json.loads(lease.path.read_text())
    for name in ("installation", "process_started", "steady_until"):
        del data[name]
    lease.path.write_text(json.dumps(data))
    clock.sleep(10 * TTL)
    with pytest.raises(Refused, match="has held it since"):
        take(KIM)
    lease.renew()


def test_whoever_lost_it_is_told_and_does_not_take_it_from_the_new_holder(take, clock, tmp_path):
    """Holds off: a run that slept through its lease, wakes up, and forces a VM that another one works on."""
    lost = moved(take(), machine=ELSEWHERE)
    clock.sleep(TTL)
    mine = take(KIM)
    with pytest.raises(Refused) as caught:
        lost.renew()
    assert caught.value.came_back == (
        "Kim (process 4242 on cron, run run-2) took it at 2026-09-21T14:14:20.000Z"
    )
    lost.release()
    assert lease_files(tmp_path) == [mine.path]
    mine.renew()


def test_a_lease_that_somebody_took_and_gave_back_meanwhile_is_lost_too(take, clock):
    lost = moved(take(), machine=ELSEWHERE)
    clock.sleep(TTL)
    take(KIM).release()
    with pytest.raises(Refused, match="its file is gone"):
        lost.renew()


# -- damage ----------------------------------------------------------------------------------------


def good(**changes):
    data = {
        "format": lease_file.FORMAT, "subject": SUBJECT, "token": "ab", "machine": ELSEWHERE,
        "taken_over_from": "",
        "owner": {"name": "Jo", "host": "desk", "pid": 4711, "run": "run-1"},
        "taken_at": iso(START - 10), "expires_at": iso(START - 1),
    }  # fmt: skip
    return json.dumps({**data, **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0" * 400, b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b"[" * 100_000, good()[:-1],
        good(format="vergeos-nb/lease/2"), good(subject="another"), good(expires_at=None),
        good(steady_until="soon"), good(process_started=1), good(expires_at="soon"), good(taken_at=1),
        good(token=1), good(owner=None), good(owner="Jo"),
        good(owner={"name": "Jo", "host": "desk", "pid": 0, "run": "r"}),
        good(owner={"name": "Jo", "host": "desk", "pid": -1, "run": "r"}),
        good(owner={"name": "Jo", "host": "desk", "pid": "1", "run": "r"}),
    ],
)  # fmt: skip
def test_a_lease_that_cannot_be_read_counts_as_held_until_its_file_is_old(take, clock, content):
    """Holds off: a half-written or foreign file that reads as "free"."""
    path = take().path
    path.write_bytes(content)
    os.utime(path, (START, START))
    clock.time = START + TTL - 0.5
    with pytest.raises(Refused, match="somebody may hold it") as caught:
        take(KIM)
    assert caught.value.next_step == (
        f"wait until 2026-09-21T14:14:20.000Z; if nobody works on this VM, remove {path} before"
    )
    clock.time = START + TTL
    assert take(KIM).taken_over_from.endswith("), last written 2026-09-21T14:13:20.000Z")


def test_the_file_that_says_it_is_sound_is_taken_over_as_such(take):
    path = take().path
    path.write_bytes(good())
    assert take(KIM).taken_over_from == (
        "Jo (process 4711 on desk, run run-1), whose lease ended at 2026-09-21T14:13:19.000Z"
    )


def test_a_holder_whose_file_was_damaged_is_told(take):
    lease = take()
    lease.path.write_bytes(b"")
    with pytest.raises(Refused, match="is empty"):
        lease.renew()
    lease.release()
    assert lease.path.read_bytes() == b""


def test_what_a_dying_writer_left_beside_the_lease_is_in_nobodys_way(take):
    lease = take()
    draft = lease.path.with_suffix(".draft")
    draft.write_text("half")
    draft.chmod(0o400)
    lease.renew()
    assert (draft.exists(), lease_file.read(lease.path, SUBJECT, "") is not None) == (False, True)


def test_what_a_stranger_wrote_into_a_lease_is_shown_without_its_control_characters(take):
    path = take().path
    owner = {"name": "\x1b[2JJo\u202e\ud800", "host": "a\nb", "pid": os.getpid(), "run": "r"}
    path.write_bytes(good(owner=owner, expires_at=iso(START + 9)))
    with pytest.raises(Refused) as caught:
        take(KIM)
    assert caught.value.came_back.startswith(
        f"\\x1b[2JJo\\u202e\\ud800 (process {os.getpid()} on a b, run r) has held it"
    )


# -- the folder ------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_made_means_no_lease(tmp_path, clock):
    (tmp_path / "file").touch()
    with pytest.raises(RecordError, match="nothing is changed without a lease"):
        Lease.take(tmp_path / "file" / "leases", SUBJECT, JO, TTL, clock)


def test_a_file_system_without_locks_means_no_lease(take, monkeypatch):
    def no_locks(descriptor, operation):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lease_file.fcntl, "flock", no_locks)
    with pytest.raises(RecordError, match="Operation not supported"):
        take()


def test_a_full_disk_means_no_lease_and_leaves_the_old_one(take, clock, monkeypatch):
    old = moved(take(), machine=ELSEWHERE)
    before = old.path.read_bytes()
    clock.sleep(TTL)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lease_file.os, "fsync", full)
    with pytest.raises(RecordError, match="No space left on device"):
        take(KIM)
    assert old.path.read_bytes() == before


@given(st.text(), st.text())
def test_no_two_subjects_share_a_file_and_every_name_is_tame(one, other):
    names = [lease_file.file_name(subject) for subject in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    for name in names:
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        assert len(name) <= 100
        assert not name.startswith((".", "-"))


def test_names_that_look_alike_have_files_of_their_own():
    subjects = ("host/vms/42", "HOST/vms/42", "host/vms-42", "host/vms/42 ", "../host/vms/42", "", "\ud800")
    assert len({lease_file.file_name(subject) for subject in subjects}) == len(subjects)


# -- several processes -----------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from vergeos_nb.lease.lease import Lease, Owner
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import Refused
import os
folder, name, host, subject = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
try:
    owner = Owner(name, host, os.getpid(), "run-" + name)
    lease = Lease.take(Path(folder), subject, owner, 3600, SystemClock())
    print("took it from: " + lease.taken_over_from, flush=True)
except Refused as refused:
    print("refused: " + refused.came_back, flush=True)
sys.stdin.readline()
"""

LOCKER = """
import sys
from pathlib import Path
from vergeos_nb.lease.lease_file import file_name, locked
from vergeos_nb.clock import SystemClock
with locked(Path(sys.argv[1]) / file_name(sys.argv[4]), "test", SystemClock()):
    print("ready", flush=True)
    sys.stdin.readline()
"""


class Child:
    def __init__(self, code: str, folder: Path, name: str, host: str = "desk") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder), name, host, SUBJECT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, with_signal: int | None = None) -> None:
        if with_signal is not None:
            self.process.send_signal(with_signal)
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture
def spawn(tmp_path):
    children = []

    def spawn(name: str, host: str = "desk", code: str = CHILD) -> Child:
        children.append(Child(code, tmp_path / "leases", name, host))
        return children[-1]

    yield spawn
    for child in children:
        if child.process.poll() is None:
            with contextlib.suppress(OSError):
                child.end(signal.SIGKILL)


def prepare_nothing(folder):
    pass


def prepare_ended(folder):
    moved(Lease.take(folder, SUBJECT, KIM, 1, StepClock(0)), machine=ELSEWHERE)


def prepare_damaged(folder):
    path = Lease.take(folder, SUBJECT, KIM, 1, StepClock(0)).path
    path.write_bytes(b"{")
    os.utime(path, (0, 0))


@pytest.mark.parametrize("prepare", [prepare_nothing, prepare_ended, prepare_damaged])
def test_of_many_processes_that_try_at_once_exactly_one_gets_it(spawn, tmp_path, prepare):
    prepare(tmp_path / "leases")
    children = [spawn(f"p{n}") for n in range(8)]
    assert [child.line() for child in children] == ["ready"] * len(children)
    for child in children:
        child.go()
    said = [child.line() for child in children]
    (winner,) = [n for n, line in enumerate(said) if line.startswith("took it from:")]
    holder = (
        f"p{winner} (process {children[winner].process.pid} on desk, run run-p{winner}) has held it since"
    )
    assert all(line.startswith(f"refused: {holder}") for n, line in enumerate(said) if n != winner)
    for child in children:
        child.end()


def test_of_many_threads_that_try_at_once_exactly_one_gets_it(tmp_path):
    gate, got, refused = threading.Barrier(8), [], []

    def attempt(n):
        gate.wait()
        try:
            got.append(
                Lease.take(tmp_path, SUBJECT, Owner(f"t{n}", "desk", os.getpid(), "r"), TTL, SystemClock())
            )
        except Refused:
            refused.append(n)

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)


def test_the_lease_of_a_killed_process_on_this_machine_is_taken_over_at_once(spawn, tmp_path):
    holder = spawn("holder")
    holder.line()
    holder.go()
    assert holder.line() == "took it from:"
    with pytest.raises(Refused, match="holder .* has held it"):
        Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, SystemClock())
    holder.end(signal.SIGKILL)
    lease = Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, SystemClock())
    assert lease.taken_over_from == (
        f"holder (process {holder.process.pid} on desk, run run-holder), whose process is gone"
    )


def test_a_process_killed_elsewhere_keeps_its_lease_until_it_ends(spawn, tmp_path):
    """Holds off: a process number of another machine, or of another container, read as one of ours."""
    holder = spawn("holder", host="elsewhere")
    holder.line()
    holder.go()
    holder.line()
    holder.end(signal.SIGKILL)
    (path,) = lease_files(tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "machine": ELSEWHERE}))
    clock = StepClock(time.time() + 3500)
    with pytest.raises(Refused, match="on elsewhere"):
        Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, clock)
    clock.sleep(101)
    lease = Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, clock)
    assert "on elsewhere, run run-holder), whose lease ended at" in lease.taken_over_from


def test_a_container_of_the_same_host_name_is_another_world(take):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    moved(take(Owner("Jo", "desk", gone.pid, "run-1")), machine=ELSEWHERE)
    with pytest.raises(Refused):
        take(Owner("Kim", "desk", os.getpid(), "run-2"))


def test_a_process_that_hangs_in_between_makes_others_give_up_and_its_death_sets_them_free(spawn, tmp_path):
    locker = spawn("locker", code=LOCKER)
    assert locker.line() == "ready"
    clock = StepClock()
    with pytest.raises(Refused, match="another process has kept .* locked for 5 s"):
        Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, clock)
    locker.end(signal.SIGKILL)
    assert Lease.take(tmp_path / "leases", SUBJECT, JO, TTL, clock).taken_over_from == ""
