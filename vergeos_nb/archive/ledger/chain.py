"""Find how a ledger's lines were changed. Each kind of change has its own name.

A wrong hash only shows that something was changed. The smallest change that explains all hashes is reported:

- A line was edited if the next line holds another hash for it.
- A line was deleted if the next line's number skips it.
- A line was inserted if the next line follows the line before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from vergeos_nb.archive.ledger.ledger import EMPTY, Head
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, Mark, hash_of, read_any
from vergeos_nb.layout import LEDGER


class FlawKind(StrEnum):
    """The kinds of faults of an archive."""

    FILE_CHANGED = "file-changed"
    FILE_MISSING = "file-missing"
    FILE_ADDED = "file-added"
    MANIFEST_CHANGED = "manifest-changed"
    MANIFEST_MISSING = "manifest-missing"
    RECORD_MISSING = "record-missing"
    UNSEALED = "unsealed"
    SWAPPED = "swapped"
    REPLAYED = "replayed"
    LINE_EDITED = "line-edited"
    LINE_DELETED = "line-deleted"
    LINE_INSERTED = "line-inserted"
    LINE_REORDERED = "line-reordered"
    TAIL_CUT = "tail-cut"
    HEAD_WRONG = "head-wrong"
    REWRITTEN = "rewritten"
    OLD_LEDGER = "old-ledger"
    SIGNATURE_WRONG = "signature-wrong"
    SIGNATURE_MISSING = "signature-missing"
    SIGNER_UNKNOWN = "signer-unknown"
    UNSIGNED = "unsigned"
    MARK_WRONG = "mark-wrong"
    TIMESTAMP_WRONG = "timestamp-wrong"
    LINE_ENDS = "line-ends"
    LITTER = "litter"
    LINK = "link"
    TAIL_ADDED = "tail-added"


@dataclass(frozen=True, slots=True, order=True)
class Flaw:
    """One thing that is wrong.

    Attributes:
        where: the file, record or line.
    """

    where: str
    kind: FlawKind
    detail: str


@dataclass
class Found:
    """The findings so far."""

    findings: list[Flaw] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, where: str, kind: FlawKind, detail: str) -> None:
        """Add one fault."""
        self.findings.append(Flaw(where, kind, detail))


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line as it stands in the file.

    Attributes:
        at: its number in the file, from 1.
        entry: its content; None if it is damaged.
    """

    at: int
    raw: bytes
    hash: str
    entry: LedgerEntry | Mark | None

    @property
    def seal(self) -> LedgerEntry | None:
        """Its content, if it seals a record."""
        return self.entry if isinstance(self.entry, LedgerEntry) else None

    @property
    def where(self) -> str:
        """How it is named in a finding."""
        return f"{LEDGER} line {self.at}"

    @property
    def previous(self) -> str:
        """The hash of the line before, as this line has it; "" if the line is damaged."""
        return self.entry.place.previous if self.entry else ""

    @property
    def count(self) -> int:
        """Its own number, as it has it; 0 if the line is damaged."""
        return self.entry.place.count if self.entry else 0


def lines_of(raws: Sequence[bytes]) -> list[LedgerLine]:
    """Lines with their hashes and contents."""
    return [LedgerLine(at, raw, hash_of(raw), read_any(raw)) for at, raw in enumerate(raws, start=1)]


@dataclass
class Chain:
    """The ledger's chain, as far as it could be followed.

    Attributes:
        kept: the lines that belong to the ledger and were not changed.
        head: the end of the chain.
        heads: the hash after each count of the chain.
        lost: the numbers of lines that were edited, deleted or cut off. Their records are not reported again.
    """

    kept: list[LedgerLine] = field(default_factory=list)
    head: Head = EMPTY
    heads: dict[int, str] = field(default_factory=lambda: {0: EMPTY.hash})
    lost: set[int] = field(default_factory=set)
    findings: list[Flaw] = field(default_factory=list)

    def find(self, line: LedgerLine, kind: FlawKind, detail: str) -> None:
        """Name one thing."""
        self.findings.append(Flaw(line.where, kind, detail))


