"""What the evidence about one record vouches for, and what it does not, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vergeos_nb.archive.exported.one_record import Evidence, Trust
from vergeos_nb.layout import JOURNAL, LEDGER, MANIFEST, RECORD

_NAME_A_KEY = "give --allowed-signers FILE that names the key, from a source that you trust"


@dataclass(frozen=True, slots=True)
class Open:
    """Something that is not vouched for.

    Attributes:
        to_have_it: what a person can do to have it vouched for; "" if nothing helps.
    """

    what: str
    to_have_it: str = ""


def vouched(evidence: Evidence, trust: Trust) -> tuple[str, ...]:
    """What is vouched for. Nothing, if anything is wrong."""
    return () if evidence.findings or evidence.own is None else tuple(_vouched(evidence, trust))


def not_vouched(evidence: Evidence, trust: Trust) -> tuple[Open, ...]:
    """What is not vouched for, and what a person can do about it."""
    if evidence.findings or evidence.own is None:
        return (Open("anything in it, because something was changed", "get the record again"),)
    return tuple(_not_vouched(evidence, trust))


def _vouched(evidence: Evidence, trust: Trust) -> Iterator[str]:
    own = evidence.own
    assert own is not None
    yield f"the {evidence.files} files of the record are those that {MANIFEST} names by SHA-256, and no other"
    lines = f"the journal is whole: its {evidence.journal_lines} lines are numbered without a gap"
    if not evidence.journal_open:
        yield f"{lines}, and {JOURNAL}, {RECORD} and {MANIFEST} say the same of how the run ended"
    elif evidence.journal_lines:
        yield lines
    if evidence.ledger_lines is not None:
        yield (
            f"number {own.place.count} of the {LEDGER} in this export seals exactly this record, and each of "
            f"its {evidence.ledger_lines} lines holds the hash of the line before"
        )
    if evidence.ledger_lines is not None and trust.head is not None:
        yield f"this {LEDGER} is the one whose head was noted, {trust.head.count}:{trust.head.hash[:12]}…"
    if evidence.sealer is not None and evidence.sealer.trusted:
        yield f"{evidence.sealer.who} signed the record when it was sealed"
    if evidence.attested is not None and evidence.attested.trusted:
        yield f"{evidence.attested.who} signed the statement of this export, which names exactly these files"


def _not_vouched(evidence: Evidence, trust: Trust) -> Iterator[Open]:
    own = evidence.own
    assert own is not None
    if evidence.journal_open:
        yield Open(f"how the run ended: {JOURNAL} does not confirm {RECORD}, because {evidence.journal_open}")
    yield from _signers(evidence)
    if evidence.ledger_lines is None:
        how = "export the record with --format zip, which adds the ledger, or verify the archive itself"
        yield Open(f"that the archive's ledger has this record, as number {own.place.count}", how)
    elif trust.head is None:
        how = "give --expect-head with a head of that archive that was noted elsewhere"
        yield Open(
            f"that the {LEDGER} in this export is the archive's own, and not made for this export", how
        )
    yield Open(
        "that no record is missing beside this one", "run `vergeos-nb audit verify` over the whole archive"
    )
    how = "run `vergeos-nb audit timestamp` in the archive after each seal, and verify it with --tsa-certs"
    yield Open(f"that it was sealed at {own.sealed_at}: the clock of its machine said so", how)
    if evidence.guides:
        how = "compare them with those of an export that you made yourself"
        yield Open(f"{', '.join(evidence.guides)}: these files lie beside the record", how)


def _signers(evidence: Evidence) -> Iterator[Open]:
    own = evidence.own
    assert own is not None
    if own.signer is None:
        how = "set VERGEOS_NB_SIGNING_KEY before the next run: no later signature says who sealed this one"
        yield Open("who sealed it: the record is not signed", how)
    elif evidence.sealer is None:
        yield Open(f"who sealed it: the signature by {own.signer} cannot be checked here", "install OpenSSH")
    elif not evidence.sealer.trusted:
        yield Open(f"who sealed it: the key {own.signer} did, and you have not said whose it is", _NAME_A_KEY)
    if evidence.ledger_lines is None and evidence.attested is None:
        return
    if evidence.attested is None:
        how = "have it exported with VERGEOS_NB_SIGNING_KEY set"
        yield Open("who exported it: no statement was checked", how)
    elif not evidence.attested.trusted:
        who = f"who exported it: the key {evidence.attested.who} did, and you have not said whose it is"
        yield Open(who, _NAME_A_KEY)
