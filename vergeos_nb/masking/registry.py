"""Every secret that this process has read, and what every door to the outside does with its texts.

A secret registers itself when it is read; nobody hands it on. So a terminal, a file, an error or a card is
clean whoever writes to it, and a new door needs one call.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from vergeos_nb.masking.scrubber import OF_THIS_PROCESS
from vergeos_nb.masking.spellings import basic_pair, is_maskable, spellings


def register(secret: str, username: str | None = None) -> None:
    """Mask this from now on, wherever this process writes. What would fall on our own words is left out.

    Args:
        username: who logs in with it, for the Basic header that holds both.
    """
    forms = set(spellings(secret)) if is_maskable(secret) else set()
    OF_THIS_PROCESS.add(forms | ({basic_pair(secret, username)} if username else set()))


def register_url(url: str) -> None:
    """Mask what a URL holds in front of its host: a user and a password."""
    for secret in secrets_of_url(url):
        register(secret)


def secrets_of_url(url: str) -> tuple[str, ...]:
    """The texts in a URL that must not be shown."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        password = parts.password or ""
    except ValueError:
        return ()
    user = parts.netloc.rpartition("@")[0]
    return tuple(dict.fromkeys(text for text in (user, password, unquote(password)) if password and text))


def forget() -> None:
    """Begin anew, for tests."""
    OF_THIS_PROCESS.clear()


def masked(text: str, *, torn: bool = False) -> str:
    """A text as it may leave this process.

    Args:
        torn: it is known not to be whole, so that it may end within a secret.
    """
    return OF_THIS_PROCESS.text(text, torn=torn)


def masked_data(value: Any) -> Any:
    """Decoded JSON as it may leave this process."""
    return OF_THIS_PROCESS.data(value)


def cut(text: str, limit: int, *, torn: bool = False) -> str:
    """A text from outside, masked and then cut to `limit` characters. The one way to cut one."""
    return OF_THIS_PROCESS.cut(text, limit, torn=torn)
