"""The page on verifying without this package is true: its commands pass, and they find tampering."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive.made import allowed, archive, key
from tests.at_night import at_night
from vergeos_nb.archive.retention import Keeper
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.clock import SystemClock

LEDGER = "ledger.jsonl"
ALLOWED = Path("~/.ssh/allowed_signers")
PAGE = Path(__file__).parents[3] / "docs" / "verify-by-hand.md"
BLOCKS = dict(re.findall(r"<!-- run: (\w+) -->\n```console\n(.*?)```", PAGE.read_text(), re.S))
TOOLS = ("bash", "sha256sum", "ssh-keygen", "jq", "python3", "diff", "seq", "find")

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


def by_hand(outputs: Path, scratch: Path) -> list[str]:
    """Names of the page's blocks that fail or print something."""
    failed = []
    for name, block in BLOCKS.items():
        script = "\n".join(line.removeprefix("$ ") for line in block.splitlines())
        folder = min(outputs.glob("*/*/")) if name == "python" else outputs
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script.replace("/tmp/", f"{scratch}/")],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if done.returncode or done.stdout or done.stderr:
            failed.append(name)
    return failed


def test_every_block_of_the_page_is_run_here() -> None:
    assert list(BLOCKS) == [
        *(
            "chain",
            "numbers",
            "head",
            "manifests",
            "files",
            "nothing",
            "signatures",
            "heads",
            "export",
            "statement",
            "python",
        )
    ]
    assert PAGE.read_text().count("```console") == len(BLOCKS)


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        (lambda outputs, folders: None, []),
        (
            lambda outputs, folders: edit(outputs / "ledger.jsonl", "INC-7", "INC-8"),
            ["chain", "head", "heads"],
        ),
        (lambda outputs, folders: cut(outputs / LEDGER), ["head", "nothing", "heads"]),
        (
            lambda outputs, folders: edit(folders[2] / "manifest.json", "INC-7", "INC-8"),
            ["manifests", "signatures", "export"],
        ),
        at_night(lambda outputs, folders: edit(folders[2] / "journal.jsonl", "run 3", "run 4"), ["files"]),
        (lambda outputs, folders: edit(folders[0] / "journal.jsonl", "run 1", "run 4"), ["files", "python"]),
        at_night(lambda outputs, folders: (folders[2] / "more").write_text(""), ["nothing"]),
        (lambda outputs, folders: shutil.rmtree(folders[2]), ["manifests", "nothing"]),
        at_night(
            lambda outputs, folders: shutil.copytree(folders[2], outputs / "2026-10-02" / "x"), ["nothing"]
        ),
        (lambda outputs, folders: swap_signatures(folders), ["signatures"]),
        (lambda outputs, folders: remove(outputs, folders[0]), []),
        at_night(lambda outputs, folders: allowed(ALLOWED.expanduser()), ["signatures"]),
    ],
)
def test_the_commands_pass_on_a_whole_archive_and_find_what_was_done_to_it(
    tmp_path: Path, change: Callable[[Path, list[Path]], object], failing: list[str]
) -> None:
    outputs = tmp_path / "outputs"
    signer = key(tmp_path)
    allowed(ALLOWED.expanduser(), signer)
    folders = archive(outputs, signer=signer)
    change(outputs, folders)
    assert by_hand(outputs, tmp_path) == failing


def edit(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def swap_signatures(folders: list[Path]) -> None:
    shutil.copy(folders[0] / "manifest.json.sig", folders[1] / "manifest.json.sig")


def remove(outputs: Path, folder: Path) -> None:
    keeper = Keeper(outputs, "ada", SystemClock(), Signer(outputs.parent / "jo"))
    keeper.hold(folder.name, "court")
    keeper.release(folder.name, "closed")
    keeper.remove([folder.name], "old")


def cut(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
