"""After the seal: the mirror's queue, its failures, and the notification. None of it can hold up a run."""

from __future__ import annotations

import json
import shutil
import threading
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from bench.archive import SMALL, write_archive
from tests.archive.made import NONE, archive, finish_again, key, record, sealed
from tests.commands import command
from tests.rehearsal import Rehearsal
from vergeos_nb.archive import after_seal, webhook
from vergeos_nb.archive.mirror import mirror, shown
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.clock import SystemClock
from vergeos_nb.errors import RecordError
from vergeos_nb.settings import ArchiveSettings, Secret, archive_settings

TOKEN = "c4nary-T0ken-in-a-path"
DAY = "2026-10-01"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    archive(tmp_path / "outputs")
    return tmp_path / "outputs"


@pytest.fixture(params=["a folder", "file", "memory"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Secret:
    """A mirror of every kind that needs no network."""
    return Secret(
        {
            "a folder": str(tmp_path / "mirror"),
            "file": f"file://{tmp_path}/mirror",
            "memory": f"memory://mirror-{uuid.uuid4().hex}",
        }[request.param]
    )


def fetched(target: Secret, into: Path) -> Path:
    """The mirror as a local folder, as an auditor would get it."""
    files, root = fsspec.core.url_to_fs(target.reveal())
    for path in files.find(root):
        local = into / path.removeprefix(root).lstrip("/")
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(files.cat_file(path))
    return into


def sealed_files(outputs: Path) -> dict[str, bytes]:
    """What of an archive a mirror holds."""
    return {
        str(path.relative_to(outputs)): path.read_bytes()
        for path in outputs.rglob("*")
        if path.is_file() and path.name not in ("ledger.lock", "mirror.lock", "mirror.json")
    }


# -- the mirror ----------------------------------------------------------------------------------


def test_a_mirror_is_a_whole_archive_that_verifies_by_itself(
    outputs: Path, target: Secret, tmp_path: Path
) -> None:
    done = mirror(outputs, target)
    assert (done.lines, len(done.copied), done.spoiled) == (6, 5, ())
    copy = fetched(target, tmp_path / "fetched")
    assert sealed_files(copy) == sealed_files(outputs)
    assert (verify(copy).findings, verify(copy).notes, verify(copy).records) == ((), (), 5)


def test_only_what_is_new_is_copied_and_what_was_sealed_again(
    outputs: Path, target: Secret, tmp_path: Path
) -> None:
    mirror(outputs, target)
    assert mirror(outputs, target).copied == ()
    new = sealed(outputs, 6).record
    again = outputs / DAY / "000001Z-force_power_off-web-01-00000001"
    finish_again(again)
    seal(again, NONE)
    assert mirror(outputs, target).copied == (new, again.name)
    assert sealed_files(fetched(target, tmp_path / "fetched")) == sealed_files(outputs)


def test_one_more_record_is_copied_without_holding_the_ledger_in_memory(tmp_path: Path) -> None:
    """Holds off: half a gigabyte at the end of a run, for an archive of 100,000 records."""
    outputs, target = tmp_path / "outputs", Secret(str(tmp_path / "mirror"))
    write_archive(outputs, 5000, SMALL, folders=False)
    size = (outputs / "ledger.jsonl").stat().st_size
    mirror(outputs, target)
    new = sealed(outputs, 1).record
    tracemalloc.start()
    try:
        assert mirror(outputs, target).copied == (new,)
        assert tracemalloc.get_traced_memory()[1] < size / 2
    finally:
        tracemalloc.stop()
    assert (tmp_path / "mirror" / "ledger.jsonl").read_bytes() == (outputs / "ledger.jsonl").read_bytes()


def test_signatures_are_mirrored(tmp_path: Path, target: Secret) -> None:
    signer = key(tmp_path)
    archive(tmp_path / "outputs", 2, signer)
    mirror(tmp_path / "outputs", target)
    voucher = verify(fetched(target, tmp_path / "fetched")).voucher
    assert voucher is not None
    assert voucher.count == 2


def test_what_is_removed_here_stays_in_the_mirror(outputs: Path, target: Secret, tmp_path: Path) -> None:
    mirror(outputs, target)
    gone = "000001Z-force_power_off-web-01-00000001"
    Keeper(outputs, "ada", SystemClock()).remove([gone], "old")
    assert mirror(outputs, target).copied == ()
    copy = fetched(target, tmp_path / "fetched")
    assert (copy / DAY / gone / "manifest.json").exists()
    assert (verify(copy).findings, len(verify(copy).notes)) == ((), 1)


def test_a_record_that_is_not_as_sealed_is_not_put_over_a_good_copy(outputs: Path, target: Secret) -> None:
    folder = outputs / DAY / "000003Z-force_power_off-web-01-00000003"
    (folder / "notebook.html").write_text("forged")
    done = mirror(outputs, target)
    assert (done.lines, done.spoiled, len(done.copied)) == (6, (folder.name,), 4)


def test_an_archive_that_was_written_anew_is_not_put_over_its_mirror(
    outputs: Path, target: Secret, tmp_path: Path
) -> None:
    mirror(outputs, target)
    before = fetched(target, tmp_path / "before")
    for path in (*outputs.glob("ledger.*"), outputs / "mirror.json"):
        path.unlink()
    shutil.rmtree(outputs / DAY)
    for number in range(1, 9):
        sealed(outputs, number, operator="somebody else")
    with pytest.raises(RecordError, match="which is not a line of this one"):
        mirror(outputs, target)
    assert sealed_files(fetched(target, tmp_path / "after")) == sealed_files(before)


def test_a_target_that_is_down_is_gone_on_with_later_from_where_it_stopped(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Secret(f"file://{tmp_path}/mirror")
    local = fsspec.filesystem("file").__class__
    pipe, calls = local.pipe_file, [0]

    def down_after_seven(self: Any, *arguments: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] > 7:
            raise OSError("connection reset")
        return pipe(self, *arguments, **more)

    monkeypatch.setattr(local, "pipe_file", down_after_seven)
    with pytest.raises(RecordError, match="connection reset") as error:
        mirror(outputs, target)
    assert "tried again after the next seal" in error.value.next_step
    monkeypatch.undo()
    assert len(mirror(outputs, target).copied) == 4  # the first was whole there
    assert verify(tmp_path / "mirror").findings == ()


def test_a_ledger_that_did_not_arrive_is_copied_again_though_no_record_is_new(
    outputs: Path, target: Secret, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds off: "has all up to number 6" over a target whose ledger had none of these lines."""

    def down(self: Any, *arguments: Any) -> None:
        raise OSError("connection reset")

    monkeypatch.setattr("vergeos_nb.archive.mirror._Copying._ledger", down)
    with pytest.raises(RecordError, match="connection reset"):
        mirror(outputs, target)
    monkeypatch.undo()
    assert mirror(outputs, target).copied == ()
    copy = fetched(target, tmp_path / "fetched")
    assert sealed_files(copy) == sealed_files(outputs)
    assert verify(copy).findings == ()


def test_a_target_that_gives_back_something_else_is_named(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = fsspec.filesystem("file").__class__
    pipe = local.pipe_file
    monkeypatch.setattr(local, "pipe_file", lambda self, path, value, **more: pipe(self, path, value[:-1]))
    with pytest.raises(RecordError, match="reads differently there than it was written"):
        mirror(outputs, Secret(str(tmp_path / "mirror")))


def test_a_second_process_leaves_it_to_the_first(outputs: Path, target: Secret) -> None:
    import fcntl

    with (outputs / "mirror.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert mirror(outputs, target).busy
    assert len(mirror(outputs, target).copied) == 5


def test_another_target_starts_from_the_beginning(outputs: Path, target: Secret, tmp_path: Path) -> None:
    mirror(outputs, target)
    assert len(mirror(outputs, Secret(str(tmp_path / "other"))).copied) == 5


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        (f"webdav://ada:{TOKEN}@host/a/b", "webdav://host/a/b"),
        (f"s3://bucket/a?key={TOKEN}", "s3://bucket/a"),
        ("/mnt/share", "/mnt/share"),
    ],
)
def test_no_password_of_a_target_is_shown(outputs: Path, url: str, seen: str) -> None:
    assert shown(Secret(url)) == seen
    if url.startswith("webdav"):
        with pytest.raises(RecordError) as error:
            mirror(outputs, Secret(url))
        assert TOKEN not in str(error.value)


# -- the notification ------------------------------------------------------------------------------


class Hook(HTTPServer):
    """A ticket system on loopback."""

    def __init__(self, status: int = 204, *, answers: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status, self.answers, self.seen = status, answers, list[Any]()
        self.let_go = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook/{TOKEN}"


class Answering(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, json.loads(body)))
        if not self.server.answers:
            self.server.let_go.wait(30)
            return
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def hook() -> Iterator[Callable[..., Hook]]:
    made = []

    def make(*arguments: Any, **more: Any) -> Hook:
        server = Hook(*arguments, **more)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.let_go.set()
        server.shutdown()
        server.server_close()


def test_a_run_sends_one_notification_when_it_is_sealed_and_none_when_nothing_has_changed(
    outputs: Path, tmp_path: Path, hook: Callable[..., Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = hook()
    monkeypatch.setenv("VERGEOS_NB_WEBHOOK", server.url)
    monkeypatch.setenv("VERGEOS_NB_MIRROR", str(tmp_path / "mirror"))
    run = Rehearsal("stuck", tmp_path / "new")
    run.run(finish=True, ticket="INC-8")
    ((path, told),) = server.seen
    assert path == f"/hook/{TOKEN}"
    names = ("event", "record", "ledger_line", "vm", "outcome", "verdict", "ticket", "simulated", "headline")
    assert {name: told[name] for name in names} == {
        "event": "record-sealed",
        "record": "run-1",
        "ledger_line": 1,
        "vm": "web-01",
        "outcome": "planned",
        "verdict": "off",
        "ticket": "INC-8",
        "simulated": True,
        "headline": "Planned. Nothing was changed: no approval was given.",
    }
    assert verify(tmp_path / "mirror").records == 1
    texts = [path.read_bytes() for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert not [text for text in texts if TOKEN.encode() in text]
    from vergeos_nb.runner.recovery import recover

    recover(run.folder, ask=False)
    assert len(server.seen) == 1


@pytest.mark.parametrize(("status", "why"), [(500, "the answer was 500"), (302, "the answer was 302")])
def test_an_answer_that_is_no_yes_is_told_and_not_sent_again(
    hook: Callable[..., Hook], status: int, why: str
) -> None:
    server = hook(status)
    with pytest.raises(RecordError, match=why) as error:
        webhook.notify(Secret(server.url), {"a": 1})
    assert (len(server.seen), TOKEN in str(error.value)) == (1, False)


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://h/x", "nonsense", "https://", "http://[::1"])
def test_a_url_that_is_not_https_or_none_is_not_used(url: str) -> None:
    with pytest.raises(RecordError) as error:
        webhook.notify(Secret(f"{url}{TOKEN}"), {})
    assert TOKEN not in str(error.value)


def test_a_url_over_https_is_used_and_what_goes_wrong_there_is_told_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import httpx

    def refused(self: httpx.Client, url: str, **more: object) -> httpx.Response:
        raise httpx.ConnectError(f"cannot connect to {url}")

    monkeypatch.setattr(httpx.Client, "post", refused)
    with pytest.raises(RecordError) as error:
        webhook.notify(Secret(f"https://hooks.example.com/{TOKEN}"), {})
    assert (error.value.came_back, TOKEN in str(error.value)) == ("ConnectError", False)


def test_a_hook_that_hangs_and_a_mirror_that_is_down_neither_fail_a_run_nor_keep_it(
    tmp_path: Path,
    hook: Callable[..., Hook],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = hook(answers=False)
    (tmp_path / "mirror").write_text("a file, where a folder should be")
    monkeypatch.setenv("VERGEOS_NB_WEBHOOK", server.url)
    monkeypatch.setenv("VERGEOS_NB_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setattr(after_seal, "WAIT_S", 0.3)
    run = Rehearsal("stuck", tmp_path / "outputs")
    assert run.run(finish=True).outcome == "planned"
    assert verify(tmp_path / "outputs").findings == ()
    told = caplog.text
    assert "mirroring to" in told
    assert "not done within 0.3 s" in told
    assert TOKEN not in told


def test_a_process_that_is_ending_seals_and_leaves_the_rest_to_the_next_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Holds off: a traceback at the end of a kernel, which Python 3.12 lets start no thread.
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setenv("VERGEOS_NB_MIRROR", str(tmp_path / "mirror"))
    run = Rehearsal("stuck", tmp_path / "outputs")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        assert run.run(finish=True).outcome == "planned"
    assert "this process is ending" in caplog.text
    run.run(finish=True)
    assert (verify(tmp_path / "mirror").records, verify(tmp_path / "mirror").findings) == (2, ())


def test_settings_hold_both_as_secrets() -> None:
    told = archive_settings(
        {
            "VERGEOS_NB_WEBHOOK": f"https://h/{TOKEN}",
            "VERGEOS_NB_MIRROR": f"webdav://a:{TOKEN}@h/x",
            "HOME": "/h",
        }
    )
    assert TOKEN not in repr(told)
    assert {TOKEN, f"https://h/{TOKEN}"} <= set(told.secrets)
    assert archive_settings({}) == ArchiveSettings()


def test_the_command_works_off_the_queue(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called() -> tuple[int, Any]:
        done = command("audit", "mirror", "--json", "--outputs", str(outputs), timeout=60)
        return done.returncode, json.loads(done.stdout.splitlines()[-1])

    code, answer = called()
    assert (code, answer["came_back"]) == (2, "no mirror is set up")
    monkeypatch.setenv("VERGEOS_NB_MIRROR", str(tmp_path / "mirror"))
    code, answer = called()
    assert (code, answer["lines"], len(answer["copied"])) == (0, 6, 5)
    (tmp_path / "mirror" / "ledger.head").write_text("9:" + "0" * 64)
    code, answer = called()
    assert (code, answer["type"]) == (10, "RecordError")
    assert record(outputs, 9).exists()


def test_the_command_does_not_say_that_all_are_there_if_one_was_left_out(
    outputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled = outputs / DAY / "000003Z-force_power_off-web-01-00000003"
    (spoiled / "notebook.html").write_text("forged")
    target = tmp_path / "mirror"
    monkeypatch.setenv("VERGEOS_NB_MIRROR", str(target))
    done = command("audit", "mirror", "--outputs", str(outputs), timeout=60)
    assert (done.returncode, done.stdout) == (
        3,
        f"✘ not copied, because not as it was sealed  {spoiled.name}\n"
        f"✘ 4 records copied, 1 left out; {target} has all others up to number 6.\n",
    )
