"""The client: one VergeOS system over HTTPS.

Its modules, from the outside in:

    api                    one method per endpoint, typed keys in, records out
    evidence               reads that give evidence about a machine
    changing               the changing calls
    preview                the requests of a call, without sending them
    decoded_rows           rows checked field by field
    error_bodies           what an error answer says
    scrub                  texts without secrets
    whole_tables.*         whole tables in few calls, as columns
    transport.wire         sends, once or repeated, and makes an exchange of every attempt
    transport.answer       receives and judges an answer
    transport.decoding     bytes into JSON, within bounds
    transport.deadline     one time limit for a whole request
    transport.limited      the transport that keeps it
    transport.outside      one request to another service's host
    transport.retries      when and how often a read is repeated
    transport.login        the three ways to log in
    transport.network      authorities, proxies, time limits
    transport.proxies      which proxy is on the way to a host
    transport.failures     every failure as an error of our tree
    transport.connecting   failures before a connection was made

Importing the package loads none of them, because masking needs no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vergeos_nb.client.decoded_rows import UserAccount
    from vergeos_nb.client.transport.wire import Wire
    from vergeos_nb.client.verge_api import SIMULATOR_SERVER, VergeApi

__all__ = ["SIMULATOR_SERVER", "UserAccount", "VergeApi", "Wire"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vergeos_nb.client import decoded_rows, verge_api
    from vergeos_nb.client.transport import wire

    return getattr({"UserAccount": decoded_rows, "Wire": wire}.get(name, verge_api), name)
