"""How much memory a whole table may need, over all its pages.

The bounds of one answer hold for each page. A platform that never ends its list, or sends endless names,
would still fill the memory.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

from vergeos_nb.errors import BadAnswer
from vergeos_nb.vergeos.rows import Columns

MOST_KEPT = 40 << 20
"""Bytes of memory for the columns of one table, or the sums of its counters. 50,000 VMs need 15 MB."""

MOST_AS_JSON = 64 << 20
"""Bytes of JSON of a table whose rows are kept as the platform gave them, for a capture."""

MOST_NODES_AS_JSON = 2 << 20
"""Bytes of JSON of the list of nodes. A thousand nodes have about 200 kB."""

OF_A_SUM = 150
"""Bytes that a key and its sum need in a dictionary."""

OF_A_LETTER = 4
"""Bytes that a letter needs at most, once it is decoded."""

# A place in a list, and a number in it.
_PLACE, _NUMBER = 8, 32
OF_A_CELL = _PLACE + _NUMBER
"""Bytes that a cell of a column needs at most, without its letters."""


def check_size(size: int, most: int, table: str, asked: str) -> None:
    """Check the memory that a table needs, in bytes.

    Raises:
        BadAnswer: it needs more than a table may.
    """
    if size > most:
        raise BadAnswer(
            asked,
            f"the table {table} needs more than {most >> 20} MB of memory, far more than a system of 50,000 "
            "VMs needs, so reading was stopped",
            "nothing is judged from part of a table. To read one VM alone, begin a run with its vm_name or "
            "vm_key. If the system really has so many rows, report it.",
        )


def size_of(columns: Columns) -> int:
    """About how many bytes of memory these columns need. A word that comes again needs no more."""
    return sum(_size_of(values) for values in columns.values())


def _size_of(values: Sequence[Any]) -> int:
    if isinstance(values, array):
        return len(values) * values.itemsize
    words = [value for value in set(values) if isinstance(value, str)]
    numbers = 0 if words else len(values)
    return _PLACE * len(values) + _NUMBER * numbers + sum(map(sys.getsizeof, words))
