"""Which proxy and which authorities are used for a host."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys

import httpx
import pytest

from vergeos_nb.client.transport import network
from vergeos_nb.client.transport.network import tls_context
from vergeos_nb.client.transport.proxies import proxy_address, proxy_for, proxy_secrets
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.errors import SettingsError
from vergeos_nb.settings import AmbientNetwork, Credentials, Profile, Secret, ambient_network, normal_host
from vergeos_nb.simulator import Simulator

PROXY = Secret("http://user:canary@proxy.example:3128")


@pytest.mark.parametrize(
    ("host", "no_proxy", "used"),
    [
        ("lab.example", (), True),
        ("lab.example:8443", (), True),
        ("localhost:8443", (), False),
        ("a.localhost", (), False),
        ("127.0.0.1:8443", (), False),
        ("127.9.9.9", (), False),
        ("[::1]:8443", (), False),
        ("lab.example", ("*",), False),
        ("lab.example", ("lab.example",), False),
        ("lab.example", ("LAB.example",), False),
        ("a.lab.example", (".lab.example",), False),
        ("a.lab.example", ("lab.example",), False),
        ("a.lab.example", ("*.lab.example",), False),
        ("notlab.example", ("lab.example",), True),
        ("lab.example:8443", ("lab.example:8443",), False),
        ("lab.example:8443", ("lab.example:443",), True),
        ("10.1.2.3", ("10.0.0.0/8",), False),
        ("11.1.2.3", ("10.0.0.0/8",), True),
        ("lab.example", ("10.0.0.0/8",), True),
        ("lab.example", ("lab.example.",), False),
        ("lab.example", ("LAB.Example.:443",), False),
        ("lab.example", ("https://lab.example/",), False),
        ("lab.example", ("http://lab.example",), True),
        ("lab.example", ("*lab.example",), False),
        ("notlab.example", ("*lab.example",), True),
        ("xn--bcher-kva.example", ("bücher.example",), False),
        ("a.xn--bcher-kva.example", (".BÜCHER.example",), False),
        ("xn--bcher-kva.example", ("XN--bcher-kva.example",), False),
        ("[fd00::1]", ("[fd00::1]",), False),
        ("[fd00::1]", ("FD00:0::1",), False),
        ("[fd00::1]:8443", ("[fd00::1]:8443",), False),
        ("[fd00::1]:8443", ("[fd00::1]:443",), True),
        ("[fd00::1]", ("fd00::/8",), False),
        ("[fd00::1]", ("[fd00::]/8",), False),
        ("[fd00::1]", ("fe80::/10", "10.0.0.0/8"), True),
        ("[fe80::1%eth0]", ("fe80::1",), False),
        ("[fe80::1%eth0]", ("[fe80::1%eth0]",), False),
        ("[fe80::1%eth0]", ("fe80::1%eth1",), True),
        ("10.1.2.3", ("10.1.2.3",), False),
        ("10.1.2.3:8443", ("10.1.2.3:8443",), False),
        ("10.1.2.3", ("2.3", ".3"), True),
        ("lab.example", ("", ".", "*.", "/", "[", "a:b:c", "lab.example:x"), True),
    ],
)
def test_a_proxy_is_used_but_for_loopback_and_what_is_exempt(host, no_proxy, used):
    found = proxy_for(host, AmbientNetwork(https_proxy=PROXY, no_proxy=no_proxy))
    assert (found is not None) is used


def test_without_a_proxy_the_way_is_direct():
    assert proxy_for("lab.example", AmbientNetwork()) is None


def test_a_proxy_is_shown_by_host_and_port_only():
    assert proxy_address(PROXY) == "proxy.example:3128"
    assert proxy_secrets(PROXY) == ("user:canary", "canary")
    bare = proxy_for("lab.example", AmbientNetwork(https_proxy=Secret("proxy.example:8080")))
    assert bare is not None
    assert proxy_address(bare) == "proxy.example:8080"


@pytest.mark.parametrize("url", ["socks5://canary@proxy.example", "ftp://canary@x", "http://canary@x:port"])
def test_a_proxy_that_cannot_be_used_stops_at_once_without_being_shown(make_wire, make_profile, url):
    with pytest.raises(SettingsError) as caught:
        make_wire(profile=make_profile("lab.example"), network=AmbientNetwork(https_proxy=Secret(url)))
    assert "canary" not in str(caught.value)


def test_checks_are_on_unless_the_profile_opts_out(make_profile):
    checked = tls_context(make_profile(), AmbientNetwork())
    unchecked = tls_context(make_profile(verify=False), AmbientNetwork())
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)


TALK = """
from pathlib import Path
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.client.transport.network import outside_client, tls_context
from vergeos_nb.settings import AmbientNetwork, Credentials, Profile, Secret
from vergeos_nb.simulator import Simulator
simulator, nothing = Simulator(), AmbientNetwork()
with simulator.serve() as door:
    login = Credentials("basic", simulator.username, Secret(simulator.password))
    trusting = Profile("lab", door.host, login, ca_file=Path(door.ca_file))
    with VergeApi(Wire(trusting, network=nothing)) as api:
        print(api.system().simulated)
    for one in (trusting, Profile("lab", "lab", login), Profile("lab", "lab", login, verify=False)):
        print(tls_context(one, nothing).keylog_filename)
