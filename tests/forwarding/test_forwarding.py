"""What matters of a run reaches a receiver while it happens, or after an outage, and holds no secret."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import trustme

from tests.fleet.stuck_fleet import StuckFleet
from tests.forwarding.receivers import (
    Received,
    collector,
    datagram_receiver,
    free_port,
    line_receiver,
    silent_listener,
    stream_receiver,
)
from tests.rehearsal import API_KEY, PASSWORD, Rehearsal
from tests.served import NAME, served
from tests.widgets.sitting import Sitting
from vergeos_nb.archive import telling
from vergeos_nb.archive.verify.verify import verify
from vergeos_nb.errors import RecordError
from vergeos_nb.forwarding import delivery, follower, syslog
from vergeos_nb.forwarding.delivery import Delivery
from vergeos_nb.forwarding.delivery_mark import waiting
from vergeos_nb.layout import run_id_of
from vergeos_nb.runner.headless import run as run_headless
from vergeos_nb.runner.recovery import recover
from vergeos_nb.settings import Secret

VARIABLE = "VERGEOS_NB_FORWARD"
PLANNED = ["opened", "found", "verdict", "verdict", "ended", "sealed"]
APPLIED = ["opened", "found", "verdict", "approved", "intent", "answer", "verdict", "ended", "sealed"]


@pytest.fixture
def received() -> Received:
    return Received()


def plan_and_apply(outputs: Path) -> Rehearsal:
    session = Rehearsal("stuck", outputs)
    digest = session.run(finish=True).fact("plan_digest")
    session.run(finish=True, approve=digest, approver="Kim", ticket="INC-8", reason="hung")
    return session


def deliver_it(outputs: Path, url: str) -> int:
    """Deliver the one run that waits, as soon as its own delivery has let go of it."""
    (run,) = waiting(outputs)
    return Delivery(outputs, Secret(url)).run(run, within_s=30)


def test_every_line_that_matters_of_a_run_and_its_seal_reach_the_receiver_in_their_order(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        plan_and_apply(tmp_path)
        received.wait_for("sealed", 2)
    assert received.events == [*PLANNED, *APPLIED]
    assert len(set(received.ids)) == len(received.ids)
    applied = received.messages[len(PLANNED) :]
    intent = applied[4]
    journal = [json.loads(line) for line in (tmp_path / "2026-09-22/run-2/journal.jsonl").open()]
    (line,) = (line for line in journal if line["event"] == "intent")
    assert intent == {
        "id": f"2026-09-22-run-2/{line['n']}", "run": "2026-09-22-run-2", "n": line["n"], "at": line["at"],
        "runbook": "force_power_off", "operator": journal[0]["operator"], "profile": "simulator",
        "vm": "web-01", "vm_key": 41, "ticket": "INC-8", "reason": "hung", "event": "intent",
        "method": "PUT", "path": "/api/v4/machine_status/46",
        "body": {"running": False, "migratable": True, "status": "stopped", "state": "offline"},
    }  # fmt: skip
    named = ("approver", "verdict", "ledger_line", "record")
    assert [applied[-1].get(name) for name in named] == ["Kim", "off", 2, "run-2"]
    assert (waiting(tmp_path), verify(tmp_path).findings) == ([], ())


def test_syslog_is_reached_over_a_unix_socket_a_stream_of_lines_udp_and_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    by_way: dict[str, Received] = {way: Received() for way in ("unix", "lines", "udp", "tls")}
    with (
        datagram_receiver(by_way["unix"], tmp_path / "d"),
        line_receiver(by_way["lines"], tmp_path / "s"),
        datagram_receiver(by_way["udp"]) as udp,
        stream_receiver(by_way["tls"], context=server) as tls,
    ):
        urls = {
            "unix": f"syslog+unix://{tmp_path}/d",
            "lines": f"syslog+unix://{tmp_path}/s",
            "udp": f"syslog+udp://127.0.0.1:{udp}",
            "tls": f"syslog+tls://localhost:{tls}",
        }
        for way, url in urls.items():
            monkeypatch.setenv(VARIABLE, url)
            Rehearsal("stuck", tmp_path / way).run(finish=True)
            by_way[way].wait_for("sealed")
    assert {way: one.events for way, one in by_way.items()} == dict.fromkeys(by_way, PLANNED)


def test_a_receiver_that_keeps_its_connections_open_has_the_messages_all_the_same(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received, closes=False) as port:
        monkeypatch.setattr(syslog, "CLOSE_WAIT_S", 0.05)
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        session = Rehearsal("stuck", tmp_path)
        session.run(finish=True)
        received.wait_for("sealed")
    assert (received.events, waiting(tmp_path)) == (PLANNED, [])


def test_a_receiver_whose_certificate_is_not_trusted_is_told_nothing(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(server)
    with stream_receiver(received, context=server) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tls://localhost:{port}")
        Rehearsal("stuck", tmp_path).run(finish=True)
        with pytest.raises(RecordError, match="certificate"):
            deliver_it(tmp_path, f"syslog+tls://localhost:{port}")
    assert received.messages == []


def test_a_collector_gets_json_and_neither_its_token_nor_a_password_is_in_any_message_or_file(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collector(received) as url:
        monkeypatch.setenv(VARIABLE, url)
        session = Rehearsal("stuck", tmp_path)
        session.run(finish=True, reason=f"the password is {PASSWORD}", ticket=f"see {url}")
        received.wait_for("sealed")
    assert received.events == PLANNED
    secrets = (PASSWORD, json.dumps(PASSWORD)[1:-1], API_KEY, "canary0collector0token")
    everything = [json.dumps(received.messages), caplog.text]
    everything += [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert [secret for secret in secrets for text in everything if secret in text] == []


def test_a_collector_that_says_no_has_not_taken_it(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with collector(received, status=503) as url:
        monkeypatch.setenv(VARIABLE, url)
        assert Rehearsal("stuck", tmp_path).run(finish=True).outcome == "planned"
    assert "the answer was 503" in caplog.text
    with collector(received) as url:
        assert deliver_it(tmp_path, url) == len(PLANNED)
    assert (received.events, waiting(tmp_path)) == (PLANNED, [])


def test_after_an_outage_in_the_middle_everything_comes_once_and_in_order(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PAUSES_S", (0.02,))
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        session = Rehearsal("stuck", tmp_path)
        digest = session.run(finish=True).fact("plan_digest")
        run = session.open(approve=digest, approver="Kim", finish=True)
        run.engine.run("connect")
        received.wait_for("opened", 2)
    for step in run.engine.steps[1:-1]:
        run.engine.run(step.id)
    with stream_receiver(received, port):
        received.wait_for("answer")
        run.engine.run(run.engine.steps[-1].id)
        run.end()
        received.wait_for("sealed", 2)
    assert received.events == [*PLANNED, *APPLIED]
    assert len(set(received.ids)) == len(received.ids)


def test_a_target_that_is_down_costs_a_run_nothing_and_the_record_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
    session = Rehearsal("stuck", tmp_path)
    run = session.open(finish=True)
    run.engine.run("connect")
    until = time.monotonic() + 20
    while not run._forwarding.trouble and time.monotonic() < until:
        threading.Event().wait(0.01)
    monkeypatch.setattr(telling, "FORWARD_WAIT_S", 1e9)
    state = run.end()
    assert state.not_forwarded == (
        f"forwarding to syslog at 127.0.0.1:{port} (TCP): Connection refused; nothing is lost: the next run "
        "or `vergeos-nb audit forward` delivers it"
    )
    assert "Connection refused" in (session.folder / "notebook.html").read_text()
    assert "not forwarded: Connection refused" in caplog.text
    assert (waiting(tmp_path), verify(tmp_path).findings) == (["2026-09-22-run-1"], ())


def test_a_target_that_never_answers_keeps_no_run_and_no_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delivery, "LIMIT_S", 30.0)
    monkeypatch.setattr(delivery, "DOUBT_S", 0.0)
    with silent_listener() as port:
        monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{port}/in")
        began = time.monotonic()
        session = Rehearsal("stuck", tmp_path)
        session.run(finish=True)
        session.run(finish=True)
        took_s = time.monotonic() - began
    assert "the target does not answer" in caplog.text
    # The limit of a request, and of the wait for a target in good order, is far from this.
    assert took_s < 20


def test_a_killed_run_is_delivered_by_its_recovery(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{free_port()}")
    session = Rehearsal("stuck", tmp_path)
    run = session.open()
    for step in run.engine.steps[:3]:
        run.engine.run(step.id)
    # What a kill leaves: a journal without an end, and half a line.
    run.journal.close()
    with (session.folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"n": 99, "at": "2026-09-22T15:1')
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        recover(session.folder, ask=False)
        received.wait_for("sealed")
    assert received.events == ["opened", "found", "interrupted", "sealed"]
    assert waiting(tmp_path) == []


KILLED = """if True:
    import sys, threading
    from pathlib import Path
    from tests.rehearsal import Rehearsal
    run = Rehearsal("stuck", Path(sys.argv[1])).open()
    for step in run.engine.steps[:5]:
        run.engine.run(step.id)
    threading.Event().wait()
