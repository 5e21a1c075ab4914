"""Both doors lead to one core and fail as a network would."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.simulator.simhelp import OVERRIDE
from vergeos_nb.simulator import Simulator, SteppedClock, replay, serve_forever
from vergeos_nb.simulator.faults.rules import Rule


def connect(sim, door, **options):
    context = ssl.create_default_context(cafile=door.ca_file)
    auth = (sim.username, sim.password)
    return httpx.Client(base_url=door.url, verify=context, auth=auth, trust_env=False, **options)


def test_importing_the_simulator_loads_nothing_heavy():
    code = (
        "import sys, vergeos_nb.simulator as s; s.Simulator();"
        "print([m for m in ('lark','tornado','trustme','httpx','cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_socket_gives_the_same_answer_as_the_process():
    sim = Simulator("stuck", clock=SteppedClock())
    with httpx.Client(transport=sim.transport(), auth=(sim.username, sim.password)) as inside:
        expected = inside.get("https://sim/api/v4/vms", params={"fields": "most"})
    with sim.serve() as door, connect(sim, door) as outside:
        actual = outside.get("/api/v4/vms", params={"fields": "most"})
    assert actual.json() == expected.json()
    assert actual.headers["server"] == expected.headers["server"] == "vergeos-nb-simulator"
    assert actual.headers["date"] == expected.headers["date"] == "Tue, 22 Sep 2026 15:13:20 GMT"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_good_for_the_loopback_names(host):
    sim = Simulator("healthy")
    with sim.serve() as door:
        context = ssl.create_default_context(cafile=door.ca_file)
        answer = httpx.get(f"https://{host}:{door.port}/version.json", verify=context, trust_env=False)
    assert answer.status_code == 200


def test_nobody_else_trusts_the_certificate():
    sim = Simulator("healthy")
    with sim.serve() as door, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(door.url, trust_env=False)


def test_the_ca_file_lives_as_long_as_the_door():
    sim = Simulator("healthy")
    with sim.serve() as door:
        path = Path(door.ca_file)
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text()
    assert mode == 0o644
    assert "PRIVATE KEY" not in text
    assert not path.exists()
    assert not path.parent.exists()


def test_a_dropped_connection_and_a_truncated_answer_reach_a_socket_client():
    sim = Simulator("unanswered")
    sim.faults.add(Rule("cut", "GET", "/api/v4/vms", drop="truncate"))
    with sim.serve() as door, connect(sim, door) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.put("/api/v4/machine_status/46", json=OVERRIDE)
        assert client.get("/api/v4/machine_status/46?fields=status").json() == {"status": "stopped"}
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            client.get("/api/v4/vms?fields=most")


def test_unencoded_text_and_a_head_request_are_understood_over_the_socket():
    sim = Simulator("odd_names")
    with sim.serve() as door:
        context = ssl.create_default_context(cafile=door.ca_file)
        line = "GET /api/v4/vms?filter=name%20eq%20'bücher-łódź-数据-🙂'&fields=name HTTP/1.1\r\n"
        head = f"Host: x\r\nAuthorization: Bearer {sim.api_key}\r\nConnection: close\r\n\r\n"
        with (
            socket.create_connection(("127.0.0.1", door.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as wire,
        ):
            wire.sendall((line + head).encode())
            answer = b""
            while part := wire.recv(65536):
                answer += part
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == [{"name": "bücher-łódź-数据-🙂"}]
        with connect(sim, door) as client:
            assert client.head("/api/v4/vms").status_code == 405
            assert client.get("/api/v4/vms/41").status_code == 200


def test_a_late_answer_is_a_read_timeout_for_a_socket_client_and_was_executed():
    sim = Simulator("stuck")
    sim.faults.add(Rule("late", "PUT", delay=60))
    with (
        sim.serve() as door,
        # The time to connect is not what is tested, and on a busy machine takes longer.
        connect(sim, door, timeout=httpx.Timeout(60, read=0.3)) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.put("/api/v4/machine_status/46", json=OVERRIDE)
    assert sim.world.status_of("web-01")["status"] == "stopped"


def test_in_process_a_delay_moves_the_stepped_clock_or_times_out():
    sim = Simulator("stuck", clock=SteppedClock())
    sim.faults.add(Rule("late", "GET", delay=3))
    auth = (sim.username, sim.password)
    client = httpx.Client(transport=sim.transport(), base_url="https://sim", auth=auth)
    assert client.get("/api/v4/system", timeout=10).status_code == 200
    assert sim.clock.now() == 1790090003.0
    with pytest.raises(httpx.ReadTimeout):
        client.get("/api/v4/system", timeout=1)
    assert sim.clock.now() == 1790090003.0


def test_only_loopback_is_bound_without_consent():
    with pytest.raises(ValueError, match="not a loopback address"):
        Simulator().serve(host="0.0.0.0")
    with pytest.warns(UserWarning, match="can be reached by other machines"):
        Simulator().serve(host="0.0.0.0", allow_remote=True)


def test_a_port_in_use_is_an_os_error_and_leaves_nothing_behind():
    sim = Simulator()
    with sim.serve() as door:
        other = sim.serve(port=door.port)
        with pytest.raises(OSError, match="in use"):
            other.open()
        assert not other.ca_file or not Path(other.ca_file).exists()


def test_serving_announces_itself_once_and_ends_on_sigterm(tmp_path):
    code = (
        "import json\n"
        "from vergeos_nb.simulator import serve_forever\n"
        "serve_forever(scenario='zombie', announce=lambda d: print(json.dumps(d), flush=True))\n"
        "print('ended')\n"
    )
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        line = json.loads(child.stdout.readline())
        context = ssl.create_default_context(cafile=line["ca_file"])
        answer = httpx.get(
            f"{line['url']}/api/v4/vms", params={"filter": f"name eq '{line['vm_name']}'"}, verify=context,
            headers={"Authorization": f"Bearer {line['api_key']}"}, trust_env=False,
        )  # fmt: skip
        assert answer.json() == [{"$key": 41, "name": "web-01"}]
        assert (line["pid"], line["scenario"]) == (child.pid, "zombie")
        assert sorted(line) == sorted(
            ["host", "url", "ca_file", "username", "password", "api_key", "pid", "scenario", "vm_name"]
        )
        child.terminate()
        rest, _ = child.communicate(timeout=10)
        assert (rest, child.returncode) == ("ended\n", 0)
        assert not Path(line["ca_file"]).exists()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def test_serving_takes_a_file_of_faults_and_records(tmp_path):
    faults, record = tmp_path / "faults.toml", tmp_path / "run.jsonl"
    faults.write_text('[[rule]]\npath = "/api/v4/nodes"\nstatus = 503\n')
    seen = []

    def use(line):
        context = ssl.create_default_context(cafile=line["ca_file"])
        auth = (line["username"], line["password"])
        with httpx.Client(base_url=line["url"], verify=context, auth=auth, trust_env=False) as client:
            seen.extend(client.get(f"/api/v4/{path}").status_code for path in ("nodes", "system"))
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    serve_forever(scenario="stuck", announce=use, faults=faults, record=record)
    assert seen == [503, 200]
    assert signal.getsignal(signal.SIGTERM) is before
    assert [json.loads(line).get("status") for line in record.read_text().splitlines()] == [None, 503, 200]
    assert replay(record) == []
