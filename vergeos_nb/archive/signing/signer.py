"""Sign with the engineer's or the service's own SSH key, as git does.

If OpenSSH is installed, it signs. Then agents, tokens and every kind of key work, and this process never
reads the key. Without OpenSSH only an Ed25519 key file without a passphrase works.
"""

from __future__ import annotations

import base64
import binascii
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vergeos_nb.archive.signing.sshsig import (
    NAMESPACE,
    PROGRAM,
    WAIT_S,
    fields_of_key,
    fingerprint,
    public_blob,
    read_signature,
    sign_ed25519,
)
from vergeos_nb.errors import RecordError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# A key that OpenSSH does not read.
_PKCS8 = b"-----BEGIN PRIVATE KEY-----"


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key.

    Attributes:
        path: the file of the private key, or of the public key if an agent holds the private key.

    Raises:
        RecordError: from every method, when the key cannot be used.
    """

    path: Path

    def fingerprint(self) -> str:
        """The key's, as OpenSSH shows it."""
        beside = self.path if self.path.suffix == ".pub" else self.path.with_name(self.path.name + ".pub")
        if beside.is_file():
            return fingerprint(_public(beside.read_text(errors="replace"), beside))
        if self._by_openssh():
            told = self._call(["-y", "-f", str(self.path)], b"")
            return fingerprint(_public(told.decode("ascii", "replace"), self.path))
        return fingerprint(public_blob(self._private()))

    def sign(self, message: bytes) -> bytes:
        """The content of a signature file over a message."""
        if not self._by_openssh():
            return sign_ed25519(message, self._private()).encode()
        signature = self._call(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(self.path)], message)
        try:
            read_signature(signature)
        except ValueError as error:
            raise _unusable(self.path, f"{PROGRAM} gave something else than a signature") from error
        return signature

    def sign_bare(self, message: bytes) -> bytes | None:
        """The Ed25519 signature over the message itself, or None if only OpenSSH can use the key."""
        try:
            return self._private().sign(message)
        except RecordError:
            return None

    def _by_openssh(self) -> bool:
        try:
            with self.path.open("rb") as file:
                begins = file.read(len(_PKCS8))
        except OSError as error:
            raise _unusable(self.path, error.strerror or str(error)) from error
        return begins != _PKCS8 and shutil.which(PROGRAM) is not None

    def _call(self, options: list[str], message: bytes) -> bytes:
        try:
            # In a session of its own it has no terminal, so it cannot wait for a passphrase.
            done = subprocess.run(
                [PROGRAM, *options],
                input=message,
                capture_output=True,
                timeout=WAIT_S,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _unusable(self.path, f"{PROGRAM} did not answer within {WAIT_S:g} s") from error
        except OSError as error:
            raise _unusable(self.path, f"{PROGRAM}: {error.strerror}") from error
        if done.returncode:
            told = done.stderr.decode("utf-8", "replace").split("\n")[0].removeprefix("Enter passphrase: ")
            raise _unusable(self.path, f"{PROGRAM}: {told.strip() or done.returncode}")
        return done.stdout

    def _private(self) -> Ed25519PrivateKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

        try:
            content = self.path.read_bytes()
            load = load_pem_private_key if content.startswith(_PKCS8) else load_ssh_private_key
            key = load(content, None)
        except OSError as error:
            raise _unusable(self.path, error.strerror or str(error)) from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            why = "it has a passphrase, or is no private key"
            raise _unusable(self.path, f"{why}; {PROGRAM} is not used for it") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable(self.path, f"without {PROGRAM} only Ed25519 keys can be used")
        return key


def _public(text: str, path: Path) -> bytes:
    try:
        key = base64.b64decode(text.split()[1], validate=True)
        fields_of_key(key)
    except (IndexError, ValueError, binascii.Error) as error:
        raise _unusable(path, "there is no public key in it") from error
    return key


def _unusable(path: Path, why: str) -> RecordError:
    return RecordError(
        f"signing with {path}",
        why,
        "everything is sealed, but not signed; make the key usable without a question (load a key with a "
        "passphrase into an agent), then run `vergeos-nb audit sign`",
    )
