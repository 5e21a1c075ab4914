"""The remarks of ``vergeos-nb audit list`` on what its table does not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from vergeos_nb.archive.folders.record_folders import Unmatched
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry
from vergeos_nb.cli.plain import cell, table
from vergeos_nb.procedure.values.finding import Kind, of_run_words
from vergeos_nb.views.badges import signed_outcome, signed_verdict
from vergeos_nb.words import counted

_NAMED = 5
_QUIET = (Kind.OFF, Kind.PASSED, Kind.LOOK, Kind.NEUTRAL)
# There are 28 ways to end. Unknown words are counted beside them.
_WAYS = 30
_WIDE = 10


def remarks_on_ledger(different: Unmatched, unread: int) -> Iterator[str]:
    """One sentence for each kind of record that is in no list of sealed records.

    Args:
        unread: how many lines of the ledger are damaged.
    """
    if unread:
        what = counted(unread, "line")
        yield f"Damaged: {what} of the ledger. `vergeos-nb audit verify` names what is wrong."
    if different.missing:
        yield (
            f"Missing: {_named(different.missing)}. Sealed, and the folder is gone: restore it from a copy "
            "or the mirror."
        )
    if different.unsealed:
        yield (
            f"Not sealed: {_named(different.unsealed)}. `vergeos-nb audit recover` finishes what no process "
            "works on."
        )


def older(ends: Counter[tuple[str, str]], shown: Sequence[LedgerEntry]) -> str:
    """How the older records ended, beside those shown. Ends that need a look come first. "" without any.

    Args:
        ends: how all matching records ended, by outcome and verdict.
    """
    left = ends - Counter(_end(entry) for entry in shown)
    if not left:
        return ""
    ways = sorted(left.items(), key=lambda way: (of_run_words(*way[0]).kind in _QUIET, -way[1], way[0]))
    rows = [
        (f"{count:>{_WIDE},}", signed_outcome(outcome, verdict), signed_verdict(verdict))
        for (outcome, verdict), count in ways[:_WAYS]
    ]
    if rest := sum(count for _, count in ways[_WAYS:]):
        rows.append((f"{rest:>{_WIDE},}", "in other words", ""))
    ended = table(("records".rjust(_WIDE), "outcome", "verdict"), rows)
    return (
        f"{left.total():,} older records are not shown. They ended like this:\n{ended}\n"
        "Narrow the list with --vm, --ticket, --outcome, --verdict, --since or --until. See all of it with "
        "`vergeos-nb audit list | less -S`."
    )


def _end(entry: LedgerEntry) -> tuple[str, str]:
    return str(entry.fields.get("outcome") or ""), str(entry.fields.get("verdict") or "")


def _named(paths: Sequence[str]) -> str:
    """The first few of them, and their number if there are more."""
    named = ", ".join(cell(path) for path in paths[:_NAMED])
    more = len(paths) - _NAMED
    return f"{named}, and {more:,} more" if more > 0 else named
