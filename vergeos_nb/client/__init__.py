"""The client: one VergeOS system over HTTPS.

Its modules, from the outside in:

    api        one method per endpoint, typed keys in, records out
    evidence   its reads that tell what became of a machine
    changing   its changing calls
    rows       rows checked field by field
    preview    what a step is going to send, asked of this very code
    tables/    whole tables in few calls
    transport/ how a request travels:
      wire       sends, once or again, and makes an exchange of every attempt
      answer     takes in and judges what comes back
      decoding   bytes into JSON, within bounds
      deadline   one time limit for a whole request
      outside    one request to somebody else's host
      retries    when and how often a read is repeated
      login      the three ways to log in
      network    authorities and time limits
      proxies    which proxy is on the way
      failures   every failure turned into the error tree
      connecting those among them where the connection never stood
    scrub      texts without secrets

Importing the package loads none of them, because masking needs no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vergeos_nb.client.api import SIMULATOR_SERVER, VergeApi
    from vergeos_nb.client.rows import UserAccount
    from vergeos_nb.client.transport.wire import Wire

__all__ = ["SIMULATOR_SERVER", "UserAccount", "VergeApi", "Wire"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vergeos_nb.client import api, rows
    from vergeos_nb.client.transport import wire

    return getattr({"UserAccount": rows, "Wire": wire}.get(name, api), name)
