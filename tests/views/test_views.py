"""What results look like: fixed columns, everything escaped once, nothing hidden, the same in all forms."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.masking import register
from vergeos_nb.procedure.engine.written_result import result_from_dict, schemas
from vergeos_nb.procedure.values.finding import Kind
from vergeos_nb.procedure.values.outcomes import StepOutcome
from vergeos_nb.procedure.values.step_result import StepResult
from vergeos_nb.procedure.values.table import ColumnKind, Scalar, Schema
from vergeos_nb.vergeos.exchange import Exchange
from vergeos_nb.views.analysis.frames import DTYPES, frame, frames
from vergeos_nb.views.badges import LOOKS, badge_of
from vergeos_nb.views.bundle import static_view
from vergeos_nb.views.calls import CALLS
from vergeos_nb.views.cells import cell, grid
from vergeos_nb.views.drawing import covered
from vergeos_nb.views.text import visible

T = 1_790_090_000.25
HOSTILE = "<b>&amp;\u202e\x1b[2J'\"\\{x}"
SCHEMAS = schemas()
ALL = {**SCHEMAS, "calls": CALLS}

values: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(),
    "int": st.integers(),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
    "time": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
}


def rows_of(schema: Schema) -> st.SearchStrategy[list[tuple[Scalar, ...]]]:
    return st.lists(st.tuples(*(st.none() | values[kind] for _, kind in schema.columns)), max_size=3)


tables = st.sampled_from(sorted(SCHEMAS)).flatmap(
    lambda name: rows_of(SCHEMAS[name]).map(lambda r: SCHEMAS[name].table(*r))
)
exchanges = st.builds(
    Exchange,
    number=st.integers(1, 9),
    method=st.sampled_from(["GET", "PUT"]),
    path=st.text(),
    query=st.dictionaries(st.text(), st.text(), max_size=2),
    body=st.none() | st.just({"running": False}),
    changing=st.booleans(),
    attempt=st.integers(1, 4),
    sent_at=st.just(T),
    server_time=st.none() | st.just(T),
    elapsed_s=st.floats(0, 100),
    status=st.none() | st.integers(100, 599),
    answer=st.none() | st.text() | st.lists(st.integers()),
    error=st.text(),
)
results = st.builds(
    StepResult,
    step=st.just("alive"),
    title=st.just("Is it alive?"),
    vendor_step=st.sampled_from(["", "4"]),
    system=st.text(),
    outcome=st.sampled_from(StepOutcome),
    summary=st.text(),
    began_at=st.just(T),
    ended_at=st.just(T + 1),
    next_step=st.text(),
    tables=st.lists(tables, max_size=2).map(tuple),
    facts=st.dictionaries(st.text(), st.integers() | st.text(), max_size=2),
    exchanges=st.lists(exchanges, max_size=2, unique_by=lambda e: e.number).map(tuple),
    error=st.none() | st.just({"type": "Drift", "exit_code": 5}),
)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.styles: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.styles += [value or "" for name, value in attrs if name == "style"]

    def handle_data(self, data: str) -> None:
        self.text += data


def a_result(**fields: Any) -> StepResult:
    base = {
        "step": "locate", "title": "Locate the VM", "vendor_step": "2", "system": "SIMULATED system",
        "outcome": StepOutcome.PASSED, "summary": "found", "began_at": T, "ended_at": T + 1.5,
    }  # fmt: skip
    return StepResult(**{**base, **fields})


# -- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_columns_and_dtypes_are_those_of_the_schema_also_when_empty(name: str) -> None:
    data = frame(ALL[name].table())
    assert [(column, str(dtype)) for column, dtype in data.dtypes.items()] == [
        (column, DTYPES[kind]) for column, kind in ALL[name].columns
    ]


@given(st.data(), st.sampled_from(sorted(ALL)))
def test_columns_and_dtypes_stay_whatever_the_rows_hold(data: st.DataObject, name: str) -> None:
    # Holds off: a number that fits no column of a table raised, and with it the step and its whole record.
    rows = data.draw(rows_of(ALL[name]))
    made = frame(ALL[name].table(*rows))
    assert ([str(dtype) for dtype in made.dtypes], len(made)) == (
        [DTYPES[kind] for _, kind in ALL[name].columns],
        len(rows),
    )


def test_a_table_reads_back_what_was_put_in() -> None:
    schema = SCHEMAS["samples"]
    rows = ((T, True, "running", "online", 2, 1_790_000_000), (T + 1, False, "x", "y"))
    data = frame(schema.table(*((*row, *[None] * (len(schema.columns) - len(row))) for row in rows)))
    assert data["read_at"].tolist() == [
        pd.Timestamp("2026-09-22T15:13:20.250Z"),
        pd.Timestamp("2026-09-22T15:13:21.250Z"),
    ]
    assert data["running"].tolist() == [True, False]
    assert data["node"].fillna(-1).tolist() == [2, -1]
    assert data["row_written"].isna().tolist() == [False, True]


def test_a_row_of_another_width_is_no_row_of_the_table() -> None:
    with pytest.raises(ValueError, match="facts: 1 values for 2 columns"):
        SCHEMAS["facts"].table(("alone",))


def test_the_calls_of_a_step_are_a_table_too() -> None:
    exchange = Exchange(
        "GET", "/p", None, {"a": "b", "c": "d"}, number=3, changing=False, attempt=2, sent_at=T,
        server_time=T, elapsed_s=0.0421, status=200, answer={"$key": 1}, error="",
    )  # fmt: skip
    (row,) = frames(a_result(exchanges=(exchange,)))["calls"].to_dict("records")
    assert {name: row[name] for name in ("number", "query", "body", "elapsed_ms", "answer")} == {
        "number": 3, "query": "a=b c=d", "body": "", "elapsed_ms": 42.1, "answer": '{"$key": 1}',
    }  # fmt: skip


# -- text ----------------------------------------------------------------------------------------


def test_what_cannot_be_seen_is_written_out() -> None:
    seen = {
        "a\x1b[2J": "a\\x1b[2J",
        "\u202eweb": "\\u202eweb",
        "\u200b\ufeff": "\\u200b\\ufeff",
        "a\u00a0b": "a\\xa0b",
        "\u2028": "\\u2028",
        "\ud800": "\\ud800",
        "\U000e0041": "\\U000e0041",
        "\r\n\t": "\\r\\n\\t",
        "bücher-łódź-数据-🙂": "bücher-łódź-数据-🙂",
        "plain text": "plain text",
        "": "",
    }
    assert {text: visible(text) for text in seen} == seen


@given(st.text(alphabet=st.characters()))
def test_visible_text_holds_nothing_that_cannot_be_seen_and_stays_as_it_is(text: str) -> None:
    once = visible(text)
    assert once.isprintable()
    assert visible(once) == once
    assert visible(text, keep="\n").replace("\n", "").isprintable()


def test_values_read_as_a_person_would_write_them() -> None:
    read: list[tuple[Any, ColumnKind, str]] = [
        (None, "text", ""),
        (True, "bool", "yes"),
        (False, "bool", "NO"),
        (7, "int", "7"),
        (2**63, "int", ""),
        (1.5, "float", "1.5"),
        (2, "float", "2"),
        (2.0, "float", "2.0"),
        (float("nan"), "float", ""),
        ("a\u202eb", "text", "a\\u202eb"),
        (T, "time", "2026-09-22T15:13:20.250Z"),
        (1e30, "time", ""),
    ]
    assert [cell(value, kind) for value, kind, _ in read] == [text for *_, text in read]


def as_text(value: Any) -> str:
    """A DataFrame's value as a person reads it."""
    if value is pd.NaT or value is pd.NA or value is None:
        return ""
    if isinstance(value, pd.Timestamp):
        # Not by way of a float, which far in the future holds no millisecond exactly.
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if pd.api.types.is_bool(value):
        return "yes" if value else "NO"
    return visible(str(value))


