"""The normal form of a host. URLs, leases, plans and NO_PROXY use it.

- Lower case, without a trailing dot and without the port 443.
- A name is written as DNS stores it (``xn--…``).
- An IPv4 address has four decimal numbers.
- An IPv6 address is in brackets and has its shortest spelling. A zone stays as written, because it names
  an interface of this machine.
"""

from __future__ import annotations

import re
import socket
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from vergeos_nb.errors import SettingsError

DEFAULT_PORT = 443

_LABEL = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_LABELS = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_Wrong = Callable[[str, str], SettingsError]
# A zone follows a percent sign, or its escape %25 in URLs (RFC 6874).
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%(?:25)?([A-Za-z0-9._~-]+))?\](?::(\d+))?")
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)$")


def clean_host(text: str, where: str) -> str:
    """The normal form of a host, ``name`` or ``name:port``.

    A leading ``https://`` and a final slash are dropped.

    Args:
        where: the place of the text, for errors.

    Raises:
        SettingsError: the text is no host, asks for another scheme than https, or holds a user, a path, a
            blank or a control character. The error does not quote a text that may hold a password.
    """

    def wrong(came_back: str, next_step: str) -> SettingsError:
        return SettingsError(f"reading the host from {where}", came_back, next_step)

    if not text:
        raise wrong("it is empty", f"set {where} to the system's name, such as vergeos.example.com")
    # Normalize before all checks: it turns other characters into plain ones, such as a fullwidth @.
    text = unicodedata.normalize("NFKC", text)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise wrong("it holds a blank, a line end or a control character", "remove it")
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme.lower() != "https":
        raise wrong(
            "it asks for another scheme than https",
            "VergeOS uses https only; write the name alone.",
        )
    rest = rest.rstrip("/")
    if "@" in rest:
        raise wrong(
            "it holds a user name before an @, and perhaps a password",
            "write the host alone; user name and password have their own settings",
        )
    if rest.startswith("[") and (bracketed := _BRACKETED.fullmatch(rest)):
        address, zone, port = bracketed.groups()
        return _with_port(_ipv6(address, zone, wrong), port, wrong)
    if re.search(r"[/?#\\]", rest) or ("%" in rest and ":" not in rest):
        raise wrong("it holds a path", "write the host alone; /api/v4 is added automatically")
    if rest.startswith("["):
        raise wrong("the text in brackets is no IPv6 address", "write it as [2001:db8::1]")
    if rest.count(":") > 1:
        raise wrong("it looks like an IPv6 address without brackets", "write it as [2001:db8::1]")
    name, separator, port = rest.partition(":")
    if separator and not re.fullmatch(r"[0-9]+", port):
        raise wrong("the text after its colon is no port", "write a number, such as :8443")
    try:
        return _with_port(normal_name(name), port, wrong)
    except ValueError:
        raise wrong(f"{name!r} is no host name", "write a name such as vergeos.example.com") from None


def normal_host(text: str) -> str:
    """The normal form of a host that was stored earlier. A text that is no host is returned unchanged."""
    try:
        return clean_host(text, "")
    except SettingsError:
        return text


def normal_name(name: str) -> str:
    """The normal form of a name or an IPv4 address, without a port.

    Raises:
        ValueError: it is neither.
    """
    name = unicodedata.normalize("NFKC", name).lower()
    if not name.isascii():
        import httpx

        try:
            # Whether DNS knows the name is checked when connecting.
            name = httpx.URL(f"https://{name}").raw_host.decode("ascii")
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
    name = name.removesuffix(".")
    if not _LABELS.fullmatch(name):
        raise ValueError("no host name")
    if _ENDS_IN_A_NUMBER.search(name):
        # The resolver also accepts 127.1 and 0x7f000001 as addresses.
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError as error:
            raise ValueError("no IPv4 address") from error
    return name


def split_host(host: str) -> tuple[str, int]:
    """Split a host in normal form into name or address, and port. An IPv6 address loses its brackets."""
    parts = urlsplit(f"//{host}")
    return parts.hostname or "", parts.port or DEFAULT_PORT


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """The text as an IP address, or None if it is a name. An IPv6 address is without brackets."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether this name or address is this machine itself."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = address_of(name)
    return address is not None and address.is_loopback


def _with_port(name: str, port: str | None, wrong: _Wrong) -> str:
    if not port:
        return name
    number = int(port)
    if not 0 < number < 65536:
        raise wrong(f"its port is {port}", "ports go from 1 to 65535")
    return name if number == DEFAULT_PORT else f"{name}:{number}"


def _ipv6(text: str, zone: str | None, wrong: _Wrong) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise wrong(f"{text!r} is no IPv6 address", "write it as [2001:db8::1]") from None
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"[{address}%{zone}]" if zone else f"[{address}]"
