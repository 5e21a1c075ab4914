"""Accidental changes by other programs: changed line ends, and files that desktops and editors leave.

Both look like tampering, so both are findings. Each has its own name, and says what to do.
"""

from __future__ import annotations

import re

from vergeos_nb.layout import ATTRIBUTES

LINE_ENDS = (
    "its line ends were changed, as git on Windows does, and nothing else. Get the file from a copy, or "
    f"check it out anew where {ATTRIBUTES} says `* -text`"
)
ATTRIBUTES_SAY = b"# What is sealed here is sealed byte by byte: git leaves line ends alone.\n* -text\n"

_LITTER = re.compile(
    r"""
    \.DS_Store | \._.* | \.AppleDouble | \.localized | Icon\r | __MACOSX
    | \.Spotlight-V100 | \.Trashes | \.fseventsd | \.directory | \.Trash-\d+ | @eaDir
    | Thumbs\.db(:encryptable)? | ehthumbs\.db | desktop\.ini
    | \.nfs[0-9a-fA-F]+ | \.fuse_hidden[0-9a-fA-F]+ | \.smbdelete.* | \.goutputstream-.+
    | .+~ | ~\$.+ | \#.*\# | \.\#.* | \..*\.sw[a-p] | .+\.(bak|orig|rej|old) | \.~lock\..*\# | 4913
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_litter(name: str) -> bool:
    """Whether a desktop, an editor or NFS leaves files of this name. The name may be a path."""
    return any(_LITTER.fullmatch(part) for part in name.split("/"))


def with_unix_ends(content: bytes) -> bytes:
    """The content with the line ends that we write."""
    return content.replace(b"\r\n", b"\n")
