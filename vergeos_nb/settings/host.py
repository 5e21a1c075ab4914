"""The one normal form of a host, for URLs, leases, plans and NO_PROXY.

The normal form has no upper case, no trailing dot, no port 443; names are as DNS holds them (``xn--…``),
IPv4 addresses have four decimal numbers, and IPv6 addresses their shortest spelling in brackets, with a zone
where one was written. A zone names an interface of this machine, so its case stays.
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
# A zone follows a percent sign, or its escape as RFC 6874 has it in URLs.
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%(?:25)?([A-Za-z0-9._~-]+))?\](?::(\d+))?")
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)$")


def clean_host(text: str, where: str) -> str:
    """The normal form, ``name`` or ``name:port``, of what was written at `where`.

    A leading ``https://`` and a trailing slash are dropped.

    Raises:
        SettingsError: it asks for plain HTTP, holds a user, a path, a blank or a control character, or is no
            host. The message never repeats a text that may hold a password.
    """

    def wrong(came_back: str, next_step: str) -> SettingsError:
        return SettingsError(f"read the host from {where}", came_back, next_step)

    if not text:
        raise wrong("it is empty", f"set {where} to the system's name, such as vergeos.example.com.")
    # First of all, because it makes plain characters of others: of a fullwidth @, for one.
    text = unicodedata.normalize("NFKC", text)
    if any(character.isspace() or not character.isprintable() for character in text):
        raise wrong("it holds a blank or a control character", "remove it, line ends included.")
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme.lower() != "https":
        raise wrong(
            "it asks for another scheme than https",
            "VergeOS is reached over https only; write the name alone.",
        )
    rest = rest.rstrip("/")
    if "@" in rest:
        raise wrong(
            "it holds a user before an @, and perhaps a password",
            "write the host alone; user and password have settings of their own.",
        )
    if rest.startswith("[") and (bracketed := _BRACKETED.fullmatch(rest)):
        address, zone, port = bracketed.groups()
        return _with_port(_ipv6(address, zone, wrong), port, wrong)
    if re.search(r"[/?#\\]", rest) or ("%" in rest and ":" not in rest):
        raise wrong("it holds a path", "write the host alone; /api/v4 is added where it is needed.")
    if rest.startswith("["):
        raise wrong("what stands in its brackets is no IPv6 address", "write it as [2001:db8::1].")
    if rest.count(":") > 1:
        raise wrong("it looks like an IPv6 address without brackets", "write it as [2001:db8::1].")
    name, separator, port = rest.partition(":")
    if separator and not re.fullmatch(r"[0-9]+", port):
        raise wrong("what follows its colon is no port", "write it as a number, such as :8443.")
    try:
        return _with_port(normal_name(name), port, wrong)
    except ValueError:
        raise wrong(f"{name!r} is no host name", "write a name such as vergeos.example.com.") from None


def normal_host(text: str) -> str:
    """The normal form of an earlier written host. A text that is not a host is returned unchanged."""
    try:
        return clean_host(text, "")
    except SettingsError:
        return text


def normal_name(name: str) -> str:
    """The normal form of a name or an IPv4 address, without a port.

    Raises:
        ValueError: it is none.
    """
    name = unicodedata.normalize("NFKC", name).lower()
    if not name.isascii():
        import httpx

        try:
            # The module that connects reports a name that DNS does not know.
            name = httpx.URL(f"https://{name}").raw_host.decode("ascii")
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from error
    name = name.removesuffix(".")
    if not _LABELS.fullmatch(name):
        raise ValueError("no host name")
    if _ENDS_IN_A_NUMBER.search(name):
        # The resolver takes 127.1 and 0x7f000001 for addresses, too.
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError as error:
            raise ValueError("no IPv4 address") from error
    return name


def split_host(host: str) -> tuple[str, int]:
    """Name or address, and port, of a host in normal form. An IPv6 address comes without its brackets."""
    parts = urlsplit(f"//{host}")
    return parts.hostname or "", parts.port or DEFAULT_PORT


def address_of(name: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a name without brackets is, or None where it is a name."""
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
        raise wrong(f"its port is {port}", "ports go from 1 to 65535.")
    return name if number == DEFAULT_PORT else f"{name}:{number}"


def _ipv6(text: str, zone: str | None, wrong: _Wrong) -> str:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise wrong(f"{text!r} is no IPv6 address", "write it as [2001:db8::1].") from None
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"[{address}%{zone}]" if zone else f"[{address}]"
