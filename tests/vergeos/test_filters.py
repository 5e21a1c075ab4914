"""The filter grammar, client side: no name may widen or bend a filter."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vergeos_nb.errors import UsageError
from vergeos_nb.simulator import Simulator
from vergeos_nb.vergeos import filters

NAMES = st.text(
    st.one_of(
        st.sampled_from("'\\{}()$#&=+%,; \"<>*?.-_azAZ09"),
        st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")),
    ),
    min_size=1,
    max_size=128,
)
BENT = (
    "' or name ne '", "\\' or name ne \\'", "\\", "\\\\", "\\\\'", "{", "}", "{x}", "\\{x}", "{{x}}",
    "{$now}", "''", "'", "a' and (b eq 'c", "name eq 'x'", "O'Brien {x} 50% \\ <b>", "%27", "a#b",
    "a&limit=1", "$key", "..",
)  # fmt: skip


def read_back(filter_text: str) -> tuple[str, str, str]:
    """An independent reading of ``column operator 'text'`` by the documented rules of quoting.

    Inside quotes a backslash takes the special meaning from a backslash, a quote or an opening brace. A quote
    without one ends the text, and a brace without one begins a macro; here both are failures.
    """
    column, operator, literal = filter_text.split(" ", 2)
    assert literal[0] == "'"
    text, position = "", 1
    while literal[position] != "'":
        character = literal[position]
        assert character != "{", "a brace that begins a macro"
        if character == "\\":
            position += 1
            character = literal[position]
            assert character in "\\'{", "a backslash that stays one"
        text += character
        position += 1
    assert position == len(literal) - 1, f"the filter goes on after its text: {literal[position:]}"
    return column, operator, text


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("web-01", "'web-01'"),
        ("O'Brien", r"'O\'Brien'"),
        ("a\\b", r"'a\\b'"),
        ("{x}", r"'\{x}'"),
        ("\\'{", r"'\\\'\{'"),
        ("", "''"),
        ("100% <b>", "'100% <b>'"),
    ],
)
def test_only_backslash_quote_and_opening_brace_are_escaped(text, quoted):
    assert filters.quote(text) == quoted


@given(NAMES)
@example("\\")
@example("' or name ne '")
@example("{x}")
def test_every_name_reads_back_as_itself_and_nothing_more(name):
    assert read_back(filters.eq("name", name)) == ("name", "eq", name)
    assert read_back(filters.contains("name", name)) == ("name", "ct", name)


@pytest.fixture(scope="module")
def ask():
    """Names of the VMs that the simulator, whose reading of filters is its own, finds for a filter."""
    simulator = Simulator("odd_names")
    login = (simulator.username, simulator.password)
    with httpx.Client(transport=simulator.transport(), base_url="https://simulator", auth=login) as client:

        def names(filter_text: str | None) -> list[str]:
            wanted = {"fields": "name"} | ({"filter": filter_text} if filter_text else {})
            answer = client.get("/api/v4/vms", params=wanted)
            answer.raise_for_status()
            return [row["name"] for row in answer.json()]

        yield names


def test_every_odd_name_finds_the_vms_of_that_name_and_no_other(ask):
    everything = ask(None)
    assert len(everything) > 15
    for name in set(everything):
        assert ask(filters.eq("name", name)) == [other for other in everything if other == name]


@given(name=NAMES)
@example(name="tmpl-{x}")
@example(name="' or name ne '")
@example(name="{$now}")
def test_no_name_finds_a_vm_of_another_name_in_the_simulator(ask, name):
    assert set(ask(filters.eq("name", name))) <= {name}


@pytest.mark.parametrize("attack", BENT)
def test_a_name_glued_to_an_attack_finds_nothing(ask, attack):
    assert ask(filters.eq("name", f"web-01{attack}")) == []
    assert ask(filters.eq("name", f"{attack}web-01")) == []
    assert ask(filters.and_(filters.eq("name", f"{attack}"), filters.eq("name", "web-01"))) == []


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\ud800"])
def test_what_cannot_be_seen_is_refused_with_its_code_and_place(character):
    with pytest.raises(UsageError) as caught:
        filters.quote(f"web{character}01")
    assert caught.value.came_back == f"character 4 is U+{ord(character):04X}, which cannot be seen"
    assert character not in caught.value.asked


def test_names_have_1_to_128_characters():
    assert filters.check_name("n" * 128) == "n" * 128
    with pytest.raises(UsageError, match="the name is empty"):
        filters.check_name("")
    with pytest.raises(UsageError, match="the name has 129 characters, and a VM's name has at most 128"):
        filters.check_name("n" * 129)


def test_joined_filters_are_parenthesised_because_the_grammar_knows_no_precedence():
    a, b, c = filters.eq("machine", 54), filters.eq("is_snapshot", False), filters.eq("name", "x")
    assert filters.and_(a, filters.or_(b, c)) == (
        "(machine eq 54) and ((is_snapshot eq false) or (name eq 'x'))"
    )
    assert filters.and_(a) == a


def test_one_of_several_values_is_a_filter_and_none_of_no_values_is_not():
    assert filters.any_of("machine", [54, 55]) == "(machine eq 54) or (machine eq 55)"
    assert filters.any_of("machine", [54]) == filters.eq("machine", 54)
    with pytest.raises(UsageError):
        filters.any_of("machine", [])


def test_an_empty_filter_which_matches_every_row_cannot_be_made():
    with pytest.raises(UsageError):
        filters.and_()
    with pytest.raises(UsageError):
        filters.contains("name", "")


def test_fields_are_columns_traversals_and_aliases():
    assert filters.fields("$key", "name", "machine#status#running as running") == (
        "$key,name,machine#status#running as running"
    )


@pytest.mark.parametrize("entry", ["", "a,b", "a as", "a as b c", "a&b", "machine#", "a b", "'x'", "a\n"])
def test_a_field_that_the_platform_would_drop_in_silence_is_refused(entry):
    with pytest.raises(UsageError):
        filters.fields(entry)
    if entry != "a as":
        with pytest.raises(UsageError):
            filters.eq(entry, 1)


def test_no_fields_at_all_are_refused():
    with pytest.raises(UsageError):
        filters.fields()


def test_at_least_compares_numbers():
    assert filters.at_least("timestamp", 1790086400500000) == "timestamp ge 1790086400500000"
