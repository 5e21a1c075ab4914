"""Signatures: whose they are, what they hold against, and what happens where a key cannot be used."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.archive.made import NONE, allowed, archive, finish_again, key, record
from tests.commands import command
from vergeos_nb.archive.ledger.ledger import Head, Ledger
from vergeos_nb.archive.ledger.ledger_lines import hash_of
from vergeos_nb.archive.ledger.manifest import read_manifest
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.signing import signer as signer_module
from vergeos_nb.archive.signing import sshsig
from vergeos_nb.archive.signing.allowed_signers import read_allowed_signers
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.archive.signing.sshsig import NAMESPACE, fits, read_signature
from vergeos_nb.archive.verify.verify import Report, verify
from vergeos_nb.canonical import canonical
from vergeos_nb.errors import RecordError, UsageError

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
LINES = 6


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of Jo and Kim, and a file that trusts Jo."""
    folder = tmp_path_factory.mktemp("keys")
    allowed(folder / "allowed", key(folder, "jo"))
    key(folder, "kim")
    return folder


@pytest.fixture(scope="module")
def untouched(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    outputs = tmp_path_factory.mktemp("archive") / "outputs"
    archive(outputs, signer=Signer(keys / "jo"))
    return outputs


@pytest.fixture
def outputs(untouched: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(untouched, tmp_path / "outputs"))


def folders(outputs: Path) -> list[Path]:
    return sorted(path.parent for path in outputs.glob("*/*/journal.jsonl"))


def place(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def checked(outputs: Path, keys: Path) -> Report:
    return verify(outputs, allowed=read_allowed_signers(keys / "allowed"))


def found(outputs: Path, keys: Path) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.where) for finding in checked(outputs, keys).findings]


def signed_head(outputs: Path) -> Path:
    (path,) = (outputs / "signed").glob("*.head")
    return path