def follow(lines: Sequence[LedgerLine], anchors: Sequence[Head]) -> Chain:
    """Follow the chain from its first line.

    Args:
        anchors: heads that were noted elsewhere, such as in the head file. Each proves one line.
    """
    chain = Chain()
    if _hang_together(lines):
        for line in lines:
            _accept(chain, line)
        return chain
    once = _without_repeated(lines, chain)
    in_order = sorted(once, key=lambda line: line.count)
    if _hang_together(in_order):
        for place, line in enumerate(in_order, start=1):
            _accept(chain, line)
            if once[place - 1] is not line:
                chain.find(line, FlawKind.LINE_REORDERED, f"it is number {line.count} of the ledger")
        return chain
    noted = max(anchors, key=lambda head: head.count, default=EMPTY)
    _walk(once, {line.previous for line in once} | {head.hash for head in anchors}, noted, chain)
    return chain


def _hang_together(lines: Sequence[LedgerLine]) -> bool:
    count, last = 0, EMPTY.hash
    for line in lines:
        if line.count != count + 1 or line.previous != last:
            return False
        count, last = line.count, line.hash
    return True


def _without_repeated(lines: Sequence[LedgerLine], chain: Chain) -> list[LedgerLine]:
    first: dict[str, LedgerLine] = {}
    for line in lines:
        if first.setdefault(line.hash, line) is not line:
            chain.find(line, FlawKind.LINE_INSERTED, f"it repeats line {first[line.hash].at}")
    # The first copy of a repeated line is kept. It may stand in the wrong place.
    return list(first.values())


def _accept(chain: Chain, line: LedgerLine) -> None:
    chain.kept.append(line)
    chain.head = Head(line.count, line.hash)
    chain.heads[line.count] = line.hash


def _walk(lines: Sequence[LedgerLine], vouched: set[str], noted: Head, chain: Chain) -> None:
    for line, follower in zip(lines, [*lines[1:], None], strict=True):
        linked = line.previous == chain.head.hash and line.count == chain.head.count + 1
        skipped = follower is not None and (follower.previous, follower.count) == (
            chain.head.hash,
            chain.head.count + 1,
        )
        if linked and not skipped:
            if _follower_knows_another(line, follower, vouched):
                _edited(chain, line, follower)
            else:
                _accept(chain, line)
        elif skipped or (follower is None and line.hash not in vouched and chain.head == noted):
            chain.find(line, FlawKind.LINE_INSERTED, "the line after it follows the one before it")
        elif line.entry is None or line.hash not in vouched:
            _edited(chain, line, follower)
        elif line.count > chain.head.count + 1:
            _deleted(chain, line)
        elif (at := _place_of(chain, line)) is not None:
            for stranger in chain.kept[at:]:
                chain.find(stranger, FlawKind.LINE_INSERTED, f"number {line.count} follows the one before it")
            del chain.kept[at:]
            chain.head = EMPTY if not at else Head(chain.kept[-1].count, chain.kept[-1].hash)
            _accept(chain, line)
        else:
            chain.find(line, FlawKind.LINE_EDITED, "it does not follow the line before it")
            _accept(chain, line)


def _follower_knows_another(line: LedgerLine, follower: LedgerLine | None, vouched: set[str]) -> bool:
    """Whether the next line holds another hash for this one, and is itself unchanged."""
    if follower is None or follower.count != line.count + 1 or follower.previous == line.hash:
        return False
    return follower.hash in vouched


def _edited(chain: Chain, line: LedgerLine, follower: LedgerLine | None) -> None:
    chain.find(line, FlawKind.LINE_EDITED, "it is not as it was written" if line.entry else "it is damaged")
    count = chain.head.count + 1
    told = follower.previous if follower and follower.count == count + 1 else line.hash
    chain.lost.add(count)
    chain.head = Head(count, told)
    chain.heads[count] = told


def _deleted(chain: Chain, line: LedgerLine) -> None:
    first, last = chain.head.count + 1, line.count - 1
    chain.lost |= set(range(first, last + 1)) if last - first < 1_000_000 else {first, last}
    which = f"number {first} is" if first == last else f"numbers {first} to {last} are"
    chain.find(line, FlawKind.LINE_DELETED, f"{which} not there before it")
    _accept(chain, line)


def _place_of(chain: Chain, line: LedgerLine) -> int | None:
    """After how many of the accepted lines this one belongs; None if it fits nowhere."""
    if line.previous == EMPTY.hash and line.count == 1:
        return 0
    for at, before in enumerate(chain.kept, start=1):
        if (before.hash, before.count) == (line.previous, line.count - 1):
            return at
    return None
