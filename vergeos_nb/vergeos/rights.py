"""What a user may list, read, create, modify and delete, as far as the table ``permissions`` shows it.

Sources: pyvergeos 1.7.1 permissions.py (columns; row 0 means every row of a table), the vendor's page on
permissions (the table "/" means everything; new users may only list and read). A user also has the
permissions of its groups, and these rows do not contain those. So they can prove that a user may change
something, but not that it may not.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

EVERYTHING = "/"


class Permission(Struct, frozen=True):
    """A row of ``permissions``. ``row`` is 0 if it means all rows of the table, None if it cannot be read."""

    table: str
    row: int | None
    modify: bool


class Rights(Struct, frozen=True):
    """A user's own permissions.

    Attributes:
        permissions: empty if the platform does not show them.
    """

    permissions: Sequence[Permission] = ()

    @property
    def may_change(self) -> bool | None:
        """True if the user may change everything, False if its own permissions only allow reads, or None."""
        if any(one.modify and one.table == EVERYTHING and one.row == 0 for one in self.permissions):
            return True
        if self.permissions and not any(one.modify for one in self.permissions):
            return False
        return None

    @property
    def words(self) -> str:
        """The same in plain words."""
        if self.may_change:
            return "yes: its own permissions allow changes everywhere"
        if not self.permissions:
            return "not told by the API"
        if self.may_change is False:
            return "its own permissions are for reading only; a group of it may have more"
        tables = ", ".join(sorted({one.table for one in self.permissions if one.modify}))
        return f"in part: its own permissions allow changes in {tables}; a group of it may have more"