def without_openssh(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (signer_module, sshsig):
        monkeypatch.setattr(module.shutil, "which", lambda name: None)


def by_openssh(message: bytes, signature: bytes, keys: Path, tmp_path: Path) -> int:
    """What ``ssh-keygen -Y verify`` ends with."""
    (tmp_path / "sig").write_bytes(signature)
    options = ["-f", keys / "allowed", "-I", "jo@example.com", "-n", NAMESPACE, "-s", tmp_path / "sig"]
    command = ["ssh-keygen", "-q", "-Y", "verify", *map(str, options)]
    return subprocess.run(command, input=message, capture_output=True).returncode


# -- what is signed ------------------------------------------------------------------------------


def test_each_record_and_the_newest_head_are_signed_and_hold(untouched: Path, keys: Path) -> None:
    report = checked(untouched, keys)
    assert (report.findings, report.notes, report.lines) == ((), (), LINES)
    assert report.voucher is not None
    assert (report.voucher.count, report.voucher.who) == (LINES, "jo@example.com")
    assert len(list(untouched.glob("*/*/manifest.json.sig"))) == 5
    assert signed_head(untouched).read_text() == (untouched / "ledger.head").read_text()
    print_of_jo = Signer(keys / "jo").fingerprint()
    manifests = [read_manifest((folder / "manifest.json").read_bytes()) for folder in folders(untouched)]
    assert {manifest.signer for manifest in manifests} == {print_of_jo}


def test_without_allowed_signers_signatures_must_hold_whosever_they_are(untouched: Path, keys: Path) -> None:
    voucher = verify(untouched).voucher
    assert voucher is not None
    assert (voucher.who, voucher.trusted) == (Signer(keys / "jo").fingerprint(), False)


def test_a_copy_holds_elsewhere_and_read_only(outputs: Path, keys: Path) -> None:
    (outputs / "ledger.lock").unlink()
    for path in [outputs, *outputs.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert found(outputs, keys) == []
    for path in [outputs, *outputs.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_each_key_has_one_signed_head_the_newest(outputs: Path, keys: Path) -> None:
    for number, who in ((10, "kim"), (11, "jo"), (12, "kim")):
        seal(record(outputs, number), NONE, signer=Signer(keys / who))
    heads = sorted(path.read_text().partition(":")[0] for path in (outputs / "signed").glob("*.head"))
    assert (heads, len(list((outputs / "signed").iterdir()))) == (["8", "9"], 4)
    both = allowed(keys / "both", Signer(keys / "jo"), Signer(keys / "kim"))
    assert verify(outputs, allowed=read_allowed_signers(both)).findings == ()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_every_kind_of_key_that_ssh_signs_with_does(tmp_path: Path, kind: str) -> None:
    signer = key(tmp_path, "sam", kind)
    archive(tmp_path / "outputs", 2, signer)
    allowed(tmp_path / "allowed", signer)
    assert found(tmp_path / "outputs", tmp_path) == []
    spoil = folders(tmp_path / "outputs")[0] / "manifest.json.sig"
    spoil.write_bytes((folders(tmp_path / "outputs")[1] / "manifest.json.sig").read_bytes())
    assert found(tmp_path / "outputs", tmp_path) == [
        ("signature-wrong", f"{place(spoil.parent)}/manifest.json.sig")
    ]


# -- what was done to it -------------------------------------------------------------------------


def cut(outputs: Path, count: int, *, records: bool) -> None:
    """Cut the ledger, and compute its head anew."""
    lines = (outputs / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    gone = {json.loads(line)["path"] for line in lines[count:]} - {
        json.loads(line)["path"] for line in lines[:count]
    }
    (outputs / "ledger.jsonl").write_bytes(b"".join(lines[:count]))
    (outputs / "ledger.head").write_text(f"{count}:{hash_of(lines[count - 1])}\n")
    for path in gone if records else ():
        shutil.rmtree(outputs / path)


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("trusting", [True, False])
def test_a_tail_cut_with_its_head_and_records_is_known_from_the_signed_head(
    outputs: Path, keys: Path, count: int, trusting: bool
) -> None:
    cut(outputs, count, records=True)
    report = checked(outputs, keys) if trusting else verify(outputs)
    assert [(str(finding.kind), finding.where) for finding in report.findings] == [
        ("old-ledger", "ledger.jsonl")
    ]


def test_a_signed_head_cannot_be_written_anew_by_hand(outputs: Path, keys: Path) -> None:
    cut(outputs, 5, records=True)
    signed_head(outputs).write_text((outputs / "ledger.head").read_text())
    assert found(outputs, keys) == [("signature-wrong", f"signed/{signed_head(outputs).name}")]


def test_a_ledger_and_its_records_written_anew_are_not_what_was_signed(
    outputs: Path, keys: Path, tmp_path: Path
) -> None:
    shutil.rmtree(outputs / "2026-10-01")
    forged = [record(outputs, number, operator="somebody else") for number in range(1, 7)]
    for name in ("ledger.jsonl", "ledger.head"):
        (outputs / name).unlink()
    for folder in forged:
        seal(folder, NONE)
    assert found(outputs, keys) == [("rewritten", "ledger.jsonl"), ("unsigned", "ledger.jsonl")]


def test_all_signatures_taken_away_are_missed(outputs: Path, keys: Path) -> None:
    shutil.rmtree(outputs / "signed")
    for path in outputs.glob("*/*/manifest.json.sig"):
        path.unlink()
    kinds = [kind for kind, _ in found(outputs, keys)]
    assert sorted(kinds) == ["signature-missing"] * 5 + ["unsigned"]
    assert {str(finding.kind) for finding in verify(outputs).findings} == {"signature-missing"}


Spoil = Callable[[Path, Path], None]
SPOILED: dict[str, tuple[Spoil, str]] = {
    "missing": (lambda path, other: path.unlink(), "signature-missing"),
    "empty": (lambda path, other: path.write_bytes(b""), "signature-wrong"),
    "no signature": (lambda path, other: path.write_text("hello\n"), "signature-wrong"),
    "of another record": (lambda path, other: shutil.copy(other, path) and None, "signature-wrong"),
    "a letter else": (
        lambda path, other: path.write_text(path.read_text()[:-60].swapcase() + path.read_text()[-60:]),
        "signature-wrong",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_signature_is_named(outputs: Path, keys: Path, how: str) -> None:
    first, second, *_ = folders(outputs)
    change, kind = SPOILED[how]
    change(first / "manifest.json.sig", second / "manifest.json.sig")
    assert found(outputs, keys) == [(kind, f"{place(first)}/manifest.json.sig")]


def test_a_link_in_the_place_of_a_signature_is_none(outputs: Path, keys: Path) -> None:
    path = folders(outputs)[0] / "manifest.json.sig"
    shutil.move(path, outputs.parent / "elsewhere")
    path.symlink_to(outputs.parent / "elsewhere")
    where = place(path.parent)
    assert found(outputs, keys) == [("file-changed", where), ("signature-wrong", f"{where}/{path.name}")]


def test_a_signature_for_another_purpose_is_none(outputs: Path, keys: Path) -> None:
    path = folders(outputs)[0] / "manifest.json"
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(keys / "jo")]
    done = subprocess.run(command, input=path.read_bytes(), capture_output=True, check=True)
    path.with_name("manifest.json.sig").write_bytes(done.stdout)
    where = f"{place(path.parent)}/manifest.json.sig"
    assert found(outputs, keys) == [("signature-wrong", where)]


def test_a_record_signed_by_another_than_it_names_is_named(outputs: Path, keys: Path) -> None:
    path = folders(outputs)[0] / "manifest.json"
    path.with_name("manifest.json.sig").write_bytes(Signer(keys / "kim").sign(path.read_bytes()))
    where = f"{place(path.parent)}/manifest.json.sig"
    assert found(outputs, keys) == [("signature-wrong", where)]


def test_a_signature_beside_a_record_that_names_no_signer_was_added(tmp_path: Path, keys: Path) -> None:
    (folder, *_) = archive(tmp_path / "outputs", 1)
    signature = Signer(keys / "jo").sign((folder / "manifest.json").read_bytes())
    (folder / "manifest.json.sig").write_bytes(signature)
    assert [finding.kind for finding in verify(tmp_path / "outputs").findings] == ["file-added"]


def test_records_of_a_key_that_nobody_trusts_are_named_and_vouch_for_nothing(
    outputs: Path, keys: Path
) -> None:
    folder = record(outputs, 10)
    seal(folder, NONE, signer=Signer(keys / "kim"))
    kim = next(path for path in (outputs / "signed").glob("7-*.head"))
    assert found(outputs, keys) == [
        ("signer-unknown", f"{place(folder)}/manifest.json.sig"),
        ("unsigned", "ledger.jsonl"),
        ("signer-unknown", f"signed/{kim.name}"),
    ]


def test_unsigned_records_after_signed_ones_are_named_until_the_head_is_signed(
    outputs: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(record(outputs, 10), NONE)
    seal(record(outputs, 11), NONE)
    (finding,) = checked(outputs, keys).findings
    assert (str(finding.kind), finding.detail) == (
        "unsigned",
        "no allowed signer vouches for numbers 7 to 8",
    )
    monkeypatch.setenv("VERGEOS_NB_SIGNING_KEY", str(keys / "jo"))
    assert audit("sign", "--outputs", str(outputs))[0] == 0
    assert found(outputs, keys) == []


def test_an_edited_line_with_everything_after_it_computed_anew_is_not_what_was_signed(
    outputs: Path, keys: Path
) -> None:
    lines = [json.loads(line) for line in (outputs / "ledger.jsonl").read_bytes().splitlines()]
    lines[0]["fields"]["operator"] = "somebody else"
    raw: list[bytes] = []
    for line in lines:
        line["previous"] = hash_of(raw[-1]) if raw else "0" * 64
        raw.append(canonical(line) + b"\n")
    (outputs / "ledger.jsonl").write_bytes(b"".join(raw))
    (outputs / "ledger.head").write_text(f"{LINES}:{hash_of(raw[-1])}\n")
    assert ("rewritten", "ledger.jsonl") in found(outputs, keys)


@given(st.data())
def test_no_byte_of_a_signature_can_be_another_unseen(
    untouched: Path, keys: Path, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([*untouched.glob("*/*/manifest.json.sig"), *untouched.glob("signed/*")]))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 2))
    other = data.draw(st.integers(32, 126).filter(lambda byte: byte != content[at]))
    try:
        path.write_bytes(content[:at] + bytes([other]) + content[at + 1 :])
        assert {kind for kind, _ in found(untouched, keys)} == {"signature-wrong"}
    finally:
        path.write_bytes(content)


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["openssh", "pkcs8"])
def test_without_openssh_an_ed25519_key_file_signs_what_openssh_accepts(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    path = keys / "jo"
    if form == "pkcs8":
        from cryptography.hazmat.primitives import serialization as s

        private = s.load_ssh_private_key(path.read_bytes(), None)
        path = tmp_path / "jo.pem"
        path.write_bytes(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
    with monkeypatch.context() as patched:
        if form == "openssh":
            without_openssh(patched)
        signature = Signer(path).sign(b"a message")
        assert Signer(path).fingerprint() == Signer(keys / "jo").fingerprint()
        assert fits(read_signature(signature), b"a message")
    assert signature == Signer(keys / "jo").sign(b"a message")  # Ed25519 leaves nothing to chance
    assert by_openssh(b"a message", signature, keys, tmp_path) == 0
    assert by_openssh(b"another", signature, keys, tmp_path) == 255
    assert not fits(read_signature(signature), b"another")


def test_without_openssh_a_signature_of_another_kind_of_key_is_not_checked_and_vouches_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = key(tmp_path, "sam", "ecdsa")
    (folder,) = archive(tmp_path / "outputs", 1, signer)
    allowed(tmp_path / "allowed", signer)
    without_openssh(monkeypatch)
    report = checked(tmp_path / "outputs", tmp_path)
    assert [str(finding.kind) for finding in report.findings] == ["unsigned"]
    assert report.notes[0] == (
        f"{place(folder)}/manifest.json.sig: a signature with ecdsa-sha2-nistp256 needs ssh-keygen, "
        "which is not installed"
    )


def test_a_key_in_an_agent_is_named_by_its_public_half(tmp_path: Path, keys: Path) -> None:
    assert Signer(keys / "jo.pub").fingerprint() == Signer(keys / "jo").fingerprint()


def locked_key(folder: Path) -> Path:
    path = folder / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f", str(path)], check=True)
    return path


UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not there": (lambda folder: folder / "none", "No such file"),
    "with a passphrase": (locked_key, "incorrect passphrase"),
    "no key": (lambda folder: write(folder / "junk", "junk"), "ssh-keygen: "),
}


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("how", UNUSABLE)
def test_with_a_key_that_cannot_be_used_a_record_is_sealed_without_a_signature_and_says_so(
    tmp_path: Path, how: str
) -> None:
    make, why = UNUSABLE[how]
    outputs = tmp_path / "outputs"
    folder = record(outputs, 1)
    with pytest.raises(RecordError, match="sealed, but not signed") as error:
        seal(folder, NONE, signer=Signer(make(tmp_path)))
    assert why in error.value.came_back
    assert (verify(outputs).records, verify(outputs).findings) == (1, ())
    assert not (folder / "manifest.json.sig").exists()


def test_a_record_finished_again_without_a_key_keeps_no_signature_of_before(
    outputs: Path, keys: Path
) -> None:
    folder = folders(outputs)[0]
    finish_again(folder)
    seal(folder, NONE)
    assert not (folder / "manifest.json.sig").exists()
    assert found(outputs, keys) == [("unsigned", "ledger.jsonl")]


# -- allowed signers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "trusted"),
    [
        ("", True),
        ('namespaces="vergeos-nb"', True),
        ('namespaces="git,vergeos-*"', True),
        ('namespaces="git"', False),
        ('valid-after="20260101"', True),
        ('valid-after="20260101",valid-before="29990101000000Z"', True),
        ('valid-before="20260101"', False),
        ('valid-after="29990101Z"', False),
    ],
)
def test_a_line_means_to_us_what_it_means_to_openssh(
    outputs: Path, keys: Path, tmp_path: Path, options: str, trusted: bool
) -> None:
    public = (keys / "jo.pub").read_text()
    (tmp_path / "allowed").write_text(f"jo@example.com {options} {public}")
    path = folders(outputs)[0] / "manifest.json"
    signature = path.with_name("manifest.json.sig").read_bytes()
    assert (by_openssh(path.read_bytes(), signature, tmp_path, tmp_path) == 0) is trusted
    assert (found(outputs, tmp_path) == []) is trusted


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("jo ssh-ed25519", "line 1: it is too short"),
        ("jo ssh-ed25519 AAAA", "line 1: it was cut off"),
        ("jo ssh-ed25519 !!!! x", "line 1: it holds no key"),
        ("\n*@x cert-authority ssh-ed25519 AAAA", "line 2: 'cert-authority' is no option that is read here"),
        ('jo valid-after="soon" KEY', "line 1: 'soon' is no time"),
        ("jo ssh-rsa KEYONLY", "line 1: the key is of another type"),
    ],
)
def test_a_line_that_cannot_be_meant_is_an_error_and_never_left_out(
    tmp_path: Path, keys: Path, text: str, why: str
) -> None:
    public = (keys / "jo.pub").read_text().strip()
    text = text.replace("KEYONLY", public.split()[1]).replace("KEY", public)
    with pytest.raises(UsageError) as error:
        read_allowed_signers(write(tmp_path / "allowed", text))
    assert error.value.came_back.startswith(why)


# -- the command line ----------------------------------------------------------------------------


def audit(*arguments: str) -> tuple[int, Any, str]:
    """Exit code, answer and standard error of ``vergeos-nb audit … --json``."""
    done = command("audit", *arguments, "--json", timeout=60)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_verify_takes_the_allowed_signers_and_says_who_signed(outputs: Path, keys: Path) -> None:
    options = ("--outputs", str(outputs), "--allowed-signers")
    code, answer, _ = audit("verify", *options, str(keys / "allowed"))
    assert (code, answer["signed"]) == (0, {"count": LINES, "who": "jo@example.com", "trusted": True})
    code, answer, _ = audit("verify", *options, str(allowed(keys / "kims", Signer(keys / "kim"))))
    assert (code, {finding["kind"] for finding in answer["findings"]}) == (3, {"signer-unknown", "unsigned"})
    code, answer, _ = audit("verify", *options, str(keys / "none"))
    assert (code, answer["type"]) == (2, "UsageError")


def test_signing_an_archive_that_was_spoiled_is_refused(outputs: Path, keys: Path) -> None:
    (folders(outputs)[0] / "notebook.html").write_text("forged")
    before = sorted((outputs / "signed").iterdir())
    code, answer, _ = audit("sign", "--outputs", str(outputs), "--key", str(keys / "kim"))
    assert (code, answer["type"], sorted((outputs / "signed").iterdir())) == (3, "Refused", before)


def test_signing_says_where_the_ledger_ends_and_needs_a_key(outputs: Path, keys: Path) -> None:
    code, answer, _ = audit("sign", "--outputs", str(outputs), "--key", str(keys / "kim"))
    with Ledger(outputs).locked():
        head, _ = Ledger(outputs).newest()
    assert (code, answer["head"], head.count) == (0, str(head), LINES)
    assert head == Head(LINES, hash_of((outputs / "ledger.jsonl").read_bytes().splitlines(True)[-1]))
    code, answer, _ = audit("sign", "--outputs", str(outputs))
    assert (code, answer["came_back"]) == (2, "no key was named")
