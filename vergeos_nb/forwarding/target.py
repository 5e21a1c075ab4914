"""The target of messages, from the URL in ``VERGEOS_NB_FORWARD``."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from vergeos_nb.errors import SettingsError
from vergeos_nb.settings import Secret
from vergeos_nb.words import did_you_mean

Way = Literal["unix", "udp", "tcp", "tls", "http"]
# The standard ports of syslog, and of syslog over TLS (RFC 5425).
PORTS: dict[Way, int] = {"udp": 514, "tcp": 514, "tls": 6514}
_WAYS: dict[str, Way] = {
    "syslog+unix": "unix",
    "syslog+udp": "udp",
    "syslog+tcp": "tcp",
    "syslog+tls": "tls",
    "https": "http",
    "http": "http",
}


class ForwardTarget(Struct, frozen=True):
    """A syslog receiver or an HTTP collector.

    Attributes:
        way: the protocol.
        host, port: for a syslog receiver on the network.
        path: the Unix socket of a syslog receiver.
        url: the whole URL. It is secret, because a collector's URL often contains a token.
    """

    way: Way
    host: str
    port: int
    path: str
    url: Secret

    @property
    def fingerprint(self) -> str:
        """A name for the target that does not reveal its URL."""
        return hashlib.sha256(self.url.reveal().encode()).hexdigest()

    def __str__(self) -> str:
        """The target as it may be shown, without path and password of a collector's URL."""
        if self.way == "unix":
            return f"syslog at {self.path}"
        if self.way == "http":
            return f"the collector at {self.host}"
        return f"syslog at {self.host}:{self.port} ({self.way.upper()})"


def read_target(url: Secret) -> ForwardTarget:
    """The target that a URL names.

    Raises:
        SettingsError: it is not a valid target, or a collector without TLS on another machine. The text
            contains no part of the URL except its scheme.
    """
    try:
        parts = urlsplit(url.reveal())
        way, host, port = _WAYS.get(parts.scheme), parts.hostname or "", parts.port
    except ValueError:
        raise _unusable("it is not a valid URL") from None
    if way is None:
        raise _unusable(
            f"{parts.scheme!r} is not a way there", did_you_mean(parts.scheme, list(_WAYS))
        ) from None
    if way == "unix":
        if not parts.path.startswith("/") or host:
            raise _unusable("it names no socket", "write it as syslog+unix:///dev/log")
        return ForwardTarget(way, "", 0, parts.path, url)
    if not host:
        raise _unusable("it names no host")
    if way == "http" and not _is_safe(parts):
        raise _unusable("it would send what happens over a network without TLS", "write it with https://")
    return ForwardTarget(way, host, port or PORTS.get(way, 0), parts.path, url)


def _is_safe(parts: SplitResult) -> bool:
    """Whether the connection is encrypted or stays on this machine."""
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(why: str, hint: str = "") -> SettingsError:
    forms = "write it as syslog+tls://host, syslog+tcp://host, syslog+udp://host, syslog+unix:///dev/log or https://host/path"
    return SettingsError("reading VERGEOS_NB_FORWARD", why, hint or forms)
