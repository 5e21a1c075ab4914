"""A host as people write it, brought to the one form that goes into a URL."""

from __future__ import annotations

import re
from collections.abc import Callable

from vergeos_nb.errors import SettingsError

_LABELS = re.compile(r"(?=.{1,253}$)[^\W_]([\w-]{0,61}[^\W_])?(\.[^\W_]([\w-]{0,61}[^\W_])?)*\.?")
_Wrong = Callable[[str, str], SettingsError]
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d+))?")


def clean_host(text: str, where: str) -> str:
    """``name``, ``name:port``, ``[v6]`` or ``[v6]:port`` from what was written at `where`.

    A leading ``https://`` and a trailing slash are dropped; upper case becomes lower case.

    Raises:
        SettingsError: it asks for plain HTTP, holds a user, a path, a blank or a control character, or is no
            host. The message never repeats what was written when that may hold a password.
    """

    def wrong(came_back: str, next_step: str) -> SettingsError:
        return SettingsError(f"read the host from {where}", came_back, next_step)

    if not text:
        raise wrong("it is empty", f"set {where} to the system's name, such as vergeos.example.com.")
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
    if re.search(r"[/?#\\%]", rest):
        raise wrong("it holds a path", "write the host alone; /api/v4 is added where it is needed.")
    return _with_port(rest.lower(), wrong_host=wrong)


def _with_port(host: str, wrong_host: _Wrong) -> str:
    bracketed = _BRACKETED.fullmatch(host)
    if bracketed:
        name, port = f"[{_ipv6(bracketed[1], wrong_host)}]", bracketed[2]
    elif host.startswith("["):
        raise wrong_host("what stands in its brackets is no IPv6 address", "write it as [2001:db8::1].")
    elif host.count(":") > 1:
        raise wrong_host("it looks like an IPv6 address without brackets", "write it as [2001:db8::1].")
    else:
        name, separator, port = host.partition(":")
        if separator and not re.fullmatch(r"[0-9]+", port):
            raise wrong_host("what follows its colon is no port", "write it as a number, such as :8443.")
        if not _LABELS.fullmatch(name):
            raise wrong_host(f"{name!r} is no host name", "write a name such as vergeos.example.com.")
    if port and not 0 < int(port) < 65536:
        raise wrong_host(f"its port is {port}", "ports go from 1 to 65535.")
    return f"{name}:{int(port)}" if port else name


def _ipv6(text: str, wrong_host: _Wrong) -> str:
    from ipaddress import IPv6Address

    try:
        return str(IPv6Address(text))
    except ValueError:
        raise wrong_host(f"{text!r} is no IPv6 address", "write it as [2001:db8::1].") from None
