"""How this machine reaches a host: trusted authorities, proxies and time limits, decided in one place.

httpx is told everything and reads nothing from the environment itself (``trust_env=False``).
"""

from __future__ import annotations

import ssl
import sys
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from vergeos_nb import __version__
from vergeos_nb.errors import SettingsError
from vergeos_nb.masking import secrets_of_url
from vergeos_nb.settings import AmbientNetwork, Profile, Secret

LONGEST_CONNECT_S = 10.0
"""A host that has not taken the connection by then is down or blocked, whatever the request's own limit."""


def tls_context(profile: Profile, network: AmbientNetwork) -> ssl.SSLContext:
    """What the server's certificate is checked against.

    The profile's CA file alone where it names one; otherwise the machine's CA variables; otherwise the
    system's authorities, or certifi's where the system has none.

    Raises:
        SettingsError: a CA file or directory cannot be read or holds no certificate.
    """
    context = _checking(profile, network)
    # Said here, because what Python takes by default is the distribution's choice: Debian's takes any.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _checking(profile: Profile, network: AmbientNetwork) -> ssl.SSLContext:
    if not profile.verify:
        unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        return unchecked
    if profile.ca_file is not None:
        return _trusting(profile.ca_file, None, f"the CA file of the profile {profile.name!r}")
    if network.ca_file is not None or network.ca_dir is not None:
        return _trusting(network.ca_file, network.ca_dir, network.ca_source)
    return _trusting_the_system()


def _trusting(ca_file: Path | None, ca_dir: Path | None, named: str) -> ssl.SSLContext:
    for path, is_there in ((ca_file, Path.is_file), (ca_dir, Path.is_dir)):
        if path is not None and not is_there(path):
            raise SettingsError(f"read {named}", f"{path} does not exist", "correct the path or unset it.")
    try:
        return ssl.create_default_context(cafile=ca_file, capath=ca_dir)
    except OSError as failure:  # ssl.SSLError is one
        raise SettingsError(
            f"read {named}", f"{ca_file} holds no certificate in PEM form", "give the authority's PEM file."
        ) from failure


def _trusting_the_system() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if sys.platform == "win32":
        context.load_default_certs()
    # The compiled-in places: OpenSSL's own defaults would read SSL_CERT_FILE past our one place for it.
    places = ssl.get_default_verify_paths()
    if Path(places.openssl_cafile).is_file():
        context.load_verify_locations(cafile=places.openssl_cafile)
    if Path(places.openssl_capath).is_dir() and any(Path(places.openssl_capath).iterdir()):
        context.load_verify_locations(capath=places.openssl_capath)
    elif not context.cert_store_stats()["x509_ca"]:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def split_host(host: str) -> tuple[str, int]:
    """Name or address, and port, of a profile's host."""
    parts = urlsplit(f"//{host}")
    return parts.hostname or "", parts.port or 443


def is_loopback(name: str) -> bool:
    """Whether this name or address is this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def proxy_for(host: str, network: AmbientNetwork) -> Secret | None:
    """The proxy's URL for this host, or None for the direct way. Loopback hosts never go through one."""
    name, port = split_host(host)
    if network.https_proxy is None or is_loopback(name):
        return None
    if any(_exempts(pattern, name, port) for pattern in network.no_proxy):
        return None
    url = network.https_proxy.reveal()
    return Secret(url if "://" in url else f"http://{url}", is_url=True)


def _exempts(pattern: str, name: str, port: int) -> bool:
    if pattern == "*":
        return True
    try:
        return ip_address(name) in ip_network(pattern, strict=False)
    except ValueError:
        pass
    wanted, _, wanted_port = pattern.lower().partition(":")
    if wanted_port and wanted_port != str(port):
        return False
    suffix = wanted.removeprefix("*").lstrip(".")
    return bool(suffix) and (name == suffix or name.endswith(f".{suffix}"))


def proxy_address(proxy: Secret) -> str:
    """Host and port of a proxy, without its user and password."""
    parts = urlsplit(proxy.reveal())
    try:
        return f"{parts.hostname}:{parts.port or 80}"
    except ValueError:
        return "with an address that cannot be read"


def proxy_secrets(proxy: Secret | None) -> tuple[str, ...]:
    """The texts in a proxy's URL that must not be shown."""
    if proxy is None:
        return ()
    return secrets_of_url(proxy.reveal())


def time_limits(seconds: float) -> httpx.Timeout:
    """Limits for connecting and for each silence within a request of at most this long."""
    return httpx.Timeout(seconds, connect=min(seconds, LONGEST_CONNECT_S))


def new_client(
    profile: Profile,
    proxy: Secret | None,
    tls: ssl.SSLContext,
    *,
    keep_alive: bool,
    transport: httpx.BaseTransport | None,
) -> httpx.Client:
    """An HTTP client for this profile that sends once, follows nothing and keeps no cookie.

    Args:
        keep_alive: whether connections are used again. Without it every request opens its own, so that none
            is lost on a connection that the server has closed meanwhile.
        transport: stands in for the network.

    Raises:
        SettingsError: the proxy's URL cannot be used.
    """
    try:
        return httpx.Client(
            base_url=f"https://{profile.host}",
            headers={"User-Agent": f"vergeos-nb/{__version__}", "Accept": "application/json"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            verify=tls,
            proxy=httpx.Proxy(proxy.reveal()) if proxy and transport is None else None,
            timeout=time_limits(profile.timeout_s),
            limits=httpx.Limits(max_connections=4, max_keepalive_connections=2 if keep_alive else 0),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )
    except (ValueError, ImportError, httpx.InvalidURL) as failure:
        kind = type(failure).__name__
        raise SettingsError(
            "use the proxy that HTTPS_PROXY or ALL_PROXY names",
            f"it cannot be used ({kind})",
            "write it as http://host:port, or add the VergeOS host to NO_PROXY. SOCKS proxies do not work.",
        ) from None