@given(st.data(), st.sampled_from(sorted(ALL)))
def test_what_a_view_shows_of_a_table_is_what_its_dataframe_holds(data: st.DataObject, name: str) -> None:
    table = ALL[name].table(*data.draw(rows_of(ALL[name])))
    made = frame(table)
    shown = grid(table)
    assert list(shown.columns) == [column.replace("_", " ") for column in made.columns]
    assert shown.rows == [[as_text(v) for v in row] for row in made.itertuples(index=False, name=None)]


# -- bundles -------------------------------------------------------------------------------------


@given(results)
def test_any_result_has_html_and_plain_text_in_which_nothing_runs_or_hides(result: StepResult) -> None:
    view = static_view(result)
    assert set(view) == {"text/html", "text/plain"}
    page = Page(view["text/html"])
    allowed = {
        "div",
        "p",
        "strong",
        "span",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "details",
        "summary",
        "code",
        "time",
    }
    reached = {"role", "aria-label", "tabindex"}  # a wide table, by who has no mouse
    assert set(page.tags) <= allowed
    assert page.attributes <= {"style", "scope", "colspan", "datetime", "class", *reached}
    for text in view.values():
        assert all(c.isprintable() or c == "\n" for c in text)


def test_a_page_is_made_once_for_a_result_also_when_that_is_read_again_from_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = a_result(summary="found once")
    made = static_view(result)
    monkeypatch.setattr("vergeos_nb.views.bundle._html", lambda result: "made again")
    assert static_view(result_from_dict(json.loads(json.dumps(result.as_dict())), {})) == made
    assert static_view(a_result(summary="found twice"))["text/html"] == "made again"


