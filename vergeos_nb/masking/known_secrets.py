"""All secrets that this process has read, and the masking that everything uses that writes or shows texts.

A secret registers itself when it is read, so callers need not pass it on. Every writer to a terminal, file,
error or card calls the same function.
"""

from __future__ import annotations

from typing import Any

from vergeos_nb.masking.scrubber import OF_THIS_PROCESS
from vergeos_nb.masking.spellings import basic_pair, is_maskable, spellings


def register(secret: str, username: str | None = None) -> None:
    """Mask this secret from now on in everything that this process writes. Our own words are never masked.

    Args:
        username: the user of this password. The Basic header holds both.
    """
    forms = set(spellings(secret)) if is_maskable(secret) else set()
    OF_THIS_PROCESS.add(forms | ({basic_pair(secret, username)} if username else set()))


def register_url(url: str) -> None:
    """Mask the user and the password in a URL."""
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
    """A number that changes when a secret is added. What was masked and cached before is then stale."""
    return hash(OF_THIS_PROCESS.secrets)


def masked(text: str, *, torn: bool = False) -> str:
    """A text as it may leave this process.

    Args:
        torn: the text is known to be cut off, so it may end within a secret.
    """
    return OF_THIS_PROCESS.text(text, torn=torn)


def masked_data(value: Any) -> Any:
    """Decoded JSON as it may leave this process."""
    return OF_THIS_PROCESS.data(value)


def cut(text: str, limit: int, *, torn: bool = False) -> str:
    """A text from outside, masked and then cut to `limit` characters. No other code cuts texts."""
    return OF_THIS_PROCESS.cut(text, limit, torn=torn)
