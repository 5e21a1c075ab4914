"""A plan, its canonical form, and the digest that an approval binds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from vergeos_nb.canonical import canonical


class Plan(Struct, frozen=True):
    """The planned changes: what, on which VM, from which state.

    ``content`` is plain JSON without floats. The digest, and so an approval, binds its canonical form: sorted
    keys, no blanks, UTF-8.
    """

    content: Mapping[str, Any]

    def canonical(self) -> bytes:
        """The canonical form of this plan."""
        return canonical(self.content, strict=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, in hex."""
        return hashlib.sha256(self.canonical()).hexdigest()
