"""Every door of every command: a platform that echoes credentials, and a person who types them elsewhere.

The password, API key and proxy password of the settings are canaries. Each command runs as a process of its
own, and then its output and every byte below the archive are searched for them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import command
from tests.served import QUICK
from vergeos_nb.masking import spellings
from vergeos_nb.simulator import Simulator
from vergeos_nb.simulator.faults.rules import Rule

PASSWORD = "canary-Pa55/+{x}'\"<&"
API_KEY = "canary0apikey0f00d0cafe"
PROXY = "canary0proxy0f00d"
FOREIGN = "abcdef0123456789abcdef"
TOKEN_LINE = f"client sent Authorization: Bearer {FOREIGN}"
WAITS = [word for name, value in QUICK.items() for word in ("-p", f"{name}={value}")]
EVERY = (*spellings(PASSWORD, "admin"), *spellings(API_KEY), *spellings(PROXY), FOREIGN)


class Site:
    """A system that echoes, the profile that reaches it, and what the commands on it have shown."""

    def __init__(self, simulator: Simulator, home: Path) -> None:
        self.simulator = simulator
        self.outputs = home / "archive"
        self.environ = {
            **os.environ, "HOME": str(home), "HTTPS_PROXY": f"http://jo:{PROXY}@proxy.example:3128",
            "VERGEOS_NB_OUTPUTS": str(self.outputs),
        }  # fmt: skip

    def call(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command, and look at all that it has shown and written."""
        done = command(*arguments, env={**self.environ, **environ}, cwd=self.environ["HOME"])
        assert "Traceback" not in done.stderr, done.stderr
        self.is_clean(done.stdout, done.stderr)
        return done

    def is_clean(self, *texts: str) -> None:
        """Search these texts, and names and bytes of every file of the archive."""
        for text in texts:
            assert [form for form in EVERY if form in text] == [], text
        for path in self.outputs.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            found = [form for form in EVERY if form.encode() in content or form in path.name]
            assert found == [], f"{path}: {content[:2000]!r}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    simulator = Simulator("stuck", vms=3, password=PASSWORD, api_key=API_KEY)
    world = simulator.world
    others = [key for key, row in world.tables["vms"].items() if row["name"] != simulator.vm_name]
    world.set_row("vms", others[0], name=f"db {PASSWORD}", description=TOKEN_LINE)
    world.set_row("vms", others[1], name=f"key {API_KEY}")
    world.set_row("system", next(iter(world.tables["system"])), cloud_name=f"lab {PASSWORD}")
    for row in list(world.tables.get("nodes", {})):
        world.set_row("nodes", row, name=f"node {row} {API_KEY}")
    with simulator.serve() as door:
        config = tmp_path / ".vrg" / "config.toml"
        config.parent.mkdir()
        quoted = json.dumps(PASSWORD)
        config.write_text(
            f'[profile.lab]\nhost = "{door.host}"\nusername = "admin"\npassword = {quoted}\n'
            f'ca_file = "{door.ca_file}"\n[profile.key]\nhost = "{door.host}"\napi_key = "{API_KEY}"\n'
            f'ca_file = "{door.ca_file}"\n'
        )
        config.chmod(0o600)
        yield Site(simulator, tmp_path)


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return data


def test_no_door_of_a_single_run_shows_or_keeps_a_secret(site: Site) -> None:
    """Holds off: what a platform echoes is sealed, or makes the record unsealable after the PUT."""
    said = f"refused for {PASSWORD}; {TOKEN_LINE}"
    site.simulator.faults.add(
        Rule("put", "PUT", "/api/v4/machine_status/*", status=500, text=said, execute=True)
    )
    for kind in ("lab", "key"):
        site.call("doctor", "--profile", kind)
        site.call("doctor", "--profile", kind, "--json")
    run = ("run", "force_power_off", "-p", "vm_name=web-01", *WAITS, "--profile", "lab", "--json")
    planned = answer(site.call(*run))
    assert planned["exit_code"] == 0
    applied = answer(site.call(*run, "--approve", planned["plan_digest"]))
    # What was answered with an error has been read back; the record is whole and sealed.
    assert (applied["exit_code"], applied["verdict"]) == (0, "off")
    assert answer(site.call("audit", "verify", "--json"))["exit_code"] == 0
    record = Path(applied["record"]).name
    site.call("audit", "list")
    site.call("audit", "list", "--csv")
    site.call("audit", "show", record, "--json")
    site.call("audit", "diff", Path(planned["record"]).name, record, "--json")
    for form in ("html", "md", "zip"):
        target = site.outputs / f"export.{form}"
        site.call("audit", "export", record, "--format", form, "-o", str(target))
    site.call("audit", "hold", record, "--reason", f"because of {PASSWORD}")
    site.call("audit", "release", record, "--reason", f"because of {API_KEY}")
    site.call("audit", "remove", record, "--reason", f"because of {PROXY}", "--yes")
    site.call("audit", "list", "--removed", "--json")
    site.call("audit", "verify")