"""


def test_a_run_that_is_killed_has_told_what_happened_and_its_recovery_tells_the_rest(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as process:
            try:
                received.wait_for("verdict", within_s=60)
            finally:
                process.kill()
        (folder,) = tmp_path.glob("2026-*/*")
        recover(folder, ask=False)
        received.wait_for("sealed")
    # The kill can come between the delivery of a message and the note of it: then it comes twice, by one id.
    once = {message["id"]: message["event"] for message in received.messages}
    assert list(once.values()) == ["opened", "found", "verdict", "interrupted", "sealed"]


def test_a_headless_run_is_told_from_its_kernel_and_from_the_process_that_seals_it(
    outputs: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port, served():
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        report = run_headless("force_power_off", NAME, outputs=outputs)
        received.wait_for("sealed")
    # A kernel on a busy machine can end between a message and the note of it: then it comes twice, by one id.
    once = {message["id"]: message["event"] for message in received.messages}
    assert list(once.values()) == PLANNED
    assert {message["run"] for message in received.messages} == {run_id_of(report.folder)}
    assert waiting(outputs) == []


def test_a_live_notebook_is_told_click_by_click_also_of_the_vm_that_was_chosen_on_a_card(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        sitting = Sitting("stuck", tmp_path, monkeypatch)
        sitting.click("connect")
        received.wait_for("opened")
        sitting.click("locate")
        received.wait_for("found")
        closing = sitting.live.close()
        closing.go.click()
        assert closing.job is not None
        assert closing.job.join(60)
        received.wait_for("sealed")
    assert received.events == ["opened", "found", "ended", "sealed"]
    assert [message.get("vm") for message in received.messages][1:] == ["web-01"] * 3
    assert waiting(tmp_path) == []


def test_a_fleet_and_each_of_its_runs_are_told(
    outputs: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        fleet = StuckFleet(outputs, 2)
        plan = fleet.plan()
        fleet.approve(plan)
        fleet.apply(plan, recorder=True)
        received.wait_for("sealed", 3)
    runs: dict[str, list[str]] = {}
    for message in received.messages:
        runs.setdefault(message["run"], []).append(message["event"])
    of_fleet, *of_vms = sorted(runs.values(), key=lambda events: "vm-began" not in events)
    of_each_vm = ["vm-began", "vm-ended"]
    assert of_fleet == ["opened", "approved", *of_each_vm, *of_each_vm, "verdict", "ended", "sealed"]
    assert of_vms == [APPLIED, APPLIED]
    assert waiting(outputs) == []


def test_the_next_run_delivers_what_an_earlier_one_could_not(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
    session = Rehearsal("stuck", tmp_path)
    session.run(finish=True)
    assert waiting(tmp_path) == ["2026-09-22-run-1"]
    with stream_receiver(received, port):
        monkeypatch.setattr(delivery, "RETRY_S", 0.0)
        run = session.open(finish=True)
        run.engine.run("connect")
        received.wait_for("sealed")
        run.end()
        received.wait_for("sealed", 2)
    of_run = [[m["event"] for m in received.messages if m["run"].endswith(f"-{n}")] for n in (1, 2)]
    assert of_run == [PLANNED, ["opened", "ended", "sealed"]]


def test_a_record_that_is_sealed_again_tells_only_what_is_new(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        session = Rehearsal("stuck", tmp_path)
        run = session.open(finish=True)
        run.engine.run("connect")
        run._at_exit()
        received.wait_for("sealed")
        before = len(received.messages)
        session.open(resume=True, finish=True).end()
        received.wait_for("sealed", 2)
    assert received.events[before:] == ["resumed", "ended", "sealed"]
    recover(session.folder, ask=False)
    assert waiting(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("syslog+tpc://h", "Did you mean 'syslog+tcp'"),
        ("syslog+tcp://", "it names no host"),
        ("syslog+unix://dev/log", "it names no socket"),
        ("http://log.example/canary0collector0token", "without TLS"),
        ("syslog+tcp://[::1", "not a valid URL"),
        ("nonsense", "is not a way there"),
    ],
)
def test_a_target_that_cannot_be_used_is_a_warning_that_reveals_nothing(
    tmp_path: Path,
    url: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(VARIABLE, url)
    assert Rehearsal("stuck", tmp_path).run(finish=True).outcome == "planned"
    assert "VERGEOS_NB_FORWARD" in caplog.text or why in caplog.text
    with pytest.raises(RecordError) as error:
        deliver_it(tmp_path, url)
    assert why in str(error.value)
    assert "canary0collector0token" not in str(error.value)


def test_without_a_target_nothing_is_made_and_no_thread_begins(tmp_path: Path) -> None:
    before = threading.active_count()
    Rehearsal("stuck", tmp_path).run(finish=True)
    assert (threading.active_count(), (tmp_path / "forwarding").exists()) == (before, False)


def test_the_thread_ends_with_its_runs(
    tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stream_receiver(received) as port:
        monkeypatch.setenv(VARIABLE, f"syslog+tcp://127.0.0.1:{port}")
        before = set(threading.enumerate())
        run = Rehearsal("stuck", tmp_path).open(finish=True)
        (thread,) = {one for one in threading.enumerate() if one.name == "forwarding"} - before
        run.end()
        thread.join(20)
    assert not thread.is_alive()
