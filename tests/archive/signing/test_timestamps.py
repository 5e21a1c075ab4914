"""Timestamps of heads by an authority on loopback, which is OpenSSL's own."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.archive.made import archive, sealed
from tests.archive.signing.test_signatures import audit, cut
from vergeos_nb.archive.signing.timestamps import Authorities
from vergeos_nb.archive.verify.verify import verify

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
"""


def openssl(*words: object) -> bytes:
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60).stdout


@dataclass
class Authority:
    """A timestamp authority: where it answers, and its root certificate."""

    url: str
    root: Path
    answers: bytes | None = None


def certificates(folder: Path) -> Path:
    """A root, and an authority's certificate under it. Returns the root's file."""
    (folder / "config").write_text("[req]\ndistinguished_name = dn\n[dn]\n" + CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", folder / "config")
    root = ("-keyout", folder / "root.key", "-out", folder / "root.pem")
    openssl("req", "-x509", *new, "-subj", "/CN=root", "-days", 9, "-extensions", "ca", *root)
    openssl("req", *new, "-subj", "/CN=tsa", "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr")
    by_root = ("-CA", folder / "root.pem", "-CAkey", folder / "root.key", "-CAcreateserial")
    as_leaf = ("-extfile", folder / "config", "-extensions", "leaf", "-out", folder / "tsa.pem")
    openssl("x509", "-req", "-in", folder / "tsa.csr", "-days", 9, *by_root, *as_leaf)
    return folder / "root.pem"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    folder = tmp_path_factory.mktemp("tsa")
    root = certificates(folder)

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            words = ("ts", "-reply", "-config", folder / "config", "-section", "tsa")
            answer = made.answers or openssl(*words, "-queryfile", folder / "query")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    made = Authority(f"http://127.0.0.1:{server.server_port}/", root)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def kinds(outputs: Path, authority: Authority) -> list[tuple[str, str]]:
    report = verify(outputs, authorities=Authorities(authority.root))
    return [(str(finding.kind), finding.where) for finding in report.findings]


def test_a_head_is_timestamped_and_holds_while_the_ledger_grows(tmp_path: Path, authority: Authority) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs)
    code, answer, _ = audit("timestamp", "--tsa", authority.url, "--outputs", str(outputs))
    assert (code, answer["head"]) == (0, (outputs / "ledger.head").read_text().strip())
    sealed(outputs, 9)
    report = verify(outputs, authorities=Authorities(authority.root))
    assert report.findings == ()
    assert report.notes == (f"timestamps/6.head: number 6 stood at {answer['time']}",)
    assert verify(outputs).notes == ("not checked: 1 timestamp; name the authorities",)
    words = ("-data", outputs / "timestamps/6.head", "-in", outputs / "timestamps/6.head.tsr")
    told = openssl("ts", "-verify", *words, "-CAfile", authority.root)
    assert told in (b"", b"Verification: OK\n")


def test_a_tail_cut_after_a_timestamp_and_a_forged_one_are_found(
    tmp_path: Path, authority: Authority
) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs)
    assert audit("timestamp", "--tsa", authority.url, "--outputs", str(outputs))[0] == 0
    stamped = outputs / "timestamps" / "6.head"
    before = stamped.read_bytes()
    stamped.write_bytes(before.replace(b"6:", b"5:"))
    assert kinds(outputs, authority) == [("timestamp-wrong", "timestamps/6.head")]
    stamped.write_bytes(before)
    answer = stamped.with_name("6.head.tsr")
    answer.rename(tmp_path / "answer")
    assert kinds(outputs, authority) == [("timestamp-wrong", "timestamps/6.head")]
    (tmp_path / "answer").rename(answer)
    cut(outputs, 4, records=True)
    assert kinds(outputs, authority) == [("old-ledger", "ledger.jsonl")]


def test_an_authority_that_nobody_named_does_not_count(tmp_path: Path, authority: Authority) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs, 1)
    assert audit("timestamp", "--tsa", authority.url, "--outputs", str(outputs))[0] == 0
    (tmp_path / "other").mkdir()
    other = Authority("", certificates(tmp_path / "other"))
    assert kinds(outputs, other) == [("timestamp-wrong", "timestamps/1.head")]


def test_an_answer_that_is_none_or_for_something_else_is_not_kept(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs"
    archive(outputs, 1)
    options = ("--tsa", authority.url, "--outputs", str(outputs))
    monkeypatch.setattr(authority, "answers", b"nonsense")
    assert audit("timestamp", *options)[1]["came_back"] == "the answer is not a timestamp"
    monkeypatch.setattr(authority, "answers", None)
    assert audit("timestamp", *options)[0] == 0
    old = (outputs / "timestamps" / "1.head.tsr").read_bytes()
    sealed(outputs, 2)
    monkeypatch.setattr(authority, "answers", old)
    assert audit("timestamp", *options)[1]["came_back"] == "the answer is for something else"
    assert not (outputs / "timestamps" / "2.head").exists()
    assert audit("timestamp", "--tsa", "http://127.0.0.1:9/", "--outputs", str(outputs))[0] == 10