def test_no_door_of_a_fleet_shows_or_keeps_a_secret(site: Site) -> None:
    """Holds off: `stuck` and the plans of fleets show what records mask."""
    for form in ((), ("--csv",), ("--json",)):
        site.call("stuck", "--profile", "lab", "--all", "--gap", "1.1", *form)
    plan = ("fleet", "plan", "--profile", "lab", *WAITS, "--json")
    refused = site.call(*plan, "--name", "web-01", "-p", f"reason=it is {PASSWORD}")
    assert (refused.returncode, "remove it from the parameters" in refused.stderr) == (3, True)
    done = site.call(*plan, "--name", "*b*")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = answer(done)
    left_out = {vm["left_out"] for vm in shown["vms"]}
    assert "its name holds a password or token, or looks like one" in left_out
    digest = shown["plan_digest"]
    site.call("fleet", "status", digest)
    site.call("fleet", "approve", digest, "--approver", f"Kim {PASSWORD}")
    done = site.call("fleet", "apply", digest, "--operator", f"I am {API_KEY} and Jo")
    assert done.returncode == 0, done.stdout + done.stderr
    site.call("fleet", "status", digest, "--json")


@pytest.mark.parametrize("secret", [PASSWORD, API_KEY])
def test_what_was_typed_in_the_wrong_place_is_neither_shown_nor_kept(site: Site, secret: str) -> None:
    """Holds off: a password typed as a name ends in the folder's name, the ledger and the index."""
    # It is harder to know for a secret where the profile does not use it.
    profile = "key" if secret == PASSWORD else "lab"
    named = ("run", "force_power_off", "-p", f"vm_name={secret}", *WAITS, "--profile", profile)
    assert site.call(*named).returncode in (2, 4)
    run = ("run", "force_power_off", "-p", "vm_name=web-01", "--profile", "lab")
    for typed in (f"ticket={secret}", f"{secret}=1", f"start_at={secret}", f"sample_gap_s={secret}"):
        site.call(*run, "-p", typed)
    site.call("run", secret)
    site.call("run", "force_power_off", "--profile", secret, "-p", "vm_name=web-01")
    site.call("run", "force_power_off", f"--{secret}", "--json")
    site.call("doctor", "--profile", secret)
    site.call("audit", "show", secret)
    site.call("fleet", "status", secret)
    site.call("stuck", "--sort", secret, "--profile", "lab")
    site.call("audit", "list", "--vm", secret, "--since", secret)
    assert answer(site.call("audit", "verify", "--json"))["exit_code"] == 0
    assert site.simulator.changing_requests() == []


@pytest.mark.parametrize("name", ["TIMEOUT", "VERIFY_SSL", "AUTH", "CA_FILE", "HOST"])
def test_an_error_of_the_settings_does_not_repeat_a_value_that_equals_the_password(
    site: Site, name: str
) -> None:
    secret = "canary-hunter2-word"
    environ = {
        "VERGE_HOST": "h.example",
        "VERGE_USERNAME": "jo",
        "VERGE_PASSWORD": secret,
        f"VERGE_{name}": secret,
    }
    # All commands read the settings in one place; two of them by turns.
    in_turn = name in ("TIMEOUT", "AUTH", "HOST")
    for words in (("doctor",),) if in_turn else (("run", "force_power_off", "-p", "vm_name=web-01"),):
        done = site.call(*words, "--profile", "env", "--json", **environ)
        assert secret not in done.stdout + done.stderr


def test_a_recording_of_the_simulator_holds_no_credential_whoever_says_it(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    simulator = Simulator("stuck", password=PASSWORD, api_key=API_KEY, record=path)
    simulator.faults.add(Rule("echo", "GET", "/api/v4/vms", text=f"no: {PASSWORD}", status=500))
    simulator.faults.add(Rule("page", "GET", "/api/v4/nodes", body=f"<p>{API_KEY}</p>", status=502))
    import httpx

    who = ("admin", PASSWORD)

    with httpx.Client(transport=simulator.transport(), base_url="https://h", auth=who) as client:
        client.get("/api/v4/vms", params={"filter": f"name eq '{PASSWORD}'"})
        client.get("/api/v4/nodes")
    simulator.close()
    text = path.read_text()
    assert [form for form in EVERY if form in text] == []
    assert "no: ***" in text, text
