"""Small lines in the text: where they lie, and what they do without values."""

from __future__ import annotations

from vergeos_nb.widgets.cards.sparkline import points


def test_a_line_goes_from_the_lowest_value_at_the_bottom_to_the_highest_at_the_top() -> None:
    assert points([0, 5, 10]) == ["2.0,18.0 60.0,10.0 118.0,2.0"]


def test_a_value_that_never_changes_is_a_straight_line_and_zero_lies_at_the_bottom() -> None:
    assert points([0, 0, 0]) == ["2.0,18.0 118.0,18.0"]
    assert points([7, 7]) == ["2.0,2.0 118.0,2.0"]
    assert points([7]) == ["2.0,10.0 118.0,10.0"]


def test_a_value_that_is_not_known_is_a_gap_and_without_any_there_is_no_line() -> None:
    assert points([0, 4, None, 4]) == ["2.0,18.0 40.7,2.0", "118.0,2.0 118.0,2.0"]
    assert points([None, None]) == []
    assert points([]) == []
