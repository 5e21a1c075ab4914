"""A text that can be sent but not printed."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, final

from vergeos_nb.masking import MASK, register, register_url


@final
class Secret:
    """A text that only `reveal` returns. From its creation on, this process masks it in everything it writes.

    ``repr``, ``str``, ``format`` and JSON show `MASK`. It cannot be pickled. A copy is the object itself, and
    there is no ``__dict__``, so ``dataclasses.asdict`` and ``vars`` do not show it either.

    Args:
        is_url: the text is a URL, in which only user name and password are secret.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str, *, is_url: bool = False) -> None:
        object.__setattr__(self, "_text", text)
        (register_url if is_url else register)(text)

    def reveal(self) -> str:
        """The text itself. Only the code that sends it calls this."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Secret is not pickled: load the profile again where it is needed")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret does not change")
