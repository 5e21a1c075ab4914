"""How this machine reaches a host: trusted authorities, time limits, the HTTP client.

httpx is told everything and reads nothing from the environment itself (``trust_env=False``).
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from vergeos_nb.client.transport.proxies import proxy_for
from vergeos_nb.errors import SettingsError
from vergeos_nb.settings import AmbientNetwork, Profile, Secret, ambient_network, normal_host, split_host
from vergeos_nb.version import __version__

LONGEST_CONNECT_S = 10.0
"""Seconds. A host that has not accepted the connection by then is down or blocked. A longer time limit of
the request does not help."""
_NOTHING_SAID = AmbientNetwork()


def tls_context(profile: Profile, network: AmbientNetwork) -> ssl.SSLContext:
    """The authorities that the server's certificate is checked against.

    The profile's CA file alone, if it names one; otherwise the machine's CA variables; otherwise the system's
    authorities, or certifi's if the system has none.

    Raises:
        SettingsError: a CA file or directory cannot be read or holds no certificate.
    """
    return _modern(_checking(profile, network))


def _modern(context: ssl.SSLContext) -> ssl.SSLContext:
    # Set here, because Python's default depends on the distribution: Debian's accepts any.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _checking(profile: Profile, network: AmbientNetwork) -> ssl.SSLContext:
    if not profile.verify:
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        return unchecked
    if profile.ca_file is not None:
        return _trusting(profile.ca_file, (), f"the CA file of the profile {profile.name!r}")
    return _trusting_the_machines(network)


def _trusting_the_machines(network: AmbientNetwork) -> ssl.SSLContext:
    if network.ca_file is not None or network.ca_dirs:
        return _trusting(network.ca_file, network.ca_dirs, network.ca_source)
    return _trusting_the_system()


def _trusting(ca_file: Path | None, ca_dirs: Sequence[Path], named: str) -> ssl.SSLContext:
    there = [path for path in ca_dirs if path.is_dir()]
    if ca_file is not None and not ca_file.is_file():
        raise _no_such(named, ca_file)
    if ca_dirs and not there:
        raise _no_such(named, *ca_dirs)
    context = _context()
    if sys.version_info >= (3, 13):
        # As `ssl.create_default_context` does there.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    try:
        if ca_file is not None:
            context.load_verify_locations(cafile=ca_file)
        for path in there:
            context.load_verify_locations(capath=path)
    except ssl.SSLError as failure:
        raise SettingsError(
            f"reading {named}", f"{ca_file} holds no certificate in PEM form", "give the authority's PEM file"
        ) from failure
    except OSError as failure:
        came_back = f"{ca_file}: {failure.strerror or failure}"
        raise SettingsError(f"reading {named}", came_back, "make the file readable") from failure
    return context


def _no_such(named: str, *paths: Path) -> SettingsError:
    told = " and ".join(str(path) for path in paths)
    missing = f"{told} does not exist" if len(paths) == 1 else f"none of {told} exists"
    return SettingsError(f"reading {named}", missing, "correct the path or unset it")


def _trusting_the_system() -> ssl.SSLContext:
    context = _context()
    if sys.platform == "win32":
        context.load_default_certs()
    # The compiled-in places: OpenSSL's own defaults would read SSL_CERT_FILE past our one place for it.
    places = ssl.get_default_verify_paths()
    if Path(places.openssl_cafile).is_file():
        context.load_verify_locations(cafile=places.openssl_cafile)
    listed = [Path(one) for one in places.openssl_capath.split(os.pathsep)]
    if full := [path for path in listed if path.is_dir() and any(path.iterdir())]:
        for path in full:
            context.load_verify_locations(capath=path)
    elif not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _context() -> ssl.SSLContext:
    """A context that checks certificates, trusts nobody yet, and never logs a key.

    `ssl.create_default_context` would write the keys of each connection to the file that ``SSLKEYLOGFILE``
    names, and fail if it cannot. A reader of that file could read the password.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def machines_tls_context(network: AmbientNetwork) -> ssl.SSLContext:
    """For other services than the platform: the machine's own authorities.

    Raises:
        SettingsError: they cannot be read.
    """
    return _modern(_trusting_the_machines(network))


