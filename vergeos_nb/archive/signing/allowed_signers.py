"""The people that an auditor trusts: an allowed-signers file, as git and ``ssh-keygen -Y verify`` read it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from vergeos_nb.archive.signing.sshsig import NAMESPACE, fields_of_key, fingerprint
from vergeos_nb.errors import UsageError
from vergeos_nb.shapes import Unfit, content_of, text_of

_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
_OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?(?:,|$)')
_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")
_TIME = re.compile(r"(\d{8})(\d{4})?(\d{2})?(Z?)")


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of the file.

    Attributes:
        who: the principals that it names.
        after, before: seconds since 1970 between which the key may have signed, or None.
    """

    who: str
    fingerprint: str
    after: float | None = None
    before: float | None = None

    def may_sign_at(self, moment: float | None) -> bool:
        """Whether the key was valid then; None is an unknown time."""
        if moment is None:
            return self.after is None and self.before is None
        return (self.after is None or moment >= self.after) and (self.before is None or moment < self.before)


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """The keys that are trusted for our namespace."""

    lines: Sequence[Allowed]

    def who(self, fingerprint: str, moment: float | None) -> str | None:
        """The principals of this key; None if it was not trusted at that time."""
        for line in self.lines:
            if line.fingerprint == fingerprint and line.may_sign_at(moment):
                return line.who
        return None


def read_allowed_signers(path: Path) -> AllowedSigners:
    """Read the file. Keys that are allowed for other namespaces only are left out.

    Raises:
        UsageError: it cannot be read, or a line is not valid. Certificate authorities are not supported.
    """
    asked = f"reading the allowed signers {path}"
    try:
        text = text_of(content_of(path))
    except Unfit as unfit:
        raise UsageError(asked, unfit.why, "name the file with --allowed-signers") from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            allowed = _line(line)
        except ValueError as error:
            hint = 'a line is: NAME [namespaces="vergeos-nb"] KEYTYPE KEY'
            raise UsageError(asked, f"line {number}: {error}", hint) from error
        if allowed is not None:
            found.append(allowed)
    return AllowedSigners(tuple(found))


def _line(line: str) -> Allowed | None:
    words = _WORD.findall(line)
    if len(words) < 3:
        raise ValueError("it is too short")
    options: dict[str, str] = {}
    if not words[1].startswith(_KEY_TYPES):
        options = _options(words.pop(1))
    try:
        key = base64.b64decode(words[2], validate=True)
        if fields_of_key(key)[0] != words[1].encode():
            raise ValueError("the key is of another type than it says")
    except (IndexError, binascii.Error) as error:
        raise ValueError("it holds no key") from error
    namespaces = options.get("namespaces")
    if namespaces is not None and not any(fnmatchcase(NAMESPACE, name) for name in namespaces.split(",")):
        return None
    after, before = (_moment(options.get(name)) for name in ("valid-after", "valid-before"))
    return Allowed(words[0].strip('"'), fingerprint(key), after, before)


def _options(word: str) -> dict[str, str]:
    found, at = {}, 0
    while at < len(word):
        match = _OPTION.match(word, at)
        if match is None or match[1] not in ("namespaces", "valid-after", "valid-before") or match[2] is None:
            raise ValueError(f"{word[at:]!r} is no option that is read here")
        found[match[1]] = match[2]
        at = match.end()
    return found


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no time such as 20261001 or 202610011200Z")
    moment = datetime.strptime(f"{match[1]}{match[2] or '0000'}{match[3] or '00'}", "%Y%m%d%H%M%S")
    # As in OpenSSH: local time, unless it ends with Z.
    return (moment.replace(tzinfo=UTC) if match[4] else moment).timestamp()