outside_client("https://hook.example", 1.0, AmbientNetwork(https_proxy=Secret("https://p.example"))).close()
"""


@pytest.mark.parametrize("place", ["writable", "forbidden"])
def test_tls_keys_are_never_logged_and_the_variable_for_it_breaks_nothing(tmp_path, place):
    """Holds off: SSLKEYLOGFILE making a good CA file "hold no certificate", or logging keys in silence."""
    log = tmp_path / "keys" if place == "writable" else tmp_path / "none" / "keys"
    # A process of its own: libraries make contexts once, and keep them.
    done = subprocess.run(
        [sys.executable, "-c", TALK],
        env={**os.environ, "SSLKEYLOGFILE": str(log)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.split(), done.stderr) == (["True", "None", "None", "None"], "")
    assert not log.exists()


def test_every_directory_of_a_list_is_trusted_and_those_that_are_missing_are_passed_over(tmp_path):
    """Holds off: SSL_CERT_DIR=a:b being refused as one path that does not exist."""
    simulator = Simulator()
    with simulator.serve() as door:
        hashed = tmp_path / "certs"
        hashed.mkdir()
        command = ["openssl", "x509", "-noout", "-hash", "-in", door.ca_file]
        name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        shutil.copy(door.ca_file, hashed / f"{name}.0")
        (tmp_path / "other").mkdir()
        listed = ambient_network({"SSL_CERT_DIR": f"{tmp_path}/none:{tmp_path}/other:{hashed}"})
        login = Credentials("basic", simulator.username, Secret(simulator.password))
        with VergeApi(Wire(Profile("lab", door.host, login), network=listed)) as api:
            assert api.system().simulated
    missing = ambient_network({"SSL_CERT_DIR": f"{tmp_path}/none:{tmp_path}/nothing"})
    with pytest.raises(SettingsError, match="reading SSL_CERT_DIR.*none of .*/none and .*/nothing exists"):
        tls_context(Profile("lab", "lab.example", login), missing)


def test_a_zone_reaches_the_socket_and_nobody_else(make_profile):
    """Holds off: "[fe80::1%eth0]" holds a path; and a zone of ours in a header or a certificate's check."""
    seen = []

    def answer(request):
        seen.append((request.url.host, request.headers["host"], request.extensions.get("sni_hostname")))
        return httpx.Response(200, json=[], headers={"server": "x"})

    profile = make_profile(host=normal_host("[FE80::1%25eth0]:8443"))
    with Wire(profile, network=AmbientNetwork(), transport=httpx.MockTransport(answer)) as wire:
        wire.read("vms")
    assert seen == [("fe80::1%eth0", "[fe80::1]:8443", "fe80::1")]


@pytest.mark.parametrize("verify", [True, False])
def test_no_version_of_tls_before_1_2_is_spoken_whatever_the_machine_allows(
    make_profile, monkeypatch, verify
):
    # Debian's Python takes whatever its OpenSSL does.
    allowed = ssl.TLSVersion.MINIMUM_SUPPORTED
    plain = network._context

    def lax():
        context = plain()
        context.minimum_version = allowed
        return context

    monkeypatch.setattr(network, "_context", lax)
    context = tls_context(make_profile(verify=verify), AmbientNetwork())
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_profiles_ca_file_is_trusted_alone(make_profile, ca_file, tmp_path):
    ambient = AmbientNetwork(ca_file=tmp_path / "does-not-matter.pem")
    context = tls_context(make_profile(ca_file=ca_file), ambient)
    assert [dict(entry[0] for entry in one["subject"]) for one in context.get_ca_certs()] != []
    assert len(context.get_ca_certs()) == 1


def test_the_machines_ca_variables_come_next(make_profile, ca_file):
    context = tls_context(make_profile(), AmbientNetwork(ca_file=ca_file, ca_source="SSL_CERT_FILE"))
    assert len(context.get_ca_certs()) == 1


def test_a_ca_file_that_cannot_be_read_names_the_setting(make_profile, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(SettingsError, match="reading the CA file of the profile 'lab'.*holds no certificate"):
        tls_context(make_profile(ca_file=empty), AmbientNetwork())
    with pytest.raises(SettingsError, match="reading SSL_CERT_FILE.*does not exist"):
        tls_context(make_profile(), AmbientNetwork(ca_file=tmp_path / "no.pem", ca_source="SSL_CERT_FILE"))