def time_limits(seconds: float) -> httpx.Timeout:
    """Limits for connecting and for each silence within a request of at most this long."""
    return httpx.Timeout(seconds, connect=min(seconds, LONGEST_CONNECT_S))


def new_client(
    profile: Profile,
    proxy: Secret | None,
    tls: ssl.SSLContext | None,
    *,
    keep_alive: bool,
    transport: httpx.BaseTransport | None,
    network: AmbientNetwork = _NOTHING_SAID,
) -> httpx.Client:
    """An HTTP client for this profile that sends once, follows nothing and keeps no cookie.

    Its requests have a limit as a whole inside `deadline.within` only.

    Args:
        network: whose authorities an https proxy's certificate is checked against.
        keep_alive: whether connections are used again. Without it every request opens its own, so that none
            is lost on a connection that the server has closed meanwhile.
        tls: made here if it is None and is needed.
        transport: replaces the network.

    Raises:
        SettingsError: the proxy's URL cannot be used.
    """
    limits = httpx.Limits(max_connections=4, max_keepalive_connections=2 if keep_alive else 0)
    name, _ = split_host(profile.host)
    address, _, zone = name.partition("%")
    try:
        if transport is None:
            way = _by_way_of(proxy, network) if proxy else None
            transport = _limited(
                verify=tls or tls_context(profile, network), proxy=way, limits=limits, trust_env=False
            )
        return httpx.Client(
            base_url=f"https://{profile.host}",
            headers={
                "User-Agent": f"vergeos-nb/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip",  # the one that `decoding` undoes within bounds
                # A zone means something on this machine only.
                **({"Host": profile.host.replace(f"%{zone}", "")} if zone else {}),
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=time_limits(profile.timeout_s),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            event_hooks={"request": [_checked_as(address)]} if zone else {},
        )
    except (ValueError, ImportError, httpx.InvalidURL) as failure:
        kind = type(failure).__name__
        raise SettingsError(
            "using the proxy that HTTPS_PROXY or ALL_PROXY names",
            f"it cannot be used ({kind})",
            "write it as http://host:port, or add the VergeOS host to NO_PROXY. SOCKS proxies do not work.",
        ) from None


def _limited(**options: Any) -> httpx.BaseTransport:
    # Only for a network: it loads httpcore, without which the built-in simulator is reached.
    from vergeos_nb.client.transport.limited import Transport

    return Transport(**options)


def outside_client(url: str, seconds: float, network: AmbientNetwork | None = None) -> httpx.Client:
    """An HTTP client for another service than the platform, such as a webhook, on the machine's own terms.

    Its requests have a limit as a whole inside `deadline.within` only.

    Args:
        url: the request's URL, which decides whether a proxy is used.
        seconds: limit for each silence within a request.

    Raises:
        SettingsError: the machine's authorities cannot be read.
        httpx.InvalidURL, ValueError, ImportError: the proxy or the URL cannot be used.
    """
    ambient = ambient_network() if network is None else network
    parts = urlsplit(url)
    host = normal_host(parts.netloc.rpartition("@")[2])
    proxy = proxy_for(host, ambient, scheme=parts.scheme.lower())
    way = _by_way_of(proxy, ambient) if proxy else None
    return httpx.Client(
        headers={"User-Agent": f"vergeos-nb/{__version__}", "Accept-Encoding": "gzip"},
        transport=_limited(verify=machines_tls_context(ambient), proxy=way, trust_env=False),
        timeout=seconds,
        follow_redirects=False,
        trust_env=False,
    )


def _by_way_of(proxy: Secret, network: AmbientNetwork) -> httpx.Proxy:
    url = httpx.URL(proxy.reveal())
    checked = machines_tls_context(network) if url.scheme == "https" else None
    return httpx.Proxy(url, ssl_context=checked)


def _checked_as(address: str) -> Callable[[httpx.Request], None]:
    """Has the certificate checked for the address itself, without the zone that a socket needs."""

    def hook(request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "sni_hostname": address}

    return hook
