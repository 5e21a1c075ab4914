"""SSH signatures, as ``ssh-keygen -Y`` writes them: the format, and Ed25519 without OpenSSH.

The format is OpenSSH's PROTOCOL.sshsig. A signature names its key and its namespace. It does not say who owns
the key.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAMESPACE = "vergeos-nb"
"""The namespace of our signatures. A signature for another purpose, such as a git commit, is not accepted."""
ED25519 = "ssh-ed25519"
PROGRAM = "ssh-keygen"
# Seconds. A key on a token waits until a person touches it.
WAIT_S = 30.0

_MAGIC = b"SSHSIG"
_ARMOR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?", re.ASCII
)
_WIDTH = 70
_HASHES = ("sha256", "sha512")


class CannotCheck(Exception):  # noqa: N818 — it says what happened, and never leaves this room
    """No program on this machine can check a signature by this type of key."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The content of a signature file.

    Attributes:
        key: the public key as SSH encodes it.
        value: the signature proper, with its algorithm, as SSH encodes it.
        armored: the file's text.
    """

    key: bytes
    namespace: str
    hash_name: str
    value: bytes
    armored: str

    @property
    def fingerprint(self) -> str:
        """The key's, as OpenSSH shows it."""
        return fingerprint(self.key)

    @property
    def key_type(self) -> str:
        """Such as ``ssh-ed25519``."""
        return _text(_fields(self.key)[0])


def read_signature(content: bytes) -> Signature:
    """The signature in the bytes of a file.

    Raises:
        ValueError: they hold no signature.
    """
    armored = content.decode("ascii", "replace")
    match = _ARMOR.fullmatch(armored)
    if match is None:
        raise ValueError("it is no SSH signature")
    text = match[1].replace("\n", "")
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is no SSH signature") from error
    # Other last letters could stand for the same bytes.
    if base64.b64encode(blob).decode() != text:
        raise ValueError("it is no SSH signature as ssh-keygen writes them")
    if not blob.startswith(_MAGIC) or blob[6:10] != struct.pack(">I", 1):
        raise ValueError("it is no SSH signature of version 1")
    fields = _fields(blob[10:])
    if len(fields) != 5 or fields[2] or _text(fields[3]) not in _HASHES:
        raise ValueError("it is no SSH signature as ssh-keygen writes them")
    key, namespace, _, hash_name, value = fields
    signature = Signature(key, _text(namespace), _text(hash_name), value, armored)
    if not signature.key_type.isascii() or not fields_of_key(key):
        raise ValueError("it holds no key")
    return signature


def fits(signature: Signature, message: bytes) -> bool:
    """Whether a signature was made over this message, for our namespace, with the key that it names.

    Raises:
        CannotCheck: its key is not Ed25519, and there is no OpenSSH.
    """
    if signature.namespace != NAMESPACE:
        return False
    return _ed25519_fits(signature, message) if signature.key_type == ED25519 else _fits(signature, message)


def _ed25519_fits(signature: Signature, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        algorithm, value = _fields(signature.value)
        _, raw = _fields(signature.key)
        if _text(algorithm) != ED25519:
            return False
        Ed25519PublicKey.from_public_bytes(raw).verify(value, _signed(message, signature.hash_name))
    except (ValueError, InvalidSignature):
        return False
    return True


def _fits(signature: Signature, message: bytes) -> bool:
    if shutil.which(PROGRAM) is None:
        raise CannotCheck(f"a signature with {signature.key_type} needs {PROGRAM}, which is not installed")
    with tempfile.TemporaryDirectory(prefix="vergeos-nb-") as folder:
        path = Path(folder) / "signature"
        path.write_text(signature.armored)
        command = [PROGRAM, "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(path)]
        done = subprocess.run(command, input=message, capture_output=True, timeout=WAIT_S, check=False)
    return done.returncode == 0


def sign_ed25519(message: bytes, key: Ed25519PrivateKey) -> str:
    """Sign as ``ssh-keygen -Y sign -n vergeos-nb`` would with this key; the signature file's text."""
    public = public_blob(key)
    value = _string(ED25519.encode()) + _string(key.sign(_signed(message, "sha512")))
    blob = (
        _MAGIC
        + struct.pack(">I", 1)
        + b"".join(_string(part) for part in (public, NAMESPACE.encode(), b"", b"sha512", value))
    )
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def public_blob(key: Ed25519PrivateKey) -> bytes:
    """The public half, as SSH encodes it."""
    return _string(ED25519.encode()) + _string(key.public_key().public_bytes_raw())


def fingerprint(key: bytes) -> str:
    """``SHA256:…`` of a public key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def fields_of_key(key: bytes) -> list[bytes]:
    """The parts of a public key as SSH encodes it.

    Raises:
        ValueError: the bytes are no key.
    """
    return _fields(key)


def _signed(message: bytes, hash_name: str) -> bytes:
    parts = (NAMESPACE.encode(), b"", hash_name.encode(), hashlib.new(hash_name, message).digest())
    return _MAGIC + b"".join(_string(part) for part in parts)


def _string(part: bytes) -> bytes:
    return struct.pack(">I", len(part)) + part


def _fields(blob: bytes) -> list[bytes]:
    found = []
    while blob:
        if len(blob) < 4 or len(blob) - 4 < (size := int.from_bytes(blob[:4])):
            raise ValueError("it was cut off")
        found.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    if not found:
        raise ValueError("it is empty")
    return found


def _text(part: bytes) -> str:
    return part.decode("ascii", "backslashreplace")
