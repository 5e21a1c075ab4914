"""RFC 3161 timestamps of heads: an authority confirms that the ledger had this head at this time.

``timestamps/COUNT.head`` is a copy of ``ledger.head``. ``.tsr`` beside it is the authority's answer, which
``openssl ts`` can read. Needs the extra ``timestamp``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vergeos_nb.archive.ledger.chain import FlawKind, Found
from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.archive.signing.kept_heads import KeptHead, kept_heads
from vergeos_nb.errors import RecordError, UsageError
from vergeos_nb.layout import TIMESTAMPS

# The suffix of an authority's answer.
TSR = ".tsr"


def stamped_heads(outputs: Path) -> Iterator[KeptHead]:
    """Every timestamped head of an archive.

    Raises:
        RecordError: one cannot be read.
    """
    return kept_heads(outputs, TIMESTAMPS, TSR)


class Authorities:
    """The trusted timestamp authorities: the root certificates in a PEM file.

    Raises:
        UsageError: the file cannot be read, or holds none.
        RecordError: the extra is not installed.
    """

    def __init__(self, path: Path) -> None:
        from cryptography.x509 import load_pem_x509_certificates

        self._client = rfc3161()
        try:
            self._roots = load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it holds no certificate"
            raise UsageError(f"reading {path}", str(why), "give a PEM file with --tsa-certs") from error

    def head(self, stamped: KeptHead, found: Found) -> Head | None:
        """The head, if a trusted authority has timestamped it; else None. The result is noted in `found`."""
        builder = self._client.VerifierBuilder()
        for root in self._roots:
            builder = builder.add_root_certificate(root)
        try:
            told = self._client.decode_timestamp_response(stamped.proof or b"")
            builder.build().verify_message(told, stamped.content)
        except (ValueError, self._client.VerificationError) as error:
            found.add(stamped.where, FlawKind.TIMESTAMP_WRONG, str(error) or "it does not hold")
            return None
        if stamped.head is None:
            found.add(stamped.where, FlawKind.TIMESTAMP_WRONG, "it holds no head")
            return None
        when = told.tst_info.gen_time.isoformat()
        found.notes.append(f"{stamped.where}: number {stamped.head.count} stood at {when}")
        return stamped.head


def rfc3161() -> Any:
    """The library for timestamps, which is an extra.

    Raises:
        RecordError: it is not installed.
    """
    try:
        import rfc3161_client
    except ImportError as error:
        raise RecordError(
            "reading timestamps", "rfc3161-client is not installed", "pip install 'vergeos-nb[timestamp]'"
        ) from error
    return rfc3161_client
