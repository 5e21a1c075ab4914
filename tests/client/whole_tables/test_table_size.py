"""The pages of a whole table have a bound in sum, and a real system of 50,000 VMs is far below it."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rehearsal import Rehearsal
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.client.whole_tables.fleet_tables import PAGE, VM_COLUMNS
from vergeos_nb.client.whole_tables.table_size import MOST_KEPT, size_of
from vergeos_nb.client.whole_tables.typed_rows import Gathering, sent_as
from vergeos_nb.errors import BadAnswer
from vergeos_nb.procedure.runbooks.catalog import read_parameters
from vergeos_nb.session.run import Run
from vergeos_nb.settings import Credentials, Profile, Secret

PROFILE = Profile("lab", "vergeos.example", Credentials("basic", "admin", Secret("canary")), paced=False)
Row = Callable[[int], str]
BOOK = "x" * 1200


def vm(key: int, name: str = "") -> dict[str, Any]:
    runs = key % 3 > 0
    named = {
        "vm_key": key, "name": name or f"customer-{key % 100}-web-{key:05d}", "machine_key": key + 3,
        "cpu_cores": 4, "ram_mb": 8192, "ha_group": "", "status_key": key + 5, "status_machine": key + 3,
        "running": runs, "status": "running" if runs else "stopped", "state": "online",
        "node": key % 30 if runs else None, "migration_destination": None, "started": 1_790_000_000 + key,
        "last_update": 1_790_000_000 + key, "total_cpu": key % 90, "ram_used": 4000, "stats_written": 1,
    }  # fmt: skip
    return {sent: named[name] for name, sent in sent_as(VM_COLUMNS).items()}


def endless(row: Row) -> httpx.MockTransport:
    """Every page is full, and none is the last."""
    keys = itertools.count(1)

    def answer(request: httpx.Request) -> httpx.Response:
        rows = ",".join(row(next(keys)) for _ in range(int(request.url.params["limit"])))
        return httpx.Response(200, content=f"[{rows}]".encode())

    return httpx.MockTransport(answer)


NODE = {
    "name": "node", "machine": 3, "status": "running", "state": "online", "maintenance": False,
    "vsan_connected": True, "running": True,
}  # fmt: skip
HOSTILE: dict[str, tuple[Row, Callable[[VergeApi], Any]]] = {
    "VMs without end": (
        lambda key: f'{{"$key":{key},"b":"vm-{key}","c":{key}}}',
        VergeApi.fleet_vms,
    ),
    "names that are books": (
        lambda key: f'{{"$key":{key},"b":"{BOOK}","c":{key}}}',
        VergeApi.fleet_vms,
    ),
    "a word of its own in each row": (
        lambda key: f'{{"$key":{key},"b":{key},"f":"{key:01000}"}}',
        VergeApi.fleet_signs,
    ),
    "NICs without end": (lambda key: f'{{"$key":{key},"b":{key}}}', VergeApi.fleet_counters),
    "nodes without end": (lambda key: json.dumps(NODE | {"$key": key}), VergeApi.all_nodes),
    "rows for a capture": (
        lambda key: f'{{"$key":{key},"text":"{BOOK}"}}',
        lambda api: api.whole_table("vms", fields="$key,text"),
    ),
}


@pytest.mark.parametrize("which", HOSTILE)
def test_a_table_whose_pages_come_to_too_much_is_refused_and_the_way_on_is_named(which: str) -> None:
    """Each page was within its bounds, and a hundred of them took a gigabyte."""
    row, read = HOSTILE[which]
    with VergeApi(Wire(PROFILE, transport=endless(row))) as api, pytest.raises(BadAnswer) as refused:
        read(api)
    assert "MB of memory, far more than a system of 50,000 VMs needs, so reading was stopped" in str(
        refused.value
    )
    assert "To read one VM alone, begin a run with its vm_name or vm_key" in refused.value.next_step


@pytest.mark.parametrize("name", ["", "größe-\U0001f600-{}"])
def test_fifty_thousand_vms_need_half_of_what_they_may_whatever_their_names_are(name: str) -> None:
    page = [vm(key, name and name.format(key)) for key in range(1, PAGE + 1)]
    content = json.dumps(page, ensure_ascii=False).encode()
    gathering = Gathering(VM_COLUMNS, "vms", "list all VMs")
    tracemalloc.start()
    try:
        gathering.add(gathering.decode(content)[0])
        needed, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    said, pages = size_of(gathering.columns), 50_000 / PAGE
    assert (needed * 0.9 < said, said * pages < MOST_KEPT / 2) == (True, True), (needed, said)


def test_a_system_without_end_ends_the_run_with_an_error_and_nothing_is_judged(tmp_path: Path) -> None:
    sim = Rehearsal("stuck", tmp_path / "outputs")
    pages = endless(HOSTILE["names that are books"][0])

    def answer(request: httpx.Request) -> httpx.Response:
        whole = request.url.path == "/api/v4/vms"
        return pages.handler(request) if whole else sim.sim.transport().handler(request)  # type: ignore[return-value]

    folder = tmp_path / "outputs" / "2026-09-22" / "endless"
    folder.mkdir(parents=True)
    options = read_parameters("find_stuck_vms", {})
    book = Run(
        "find_stuck_vms",
        options,
        folder,
        finish_here=False,
        clock=sim.clock,
        transport=httpx.MockTransport(answer),
        profile=sim.profile,
    )
    for step in book.engine.steps:
        book.step(step.id)
    account = book.end()
    assert (account.outcome.value, account.exit_code) == ("failed", 8)
    assert account.decisive is not None
    assert account.decisive.step == "survey"
    assert "begin a run with its vm_name or vm_key" in account.decisive.next_step
    assert sum(path.stat().st_size for path in folder.iterdir()) < 200_000
