"""The nearest known word."""

from __future__ import annotations

from vergeos_nb.words import counted, did_you_mean, nearest


def test_the_nearest_word_ignores_case_and_is_none_when_nothing_is_near() -> None:
    assert (nearest("Verge_Hots", ["VERGE_HOST", "VERGE_TOKEN"]), nearest("zzz", ["abc"])) == (
        "VERGE_HOST",
        None,
    )


def test_the_known_words_are_listed_in_the_order_in_which_they_are_given() -> None:
    assert did_you_mean("bee", ["b", "a"]) == "Known: b, a."
    assert did_you_mean("vmname", ["vm_name", "a"]) == "Did you mean 'vm_name'? Known: vm_name, a."


def test_a_number_stands_with_its_noun_in_the_right_number() -> None:
    assert [counted(number, "row") for number in (0, 1, 2, 12_000)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "12000 rows",
    ]
