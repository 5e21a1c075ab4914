"""Which lines of a journal are told, how long a message may be, and what its header holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forwarding.receivers import told
from tests.rehearsal import LADDER, Rehearsal
from vergeos_nb.forwarding.run_lines import RunLines
from vergeos_nb.forwarding.syslog import syslog_line
from vergeos_nb.forwarding.told_lines import MOST_BYTES, Teller, as_json, matters, may_matter
from vergeos_nb.journal.lines import encoded
from vergeos_nb.masking import register

FOLDER = Path("/archive/2026-10-01/120000Z-force_power_off-web-01-1a2b3c4d")
RUN = "2026-10-01T120000Z-1a2b3c4d"
SECRET = "canary-" + "s3cret-" * 20
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)
EVENTS = st.sampled_from(
    ["run-opened", "parameters", "intent", "exchange", "step-ended", "settled", "bug", "interrupted", "note",
     "vm-ended", "run-ended", "something-new"]
)  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("parameters", "changed", "operator", "body", "error", "changing", "result", "path", "by"), VALUES
    ),
)


def line(event: str, n: int = 1, **data: Any) -> dict[str, Any]:
    return {"n": n, "at": "2026-10-01T12:00:00.000Z", "event": event, **data}


@given(EVENTS, FIELDS)
def test_any_line_makes_a_short_message_in_ascii_or_none_and_is_not_passed_over_by_the_fast_look(
    event: str, fields: dict[str, Any]
) -> None:
    one = line(event, **fields)
    raw = encoded(one).encode(errors="backslashreplace")
    message = Teller(FOLDER).message(one)
    if message is not None:
        assert (may_matter(raw), matters(one)) == (True, True)
        assert len(as_json(message)) <= MOST_BYTES
        assert as_json(message).isascii()
        assert b"\n" not in syslog_line(message)
        # The header agrees with the message, whatever a text holds.
        assert told(syslog_line(message))["id"] == f"{RUN}/1"


def test_readings_and_notes_of_a_whole_run_are_passed_over_without_reading_them(tmp_path: Path) -> None:
    session = Rehearsal("stuck", tmp_path)
    digest = session.run(**LADDER).fact("plan_digest")
    session.run(approve=digest, approver="Kim", **LADDER)
    raws = (session.folder / "journal.jsonl").read_bytes().splitlines()
    looked_at = [raw for raw in raws if may_matter(raw)]
    messages = RunLines(session.folder).batch(0, 1000).messages
    assert len(messages) <= len(looked_at) < len(raws) / 3
    assert [m["n"] for m in messages] == sorted(m["n"] for m in messages)


def test_who_what_and_why_stand_in_every_message_also_where_a_person_says_so_on_the_way() -> None:
    teller = Teller(FOLDER)
    teller.message(line("run-opened", runbook="force_power_off", operator="", parameters={"vm_name": ""}))
    teller.message(line("parameters", 2, changed={"vm_name": "web-01", "operator": "jo", "ticket": "INC-1"}))
    facts = {"vm": {"name": "web-01", "key": 41, "machine": 44}}
    found = teller.message(line("step-ended", 3, result={"step": "locate", "facts": facts}))
    intent = teller.message(line("intent", 4, method="PUT", path="/x", body={}))
    about = {"runbook": "force_power_off", "operator": "jo", "vm": "web-01", "vm_key": 41, "ticket": "INC-1"}
    for message, event in ((found, "found"), (intent, "intent")):
        assert message is not None
        assert (message["event"], {name: message[name] for name in about}) == (event, about)


def test_a_secret_is_masked_before_a_long_text_is_cut() -> None:
    register(SECRET)
    text = "x" * 390 + SECRET
    message = Teller(FOLDER).message(line("interrupted", by=text, step=SECRET))
    assert message is not None
    assert "s3cret" not in json.dumps(message)


@pytest.mark.parametrize(
    ("event", "more", "priority"),
    [
        ("intent", {}, 132),
        ("bug", {"error": "x"}, 131),
        ("step-ended", {"result": {"step": "confirm", "facts": {"verdict": "alive"}}}, 132),
        ("step-ended", {"result": {"step": "confirm", "facts": {"verdict": "off"}}}, 133),
        ("run-ended", {}, 133),
    ],
)
def test_the_priority_says_what_wants_a_look(event: str, more: dict[str, Any], priority: int) -> None:
    message = Teller(FOLDER).message(line(event, **more))
    assert message is not None
    assert syslog_line(message, "host").startswith(
        b"<%d>1 2026-10-01T12:00:00.000Z host vergeos-nb " % priority
    )
