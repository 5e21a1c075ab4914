"""The statement on an exported record: what it says, who signed it, and what of it other tools can check."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from tests.archive.made import archive, key
from vergeos_nb.archive.export.attestation import encoded_for_signing
from vergeos_nb.archive.export.exporting import ENVELOPE, as_zip
from vergeos_nb.archive.index import Index, Query
from vergeos_nb.archive.ledger.ledger_lines import LedgerEntry, hash_of
from vergeos_nb.archive.ledger.manifest import bundle
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.signing.sshsig import fits, read_signature
from vergeos_nb.errors import RecordError
from vergeos_nb.layout import MANIFEST, SIGNATURE


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return key(tmp_path)


def exported(tmp_path: Path, signer: Signer | None) -> tuple[LedgerEntry, dict[str, bytes]]:
    """The newest of five records, and the files of its export."""
    archive(tmp_path / "outputs", signer=signer)
    entry = Index(tmp_path / "outputs").find(Query())[-1]
    with zipfile.ZipFile(io.BytesIO(as_zip(tmp_path / "outputs", entry, None, signer))) as file:
        return entry, {name.partition("/")[2]: file.read(name) for name in file.namelist()}


def signed(envelope: bytes) -> tuple[bytes, dict[str, Any]]:
    """The bytes that were signed, and the envelope."""
    told = json.loads(envelope)
    return encoded_for_signing(base64.b64decode(told["payload"])), told


def test_the_statement_names_each_file_of_the_record_and_what_the_ledger_says_of_it(
    tmp_path: Path, signer: Signer
) -> None:
    entry, files = exported(tmp_path, signer)
    folder = tmp_path / "outputs" / entry.path
    names = [*bundle(folder), MANIFEST, SIGNATURE]
    sums = subprocess.run(
        ["sha256sum", *names], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(files[ENVELOPE])
    assert json.loads(base64.b64decode(told["payload"])) == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:vergeos-nb:record:1",
        "predicate": {
            "record": entry.record,
            "sealed_at": entry.sealed_at,
            "manifest": {"sha256": entry.manifest},
            "journal": {"size": entry.journal.size, "sha256": entry.journal.sha256},
            "ledger": {
                "count": entry.count,
                "line": {"sha256": hash_of(files["ledger.jsonl"].splitlines(keepends=True)[entry.count - 1])},
            },
            "fields": entry.fields,
        },
        "subject": [
            {"name": f"{entry.path}/{name}", "digest": {"sha256": digest}}
            for digest, name in map(str.split, sums.stdout.splitlines())
        ],
    }


def test_both_signatures_are_over_the_same_bytes_with_the_exporters_key(
    tmp_path: Path, signer: Signer
) -> None:
    _, files = exported(tmp_path, signer)
    message, told = signed(files[ENVELOPE])
    ssh, bare = told["signatures"]
    assert message.startswith(b"DSSEv1 28 application/vnd.in-toto+json ")
    assert [ssh["keyid"], bare["keyid"]] == [f"sshsig:{signer.fingerprint()}", signer.fingerprint()]
    signature = read_signature(base64.b64decode(ssh["sig"]))
    assert (signature.fingerprint, fits(signature, message), fits(signature, message + b" ")) == (
        signer.fingerprint(),
        True,
        False,
    )
    public = load_ssh_public_key(signer.path.with_suffix(".pub").read_bytes())
    assert isinstance(public, Ed25519PublicKey)
    public.verify(base64.b64decode(bare["sig"]), message)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(bare["sig"]), message + b" ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_checks_the_bare_signature(tmp_path: Path, signer: Signer) -> None:
    _, files = exported(tmp_path, signer)
    message, told = signed(files[ENVELOPE])
    blob = base64.b64decode(signer.path.with_suffix(".pub").read_text().split()[1])
    (tmp_path / "key.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + blob[-32:])
    (tmp_path / "sig").write_bytes(base64.b64decode(told["signatures"][1]["sig"]))
    for content, exit_code in ((message, 0), (message + b" ", 1)):
        (tmp_path / "message").write_bytes(content)
        command = [
            "openssl",
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "key.der",
            "-keyform",
            "DER",
            "-rawin",
        ]
        done = subprocess.run(
            [*command, "-in", "message", "-sigfile", "sig"], cwd=tmp_path, capture_output=True, timeout=60
        )
        assert done.returncode == exit_code, done.stderr


def test_a_key_that_only_openssh_can_use_signs_once(tmp_path: Path) -> None:
    rsa = key(tmp_path, "rsa", "rsa")
    _, files = exported(tmp_path, rsa)
    message, told = signed(files[ENVELOPE])
    (ssh,) = told["signatures"]
    assert ssh["keyid"] == f"sshsig:{rsa.fingerprint()}"
    assert fits(read_signature(base64.b64decode(ssh["sig"])), message)


def test_without_a_key_an_export_holds_no_statement_and_does_not_speak_of_one(tmp_path: Path) -> None:
    _, files = exported(tmp_path, None)
    assert (ENVELOPE in files, ENVELOPE in files["README.md"].decode()) == (False, False)


def test_a_key_that_cannot_be_used_names_the_way_to_an_export_without_a_statement(
    tmp_path: Path,
) -> None:
    archive(tmp_path / "outputs")
    entry = Index(tmp_path / "outputs").find(Query())[-1]
    with pytest.raises(RecordError, match="unset VERGEOS_NB_SIGNING_KEY to export without a statement"):
        as_zip(tmp_path / "outputs", entry, None, Signer(tmp_path / "no-key"))
