"""The platform's own words in an answer that holds an error."""

from __future__ import annotations

import pytest

from vergeos_nb.client.error_bodies import error_text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"err": "a"}, "a"),
        ({"error": "b"}, "b"),
        ({"message": "c"}, "c"),
        ({"err": {"message": "d"}}, "d"),
        ({"error": {"message": "e"}}, "e"),
        ({"err": True, "message": "f"}, "f"),
        ({"err": "", "error": "g"}, "g"),
        ({"err": {"code": 7}}, '{"code": 7}'),
        ({"err": ["h", 1]}, '["h", 1]'),
        ({"err": 7}, "7"),
        ({"err": {"err": "i"}}, "i"),
        ({"err": True}, ""),
        ([], ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_the_platforms_words_are_found_in_every_known_envelope(data, text):
    assert error_text(data) == text
