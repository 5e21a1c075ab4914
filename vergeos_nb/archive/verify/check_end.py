"""Compare the end of a ledger with every known head: the head file, signed heads, heads noted elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vergeos_nb.archive.folders.seen import Seen
from vergeos_nb.archive.ledger.chain import Chain, FlawKind, Found
from vergeos_nb.archive.ledger.ledger import Head, read_head
from vergeos_nb.archive.ledger.ledger_lines import ChainedLine
from vergeos_nb.archive.ledger.line_file import LedgerLine
from vergeos_nb.layout import HEAD, LEDGER


def check_end(
    chain: Chain,
    told: str | None,
    noted: Sequence[Head],
    folders: Mapping[str, Seen],
    found: Found,
) -> None:
    """Compare the ledger's end with the head file, heads noted elsewhere, and the records themselves.

    Args:
        told: the head file's text, or None if there is no such file.
    """
    end, head = chain.head, read_head(told) if told is not None else None
    ends_as_written = not (chain.findings and end.count in chain.lost)
    # A record gets its number under the lock: that of the newest line, plus one. So even a record whose line
    # was never written has no higher number than that.
    claimed = max((seen.count for seen in folders.values()), default=0)
    if told is None:
        if end.count > 1 or claimed > 1:
            found.add(HEAD, FlawKind.HEAD_WRONG, "it is missing")
    elif head is None:
        found.add(HEAD, FlawKind.HEAD_WRONG, "it is damaged")
    elif head.count > end.count:
        found.add(
            LEDGER,
            FlawKind.TAIL_CUT,
            f"it ends with number {end.count}, and {HEAD} says that there were {head.count}",
        )
        chain.lost |= _range(end.count, head.count)
    elif head == Head(end.count - 1, chain.hash_after(end.count - 1) or ""):
        found.notes.append(f"{HEAD} is one line behind: the last process that sealed was stopped right after")
    elif head != end and ends_as_written:
        _name_the_liar(chain, head, noted, folders, found)
    if claimed > end.count + 1 and not (head and head.count > end.count):
        found.add(
            LEDGER,
            FlawKind.TAIL_CUT,
            f"it ends with number {end.count}, and a record says that it was sealed as number {claimed}",
        )
        chain.lost |= _range(end.count, claimed)
    for expect in noted:
        if expect.count <= end.count and chain.hash_after(expect.count) != expect.hash:
            found.add(
                LEDGER,
                FlawKind.REWRITTEN,
                f"it has another history than the expected head {expect}: number {expect.count} has the hash "
                f"{chain.hash_after(expect.count) or 'of a line that is not there'}",
            )
    newest = max((expect.count for expect in noted), default=0)
    # If the head file itself does not fit, that was reported already.
    if newest > end.count and not (head is not None and head.count > end.count):
        found.add(
            LEDGER,
            FlawKind.OLD_LEDGER,
            f"it ends with number {end.count}, and number {newest} was noted: an old ledger was put back, "
            "or its end was cut off together with its head",
        )
        chain.lost |= _range(end.count, newest)


def _name_the_liar(
    chain: Chain, head: Head, noted: Sequence[Head], folders: Mapping[str, Seen], found: Found
) -> None:
    """Report which was changed, if ledger and head differ in the last line. The line's record shows it."""
    end = chain.head
    line = chain.last()
    entry = line.entry if line else None
    seen = folders.get(entry.path) if entry else None
    proven = seen is not None and line is not None and seen.line.hex() == line.hash
    if line is None or head.count != end.count or proven or end in noted:
        found.add(HEAD, FlawKind.HEAD_WRONG, f"it says {head}, and the ledger ends with {end}")
        return
    found.add(line.where, FlawKind.LINE_EDITED, f"{HEAD} has another hash for it")
    chain.lost.add(line.count)
    chain.give_up(-1)


def _range(last: int, until: int) -> set[int]:
    return set(range(last + 1, min(until, last + 1_000_000) + 1))


def check_told_head(line: LedgerLine, entry: ChainedLine | None, found: Found) -> None:
    """Check a head that did not fit when a line was written. The line has kept that head."""
    told = entry.head_was if entry else None
    if told is None:
        return
    head = read_head(told)
    if head and head.count >= line.count:
        detail = f"before it was written, {HEAD} said that there were {head.count} lines"
        found.add(line.where, FlawKind.TAIL_CUT, detail)
    else:
        found.add(line.where, FlawKind.HEAD_WRONG, f"before it was written, {HEAD} was {told!a}")
