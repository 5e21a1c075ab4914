"""Texts without secrets and without what cannot be seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb.client.scrub import Scrubber, visible
from vergeos_nb.settings import spellings


def test_secrets_are_masked_in_values_and_names_at_any_depth():
    scrubber = Scrubber(["canary"])
    assert scrubber.data({"canary": [{"x": "a canary b"}, 5, None, True]}) == {
        "•••": [{"x": "a ••• b"}, 5, None, True]
    }


def test_a_secret_that_holds_another_is_masked_whole():
    assert Scrubber(["canary", "canary-long", ""]).text("canary-long canary") == "••• •••"


def test_secrets_can_be_added_later():
    scrubber = Scrubber(["first"])
    scrubber.add(["second"])
    assert (scrubber.text("first second"), scrubber.secrets) == ("••• •••", ("second", "first"))


@given(secret=st.text(min_size=4), around=st.text())
def test_no_spelling_of_a_secret_is_left(secret, around):
    forms = spellings(secret.encode("utf-8", "replace").decode(), "user")
    scrubber = Scrubber(forms)
    for form in forms:
        masked = scrubber.text(f"{around}{form}{around}")
        assert [one for one in forms if one in masked and one not in "•••" and one not in around * 2] == []


def test_control_and_direction_characters_are_made_visible_and_length_is_bounded():
    assert visible("a\x1b[0m\u202eb\nc") == "a\\x1b[0m\\u202eb c"
    assert visible("x" * 500, 10) == "xxxxxxxxx…"
    assert visible("") == ""
