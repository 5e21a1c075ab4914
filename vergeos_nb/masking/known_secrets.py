"""Every secret that this process has read, and the masking that every way out of the process uses.

A secret registers itself when it is read, so no caller passes it on. Every writer to a terminal, file, error
or card calls the same function, and a new way out needs one call.
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.masking.scrubber import OF_THIS_PROCESS
from vergeos_nb.masking.spellings import basic_pair, is_maskable, spellings


def register(secret: str, username: str | None = None) -> None:
    """Mask this from now on, in everything that this process writes. Spellings that are our own words are
    left out.

    Args:
        username: the user of this password; the Basic header holds both.
    """
    forms = set(spellings(secret)) if is_maskable(secret) else set()
    OF_THIS_PROCESS.add(forms | ({basic_pair(secret, username)} if username else set()))


def register_url(url: str) -> None:
    """Mask the user and the password that a URL holds in front of its host."""
    for secret in secrets_of_url(url):
        register(secret)


def secrets_of_url(url: str) -> tuple[str, ...]:
    """The texts in a URL that must not be shown."""
    from urllib.parse import unquote, urlsplit  # loads slowly, and help does without

    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        password = parts.password or ""
    except ValueError:
        return ()
    user = parts.netloc.rpartition("@")[0]
    return tuple(dict.fromkeys(text for text in (user, password, unquote(password)) if password and text))


def forget() -> None:
    """Forget all secrets; for tests."""
    OF_THIS_PROCESS.clear()


def state_of_masking() -> int:
    """A number that is another one when another secret is known: what was masked before is masked anew."""
    return hash(OF_THIS_PROCESS.secrets)


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
