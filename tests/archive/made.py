"""Small archives with real seals, made without running anything."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from vergeos_nb.archive.ledger.manifest import Manifest
from vergeos_nb.archive.seal import seal
from vergeos_nb.archive.signing.signer import Signer
from vergeos_nb.client.scrub import Scrubber

DAY = "2026-10-01"
NONE = Scrubber()


def record(outputs: Path, number: int, *, day: str = DAY, **fields: Any) -> Path:
    """A finished record that is not sealed yet."""
    folder = outputs / day / f"{number:06}Z-force_power_off-web-01-{number:08x}"
    folder.mkdir(parents=True)
    opened = f"{day}T12:{number // 60 % 60:02}:{number % 60:02}.000Z"
    told = {
        "runbook": "force_power_off",
        "vm": {"name": "web-01", "key": 41, "machine": 44},
        "operator": "jo",
        "approval": None,
        "ticket": "INC-7",
        "outcome": "planned",
        "verdict": "off",
        "exit_code": 0,
        "profile": "lab",
        "simulated": True,
        "opened_at": opened,
        "ended_at": opened,
        **fields,
    }
    lines = [
        {"n": 1, "at": opened, "event": "run-opened", "runbook": "force_power_off", "on_host": "h", "pid": 1},
        {"n": 2, "at": opened, "event": "note", "text": f"run {number}"},
    ]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_rest(folder, told)
    return folder


def write_rest(folder: Path, told: dict[str, Any]) -> None:
    """The files that are made from the journal."""
    (folder / "notebook.ipynb").write_text(json.dumps({"cells": [], "of": folder.name, "told": told}))
    (folder / "notebook.html").write_text(f"<!doctype html><title>{folder.name}</title>{told['outcome']}\n")
    (folder / "record.json").write_text(json.dumps({"id": folder.name, **told}, indent=2) + "\n")


def finish_again(folder: Path, verdict: str = "off") -> None:
    """What a recovery does: a line more in the journal, and the other files made anew."""
    with (folder / "journal.jsonl").open("a") as file:
        file.write(json.dumps({"n": 3, "at": f"{DAY}T13:00:00.000Z", "event": "settled"}) + "\n")
    told = json.loads((folder / "record.json").read_text())
    write_rest(folder, {**told, "outcome": "interrupted", "verdict": verdict})


def sealed(outputs: Path, number: int, **fields: Any) -> Manifest:
    """A record, sealed."""
    return seal(record(outputs, number, **fields), NONE)


def key(folder: Path, name: str = "jo", kind: str = "ed25519") -> Signer:
    """A new key of an engineer, made by OpenSSH."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / name)]
    subprocess.run(command, check=True, timeout=60)
    return Signer(folder / name)


def allowed(path: Path, *signers: Signer) -> Path:
    """An allowed-signers file that names these keys after their files."""
    lines = []
    for signer in signers:
        public = signer.path.with_suffix(".pub").read_text()
        lines.append(f'{signer.path.name}@example.com namespaces="vergeos-nb" {public}')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# whom we trust\n" + "".join(lines))
    return path


def archive(outputs: Path, count: int = 5, signer: Signer | None = None) -> list[Path]:
    """An archive of sealed records, of which the second was sealed twice; the records' folders."""
    outputs.mkdir(parents=True, exist_ok=True)
    folders = []
    for number in range(1, count + 1):
        folders.append(record(outputs, number, outcome="refused" if number == 3 else "planned"))
        seal(folders[-1], NONE, signer=signer)
        if number == 3:
            finish_again(folders[1])
            seal(folders[1], NONE, signer=signer)
    return folders


def lines(outputs: Path) -> list[dict[str, Any]]:
    """What the ledger's lines say."""
    return [json.loads(line) for line in (outputs / "ledger.jsonl").read_text().splitlines()]
