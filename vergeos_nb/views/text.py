"""Text from outside, made safe to look at."""

from __future__ import annotations

# Characters that begin a formula in spreadsheets, in half and in full width.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def visible(text: str, *, keep: str = "") -> str:
    """The text with every character that a person cannot see written as ``\\x1b`` or ``\\u202e``.

    Those are controls, bidi marks and other format characters, half surrogate pairs, what Unicode has not
    assigned, and every blank but the ordinary one.

    Args:
        keep: characters that stay, such as a line feed where several lines are wanted.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def csv_text(text: str) -> str:
    """The text as a cell of CSV: visible, and with an apostrophe where a spreadsheet would compute it.

    Two texts can look the same in it, so it is never read back: VMs are found by key.
    """
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
