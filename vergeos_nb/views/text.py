"""Text from outside, made safe to look at."""

from __future__ import annotations

# Characters that begin a formula in spreadsheets, in half and in full width.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def visible(text: str, *, keep: str = "") -> str:
    """The text with every character that a person cannot see written as ``\\x1b`` or ``\\u202e``.

    These are control characters, bidi marks and other format characters, half surrogate pairs, unassigned
    characters, and every blank except the ordinary one.

    Args:
        keep: characters that stay, such as a line feed where several lines are wanted.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def csv_text(text: str) -> str:
    """The text as a cell of CSV: visible, and with an apostrophe if a spreadsheet would compute it.

    It is never read back, because two texts can have the same form. VMs are found by key.
    """
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