def test_a_page_is_made_anew_when_another_secret_has_become_known() -> None:
    result = a_result(summary="the word is swordfish-4711-canary")
    assert "swordfish" in static_view(result)["text/html"]
    register("swordfish-4711-canary")
    assert "swordfish" not in static_view(result)["text/html"]


def test_hostile_text_is_escaped_exactly_once_wherever_it_stands() -> None:
    exchange = Exchange(
        "GET", HOSTILE, {HOSTILE: 1}, {HOSTILE: HOSTILE}, number=1, changing=False, attempt=1, sent_at=T,
        server_time=None, elapsed_s=0.0, status=None, answer=HOSTILE, error=HOSTILE,
    )  # fmt: skip
    table = SCHEMAS["facts"].table((HOSTILE, HOSTILE))
    result = a_result(
        system=HOSTILE, summary=HOSTILE, next_step=HOSTILE, tables=(table,), exchanges=(exchange,)
    )
    view = static_view(result)
    shown = "<b>&amp;\\u202e\\x1b[2J'\"\\{x}"
    page = Page(view["text/html"])
    assert "b" not in page.tags
    assert page.text.count(shown) == 9
    assert view["text/plain"].count(shown) == 9


def test_plain_text_and_html_say_the_same() -> None:
    table = SCHEMAS["identity"].table(("cores", "4", "8", "", False), ("machine", "54", "54", "", True))
    view = static_view(a_result(tables=(table,), next_step="look", outcome=StepOutcome.REFUSED))
    assert view["text/plain"] == "\n".join(
        [
            "Locate the VM (vendor's step 2): ⊘ refused   [SIMULATED system]",
            "found",
            "What to do: look",
            "",
            "Side by side: is this the VM you mean?:",
            "  field    vm record  status row  you expect  agrees",
            "  cores    4          8                       NO",
            "  machine  54         54                      yes",
        ]
    )
    text = " ".join(Page(view["text/html"]).text.split())
    for words in (
        "Locate the VM",
        "vendor's step 2",
        "⊘ refused",
        "SIMULATED system",
        "What to do: look",
        "8NO",
    ):
        assert words in text


def test_every_finding_has_a_sign_and_a_pair_of_colours_that_can_be_told_apart() -> None:
    assert set(LOOKS) == set(Kind)
    for outcome in StepOutcome:
        result = a_result(outcome=outcome)
        page = Page(static_view(result)["text/html"])
        unpaired = [s for s in page.styles if "background:" in s and ";color:" not in s]
        assert unpaired == []
        assert str(badge_of(result)) in page.text
    for _, background, text in LOOKS.values():
        assert contrast(background, text) >= 4.5


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@given(results)
def test_a_result_goes_through_json_and_comes_back_as_it_was(result: StepResult) -> None:
    data = json.loads(json.dumps(result.as_dict()))
    assert result_from_dict(data, {e.number: e for e in result.exchanges}) == result


def test_the_picture_of_a_run_has_a_font_of_its_own() -> None:
    # Pillow's own font knows ASCII only, and a machine need not have any other.
    assert covered("Müller → größer λ Привет") == "Müller → größer λ Привет"
    assert covered("中") == "\\u4e2d"
