"""Send syslog messages (RFC 5424) over a Unix socket, UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Over TCP and TLS the length of each message comes before it. Each batch has its own connection. We end our
side of it first. When the receiver ends its side, it has read everything. Syslog has no other confirmation.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from vergeos_nb.client.transport.deadline import addresses
from vergeos_nb.client.transport.network import machines_tls_context
from vergeos_nb.forwarding.target import ForwardTarget
from vergeos_nb.forwarding.told_lines import Message, as_json
from vergeos_nb.settings import ambient_network
from vergeos_nb.version import __version__

CLOSE_WAIT_S = 0.5
"""Seconds for a receiver to end the connection. Some never do, although they have the messages."""
HASTY_CLOSE_WAIT_S = 0.02
"""The same for a receiver that did not end an earlier connection in time."""
REFUSAL_WAIT_S = 0.02
"""Seconds for the error that nobody listens on a UDP port. From another machine it may never come."""

# Local use 0, so that the facility alone separates our messages from those of daemons.
_FACILITY = 16
_ERROR, _WARNING, _NOTICE = 3, 4, 5
_SEVERITIES = {"bug": _ERROR, "intent": _WARNING, "interrupted": _WARNING}
# The only structured data that needs no enterprise number. Everything else is in the JSON.
_ORIGIN = f'[origin software="vergeos-nb" swVersion="{__version__}"]'


# Fingerprints of receivers that do not end a connection.
_stay_open: set[str] = set()


def syslog_line(message: Message, host: str | None = None) -> bytes:
    """The message in the form of RFC 5424: MSGID is its event, PROCID is its run, and MSG is its JSON.

    Args:
        host: by default this machine's name.
    """
    severity = _SEVERITIES.get(str(message.get("event")), _NOTICE)
    if severity == _NOTICE and message.get("verdict") in ("alive", "unknown"):
        severity = _WARNING
    header = (
        f"<{8 * _FACILITY + severity}>1 {_word(message.get('at'), 40)} {_word(host or _host(), 255)} "
        f"vergeos-nb {_word(message.get('run'), 128)} {_word(message.get('event'), 32)} {_ORIGIN} "
    )
    return header.encode("ascii") + as_json(message)


def send_to_syslog(target: ForwardTarget, messages: Iterable[Message], limit_s: float) -> None:
    """Send a batch, in its order.

    Args:
        limit_s: the time for the whole batch.

    Raises:
        OSError: the receiver cannot be reached, or did not read the whole batch.
        SettingsError: the machine's certificate authorities cannot be read.
    """
    lines = [syslog_line(message) for message in messages]
    until = time.monotonic() + limit_s
    if target.way == "unix":
        _to_socket(target, lines, until)
    elif target.way == "udp":
        _as_datagrams(target, lines, until)
    else:
        with _connected(target, until) as receiver:
            _stream(receiver, b"".join(b"%d %s" % (len(line), line) for line in lines), target, until)


def _word(value: object, longest: int) -> str:
    """A field of the header: printable ASCII without blanks; "-" if it is empty."""
    text = "".join(c if "!" <= c <= "~" else "_" for c in str(value if value is not None else ""))
    return text[:longest] or "-"


def _host() -> str:
    return os.uname().nodename


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the receiver did not take it in time")
    return left


def _to_socket(target: ForwardTarget, lines: Sequence[bytes], until: float) -> None:
    """Send to a local daemon's socket. Nearly all take datagrams, the others a stream of lines."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(_left(until))
        try:
            receiver.connect(target.path)
        except OSError as error:
            # The kernel's error for a socket of the other kind.
            if error.errno != errno.EPROTOTYPE:
                raise
        else:
            for line in lines:
                receiver.send(line)
            return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as receiver:
        receiver.settimeout(_left(until))
        receiver.connect(target.path)
        _stream(receiver, b"".join(line + b"\n" for line in lines), target, until)


def _as_datagrams(target: ForwardTarget, lines: Sequence[bytes], until: float) -> None:
    host = addresses(target.host, target.port, _left(until))[0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(_left(until))
        receiver.connect((host, target.port))
        for line in lines:
            receiver.send(line)
        # The error "nobody listens there" comes only after a datagram was sent.
        select.select([receiver], [], [], REFUSAL_WAIT_S)
        if failure := receiver.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(failure, os.strerror(failure))


def _stream(receiver: socket.socket, content: bytes, target: ForwardTarget, until: float) -> None:
    """Send a batch whole. It returns when the receiver has read it, so that no later batch overtakes it."""
    receiver.settimeout(_left(until))
    receiver.sendall(content)
    stays = target.fingerprint in _stay_open
    receiver.settimeout(HASTY_CLOSE_WAIT_S if stays else CLOSE_WAIT_S)
    try:
        _closed_by_both(receiver)
    except TimeoutError:
        _stay_open.add(target.fingerprint)


def _closed_by_both(receiver: socket.socket) -> None:
    """End the connection, and wait until the receiver has read everything and ends it, too."""
    if isinstance(receiver, ssl.SSLSocket):
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            receiver.unwrap()
        return
    receiver.shutdown(socket.SHUT_WR)
    while receiver.recv(4096):
        pass


def _connected(target: ForwardTarget, until: float) -> socket.socket:
    failure: OSError | None = None
    for host in addresses(target.host, target.port, _left(until)):
        try:
            plain = socket.create_connection((host, target.port), timeout=_left(until))
        except OSError as error:
            failure = error
            continue
        if target.way != "tls":
            return plain
        try:
            context = machines_tls_context(ambient_network())
            return context.wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise
    raise failure or OSError("the name has no address")
