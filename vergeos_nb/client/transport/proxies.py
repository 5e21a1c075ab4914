"""The proxy for a host, from ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``.

``NO_PROXY`` may hold everything that curl, requests or httpx accept:

- ``*`` for every host,
- a name, also with a leading dot or ``*.``, for itself and all names below it,
- an address, also in brackets, or a network such as ``10.0.0.0/8``,
- each of these with a port, or as a URL.

Upper and lower case, a trailing dot, and the two spellings of an international name are the same.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

from vergeos_nb.masking import secrets_of_url
from vergeos_nb.settings import AmbientNetwork, Secret
from vergeos_nb.settings.host import address_of, is_loopback, normal_name, split_host

_DEFAULT_PORTS = {"http": 80, "https": 443}
# The part before a port: an address in brackets, or anything without a colon.
_PATTERN = re.compile(r"(?P<name>\[[^\]]*\](?:/\d+)?|[^:]*)(?::(?P<port>\d+))?")


def proxy_for(host: str, network: AmbientNetwork, scheme: str = "https") -> Secret | None:
    """The URL of this host's proxy; None for a direct connection. A loopback host never has a proxy.

    Args:
        host: in normal form.
    """
    name, port = split_host(host)
    proxy = network.http_proxy if scheme == "http" else network.https_proxy
    if proxy is None or is_loopback(name):
        return None
    if any(_exempts(pattern, name, port, scheme) for pattern in network.no_proxy):
        return None
    url = proxy.reveal()
    return Secret(url if "://" in url else f"http://{url}")


def _exempts(pattern: str, name: str, port: int, scheme: str) -> bool:
    if pattern == "*":
        return True
    only, separator, rest = pattern.rpartition("://")
    if separator and only.lower() not in (scheme, "all"):
        return False
    rest = rest.removesuffix("/")
    address = address_of(name)
    if address is not None and _holds(rest, address):
        return True
    parts = _PATTERN.fullmatch(rest)
    if parts is None or (parts["port"] and int(parts["port"]) != port):
        return False
    if address is not None:
        return _holds(parts["name"], address)
    return _is_below(parts["name"], name)


def _holds(pattern: str, address: IPv4Address | IPv6Address) -> bool:
    """Whether a pattern without a port is this address, or a network that holds it."""
    bare, slash, bits = pattern.partition("/")
    bare, _, zone = bare.removeprefix("[").removesuffix("]").partition("%")
    if zone and zone != getattr(address, "scope_id", None):
        return False
    try:
        if not slash and ":" not in bare:
            bare = normal_name(bare)
        return address in ip_network(f"{bare}{slash}{bits.removesuffix(']')}", strict=False)
    except ValueError:
        return False


def _is_below(pattern: str, name: str) -> bool:
    """Whether a name is the pattern's domain or below it."""
    try:
        domain = normal_name(pattern.removeprefix("*").lstrip("."))
    except ValueError:
        return False
    return name == domain or name.endswith(f".{domain}")


def proxy_address(proxy: Secret) -> str:
    """Host and port of a proxy, without its user and password."""
    parts = urlsplit(proxy.reveal())
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    try:
        return f"{name}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)}"
    except ValueError:
        return "with an address that cannot be read"


def proxy_secrets(proxy: Secret | None) -> tuple[str, ...]:
    """The texts in a proxy's URL that must not be shown."""
    if proxy is None:
        return ()
    return secrets_of_url(proxy.reveal())
