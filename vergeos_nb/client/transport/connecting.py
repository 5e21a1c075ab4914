"""Connections that could not be made: name, address, certificate. Nothing was sent in these cases."""

from __future__ import annotations

import errno
import socket
import ssl

from vergeos_nb import errors
from vergeos_nb.client.scrub import visible
from vergeos_nb.machine import causes

NO_WAY = "check the host's name, that it is up, and that firewall and VPN let the connection through"


def explain(failure: Exception, peer: str, host: str) -> tuple[type[errors.NotConnected], str, str]:
    """Why a connection failed: the kind of error, what came back, and what to do.

    Args:
        peer: the other end: the host itself or a proxy.
        host: the host that should answer over TLS.
    """
    for cause in causes(failure):
        match cause:
            case socket.gaierror():
                return (
                    errors.NameNotResolved,
                    f"{peer} has no address: {visible(cause.strerror or '')}",
                    "check the host's spelling, and that DNS or the VPN is there",
                )
            case ssl.SSLError():
                return errors.TlsFailed, _tls_words(cause, host), _tls_next_step(cause)
            case TimeoutError():
                return errors.ConnectTimeout, f"{peer} did not take the connection in time", NO_WAY
            case ConnectionRefusedError():
                return (
                    errors.ConnectionRefused,
                    f"nothing accepts connections at {peer}",
                    "check host and port, and that the system's user interface opens in a browser",
                )
            case ConnectionResetError() | BrokenPipeError():
                return (
                    errors.NotConnected,
                    f"{peer} closed the connection while it was being made",
                    "the platform does so when there are too many connections; wait a little and try again",
                )
            case OSError() if cause.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
                return (
                    errors.NotConnected,
                    f"there is no route to {peer}: {visible(cause.strerror or '')}",
                    "check the network and the VPN",
                )
    return (
        errors.NotConnected,
        f"no connection to {peer}: {visible(str(failure))}",
        "check host, port and the network",
    )


def _tls_words(cause: ssl.SSLError, host: str) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not trusted: {visible(cause.verify_message)}"
    return f"no TLS with {host}: {visible(getattr(cause, 'reason', None) or str(cause))}"


def _tls_next_step(cause: ssl.SSLError) -> str:
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return "check that the port speaks HTTPS, and that the system is not older than TLS 1.2"
    if "expired" in cause.verify_message:
        return "renew the system's certificate, and check this machine's clock"
    if "match" in cause.verify_message or "mismatch" in cause.verify_message:
        return "use the name that the certificate is made out to, if this is the right system at all"
    return (
        "give the authority that signed it as VERGE_CA_FILE (or ca_file in the profile). Switch checking off "
        "with VERGE_VERIFY_SSL=false only where nobody else can be on the line."
    )


def is_passing(failure: BaseException) -> bool:
    """Whether a name could not be resolved now but may exist."""
    return any(isinstance(one, socket.gaierror) and one.errno == socket.EAI_AGAIN for one in causes(failure))
