"""Which proxy and which authorities are used for a host."""

from __future__ import annotations

import ssl

import pytest

from vergeos_nb.client.network import proxy_address, proxy_for, proxy_secrets, tls_context
from vergeos_nb.errors import SettingsError
from vergeos_nb.settings import AmbientNetwork, Secret

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


@pytest.mark.parametrize("verify", [True, False])
def test_no_version_of_tls_before_1_2_is_spoken_whatever_the_machine_allows(
    make_profile, monkeypatch, verify
):
    # Debian's Python takes whatever its OpenSSL does.
    allowed = ssl.TLSVersion.MINIMUM_SUPPORTED
    default = ssl.create_default_context

    def lax(*args, **options):
        context = default(*args, **options)
        context.minimum_version = allowed
        return context

    monkeypatch.setattr(ssl, "create_default_context", lax)
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
    with pytest.raises(SettingsError, match="read the CA file of the profile 'lab'.*holds no certificate"):
        tls_context(make_profile(ca_file=empty), AmbientNetwork())
    with pytest.raises(SettingsError, match="read SSL_CERT_FILE.*does not exist"):
        tls_context(make_profile(), AmbientNetwork(ca_file=tmp_path / "no.pem", ca_source="SSL_CERT_FILE"))
