"""How an archive of many records is searched and verified."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.claim import Claim, Goal, Metric, Pair, Setting, Trial
from bench.commands import command
from vergeos_nb.archive.ledger.ledger import EMPTY, Head
from vergeos_nb.archive.ledger.ledger_lines import Digest, LedgerPlace, hash_of
from vergeos_nb.archive.ledger.manifest import FIELDS, Manifest

MANY = 100_000
# Bytes of a planning run's record. The record of a run with all methods has about twice as many.
AS_LEFT = {
    "journal.jsonl": 24_000,
    "notebook.html": 140_000,
    "notebook.ipynb": 154_000,
    "record.json": 6_000,
}
SMALL = dict.fromkeys(AS_LEFT, 300)
VMS = 500
# At no less than 70 % of the peer's rate.
RATE = 1 / 0.7


def write_archive(outputs: Path, count: int, sizes: Mapping[str, int], *, folders: bool = True) -> None:
    """Write an archive as sealing does, without its waits for the disk.

    Args:
        folders: False writes the ledger alone, because searching reads nothing else.
    """
    rng = random.Random(count)
    filling = {name: rng.randbytes(size) for name, size in sizes.items()}
    head = EMPTY
    outputs.mkdir(parents=True)
    with (outputs / "ledger.jsonl").open("wb") as ledger:
        for number in range(1, count + 1):
            manifest, contents = _record(number, head, filling)
            if folders:
                _write(outputs / manifest.path, manifest, contents)
            line = manifest.line()
            ledger.write(line)
            head = Head(number, hash_of(line))
    (outputs / "ledger.head").write_text(f"{head}\n")


def _record(number: int, head: Head, filling: Mapping[str, bytes]) -> tuple[Manifest, dict[str, bytes]]:
    record = f"{number % 86_400:06}Z-force_power_off-web-{number % VMS:04}-{number:08x}"
    path = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}/{record}"
    told = {
        **dict.fromkeys(FIELDS, "none"),
        "vm": f"web-{number % VMS:04}",
        "vm_key": number % VMS,
        "exit_code": 0,
        "simulated": True,
        "opened_at": f"2026-10-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z",
    }
    contents = {name: b'{"n": %d}\n' % number + content for name, content in filling.items()}
    files = {name: Digest.of(content) for name, content in contents.items()}
    place = LedgerPlace(head.count + 1, head.hash)
    return Manifest(record, path, "2026-10-01T12:00:00.000Z", place, told, files), contents


def _write(folder: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_bytes(manifest.encoded())


def _audit(outputs: Path, *words: str) -> list[str | Path]:
    return [sys.executable, "-m", "vergeos_nb", "audit", *words, "--outputs", outputs]


@contextmanager
def _listing(setting: Setting) -> Iterator[Pair]:
    outputs = setting.folder / "outputs"
    write_archive(outputs, 1000 if setting.short else MANY, SMALL, folders=False)
    command(_audit(outputs, "reindex"), cwd=setting.folder)()
    vm = f"web-{VMS // 2:04}"
    yield Pair(
        command(_audit(outputs, "list", "--vm", vm), cwd=setting.folder),
        command(["grep", "-c", json.dumps(vm), outputs / "ledger.jsonl"], cwd=setting.folder),
    )


@contextmanager
def _listing_all(setting: Setting) -> Iterator[Pair]:
    outputs = setting.folder / "outputs"
    write_archive(outputs, 100 if setting.short else MANY, SMALL)
    command(_audit(outputs, "reindex"), cwd=setting.folder)()
    yield Pair(
        command(_audit(outputs, "list"), cwd=setting.folder, terminal=True),
        command(_audit(outputs, "list", "--help"), cwd=setting.folder),
    )


@contextmanager
def _indexing(setting: Setting) -> Iterator[Pair]:
    outputs = setting.folder / "outputs"
    write_archive(outputs, 20 if setting.short else 2000, AS_LEFT)
    yield Pair(command(_audit(outputs, "reindex"), cwd=setting.folder), _hashing(setting, outputs))


def _verifying(count: int, sizes: Mapping[str, int]) -> Callable[[Setting], AbstractContextManager[Pair]]:
    @contextmanager
    def pair(setting: Setting) -> Iterator[Pair]:
        outputs = setting.folder / "outputs"
        write_archive(outputs, 20 if setting.short else count, sizes)
        yield Pair(command(_audit(outputs, "verify"), cwd=setting.folder), _hashing(setting, outputs))

    return pair


def _hashing(setting: Setting, outputs: Path) -> Trial:
    """A trial of ``sha256sum`` over the same files, with as many on each command line as possible."""
    words = 'find "$1" -type f -print0 | xargs -0 sha256sum > /dev/null'
    return command(["sh", "-c", words, "sh", outputs], cwd=setting.folder)


CLAIMS = (
    Claim(
        "archive-list",
        f"audit list --vm over {MANY:,} records",
        "grep over the ledger",
        (Goal(Metric.WALL, 0.5, absolute=True), Goal(Metric.CPU, None)),
        _listing,
    ),
    Claim(
        "archive-list-all",
        f"audit list on a terminal over {MANY:,} records",
        "its own help, which only starts it up",
        (
            Goal(Metric.CPU, 0.3, absolute=True),
            Goal(Metric.WALL, None),
            Goal(Metric.MEMORY, 100, absolute=True),
        ),
        _listing_all,
        slow=True,
    ),
    Claim(
        "archive-reindex",
        "audit reindex over 2,000 records of 0.3 MB",
        "sha256sum over all their files",
        (Goal(Metric.WALL, RATE), Goal(Metric.CPU, None)),
        _indexing,
    ),
    Claim(
        "archive-verify",
        "audit verify over 2,000 records of 0.3 MB",
        "sha256sum over the same files",
        (Goal(Metric.WALL, RATE), Goal(Metric.CPU, None)),
        _verifying(2000, AS_LEFT),
    ),
    Claim(
        "archive-verify-many",
        f"audit verify over {MANY:,} records of 1 kB",
        "sha256sum over the same files",
        (Goal(Metric.WALL, 2), Goal(Metric.CPU, 2), Goal(Metric.MEMORY, 150, absolute=True)),
        _verifying(MANY, SMALL),
        rounds=1,
        slow=True,
    ),
)
