"""Find how a ledger's lines were changed. Each kind of change has its own name.

A wrong hash only shows that something was changed. The smallest change that explains all hashes is reported:

- A line was edited if the next line holds another hash for it.
- A line was deleted if the next line's number skips it.
- A line was inserted if the next line follows the line before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from vergeos_nb.archive.ledger.ledger import EMPTY, Head
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, Mark
from vergeos_nb.archive.ledger.line_file import LedgerLine, LineFile


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
    STATEMENT_WRONG = "statement-wrong"
    DISAGREES = "disagrees"


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


@dataclass
class Chain:
    """The ledger's chain, as far as it could be followed.

    Attributes:
        lines: the ledger's file. If its lines are linked, they are the chain, and nothing else is held.
        kept: otherwise the lines that belong to the ledger and were not changed.
        head: the end of the chain.
        lost: the numbers of lines that were edited, deleted or cut off. Their records are not reported again.
    """

    lines: LineFile
    kept: list[LedgerLine] | None = None
    head: Head = EMPTY
    lost: set[int] = field(default_factory=set)
    findings: list[Flaw] = field(default_factory=list)
    _heads: dict[int, str] = field(default_factory=lambda: {0: EMPTY.hash})

    def find(self, line: LedgerLine, kind: FlawKind, detail: str) -> None:
        """Add one fault."""
        self.findings.append(Flaw(line.where, kind, detail))

    def read(self) -> Iterator[tuple[LedgerLine, LedgerEntry | Mark | None]]:
        """The lines that belong to the ledger, each with its content."""
        if self.kept is None:
            yield from self.lines.read()
            return
        for line in self.kept:
            yield line, line.entry

    def hash_after(self, count: int) -> str | None:
        """The hash after this many lines of the chain; None if the chain is shorter."""
        if self.lines.linked and 0 < count <= len(self.lines):
            return self.lines.hash_at(count)
        return self._heads.get(count)

    def last(self) -> LedgerLine | None:
        """The last line that belongs to the ledger."""
        return held[-1] if (held := self.held()) else None

    def give_up(self, after: int) -> list[LedgerLine]:
        """Remove the lines after this many, and return them."""
        kept = self.held()
        gone, kept[after:] = kept[after:], []
        return gone

    def accept(self, line: LedgerLine) -> None:
        """Add a line that follows the chain's end."""
        self.held().append(line)
        self.pass_over(Head(line.count, line.hash))

    def pass_over(self, head: Head) -> None:
        """Continue the chain after a lost line with this number and hash."""
        self.head = head
        self._heads[head.count] = head.hash

    def held(self) -> list[LedgerLine]:
        """The lines that belong to the ledger, all in memory."""
        if self.kept is None:
            self.kept = [line for line, _ in self.lines.read()]
        return self.kept


def follow(lines: LineFile, anchors: Sequence[Head]) -> Chain:
    """Follow the chain from its first line.

    Args:
        anchors: heads that were noted elsewhere, such as in the head file. Each proves one line.
    """
    if lines.linked:
        end = len(lines)
        return Chain(lines, head=Head(end, lines.hash_at(end)) if end else EMPTY)
    chain = Chain(lines, [])
    once = _without_repeated([line for line, _ in lines.read()], chain)
    in_order = sorted(once, key=lambda line: line.count)
    if _hang_together(in_order):
        for place, line in enumerate(in_order, start=1):
            chain.accept(line)
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
                chain.accept(line)
        elif skipped or (follower is None and line.hash not in vouched and chain.head == noted):
            chain.find(line, FlawKind.LINE_INSERTED, "the line after it follows the one before it")
        elif not line.count or line.hash not in vouched:
            _edited(chain, line, follower)
        elif line.count > chain.head.count + 1:
            _deleted(chain, line)
        elif (at := _place_of(chain, line)) is not None:
            for stranger in chain.give_up(at):
                chain.find(stranger, FlawKind.LINE_INSERTED, f"number {line.count} follows the one before it")
            chain.accept(line)
        else:
            chain.find(line, FlawKind.LINE_EDITED, "it does not follow the line before it")
            chain.accept(line)


def _follower_knows_another(line: LedgerLine, follower: LedgerLine | None, vouched: set[str]) -> bool:
    """Whether the next line holds another hash for this one, and is itself unchanged."""
    if follower is None or follower.count != line.count + 1 or follower.previous == line.hash:
        return False
    return follower.hash in vouched


def _edited(chain: Chain, line: LedgerLine, follower: LedgerLine | None) -> None:
    chain.find(line, FlawKind.LINE_EDITED, "it is not as it was written" if line.count else "it is damaged")
    count = chain.head.count + 1
    told = follower.previous if follower and follower.count == count + 1 else line.hash
    chain.lost.add(count)
    chain.pass_over(Head(count, told))


def _deleted(chain: Chain, line: LedgerLine) -> None:
    first, last = chain.head.count + 1, line.count - 1
    chain.lost |= set(range(first, last + 1)) if last - first < 1_000_000 else {first, last}
    which = f"number {first} is" if first == last else f"numbers {first} to {last} are"
    chain.find(line, FlawKind.LINE_DELETED, f"{which} not there before it")
    chain.accept(line)


def _place_of(chain: Chain, line: LedgerLine) -> int | None:
    """After how many of the accepted lines this one belongs; None if it fits nowhere."""
    if line.previous == EMPTY.hash and line.count == 1:
        return 0
    for at, before in enumerate(chain.held(), start=1):
        if (before.hash, before.count) == (line.previous, line.count - 1):
            return at
    return None
