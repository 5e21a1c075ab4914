"""One definition of what must not be written: whoever masks finds all that whoever scans would find."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vergeos_nb import masking
from vergeos_nb.errors import UsageError
from vergeos_nb.masking import MASK, Scrubber, cut, is_maskable, masked, masked_data, register, spellings
from vergeos_nb.masking.spellings import forms_of, signs_of
from vergeos_nb.settings import Secret

SECRET = "canary-Pa55word/+ü{x}'\"<&"
FOREIGN = "abcdef0123456789abcdef"
PAIR = base64.b64encode(b"admin:hunter22").decode()

SHAPES = [
    (f"Authorization: Bearer {FOREIGN}", FOREIGN),
    (f"client sent Authorization: Bearer {FOREIGN}\n", FOREIGN),
    (f"authorization={FOREIGN}", FOREIGN),
    (f"Authorization: Basic {PAIR}", PAIR[:-1]),
    (f"Proxy-Authorization: Basic {PAIR}", PAIR[:-1]),
    (f"Authorization:\n  Bearer\n\t{FOREIGN}", FOREIGN),
    (f"Bearer {FOREIGN[:10]}\n  {FOREIGN[10:]}", FOREIGN[10:]),
    (f"x-yottabyte-token: {FOREIGN}", FOREIGN),
    (f"X_YOTTABYTE_TOKEN={FOREIGN}", FOREIGN),
    (f"x-api-key: {FOREIGN}", FOREIGN),
    (f"DELETE /api/sys/tokens/{FOREIGN}{FOREIGN}", FOREIGN),
    (f"https://h/?token={FOREIGN}&x=1", FOREIGN),
    ("password=hunter2-word", "hunter2-word"),
    ('"password": "hunter-word"', "hunter-word"),
    ("{'console_pass': 'hunter-word'}", "hunter-word"),
    ("postgres://jo:hunter-word@db.example/x", "hunter-word"),
    ("session eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl ended", "eyJzdWIiOiIxMjM0In0"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    (f"<b>Authorization:</b> <i>Bearer {FOREIGN}</i>", FOREIGN),
]
WRAPPED = {
    "as it is": lambda text: text,
    "in JSON": lambda text: json.dumps({"text": text}),
    "in JSON in JSON": lambda text: json.dumps({"text": json.dumps({"text": text})}),
    "in a repr": lambda text: repr({"text": text}),
    "in HTML": html.escape,
    "in a URL": lambda text: quote(text, safe=""),
    "after a line": lambda text: f"\\n{text}",
    "after letters that become two in small letters": lambda text: f"\u0130\u0130 {text}",
    "beside letters that count as others": lambda text: f"\u017f {text} \u0131",
    "in capitals, the name of it": lambda text: text.replace("ord=", "ORD=").replace("Auth", "AUTH"),
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize(("text", "value"), SHAPES)
def test_a_credential_that_nobody_told_us_is_masked_however_it_is_wrapped(
    text: str, value: str, how: str
) -> None:
    """Holds off: one line in the platform's log makes a record unsealable, or is sealed."""
    if how == "in a URL" and ("\n" in text or "://" in text or "<" in text or "{" in text or "BEGIN" in text):
        pytest.skip("nobody writes it so")
    shown = masked(WRAPPED[how](text))
    assert value not in shown
    assert MASK in shown
    assert masked(shown) == shown


def test_a_header_inside_base64_is_masked_wherever_it_begins() -> None:
    for before in range(4):
        inner = base64.b64encode(("x" * before + f"Authorization: Bearer {FOREIGN}\r\n").encode()).decode()
        assert inner[8:] not in masked(f"request {inner} failed")


@pytest.mark.parametrize(
    "text",
    [
        "Basic authentication and a Bearer authorizationheader are what the platform takes.",
        "The header x-yottabyte-token, nevertheless, is never written down.",
        "Bearer of this letter: INC-7", "basic information: 12 cores",
        "authorization failed for user web-server-01",
        "VERGE_PASSWORD: it holds a control character", "its password or token is a plain word",
        f"sha256 {'0123456789abcdef' * 4}", "machine_key: 4711", "status_key=46", "password: null",
        "https://host.example:8443/api/v4/vms?filter=name eq 'a@b'",
    ],
)  # fmt: skip
def test_sentences_about_tokens_hashes_and_keys_stay(text: str) -> None:
    assert masked(text) == text


def test_members_and_pairs_whose_name_says_that_they_are_secret_are_masked() -> None:
    data = {
        "console_pass": "vnc-word", "password": None, "x-yottabyte-token": "8c3d0a71f5e2",
        "status_key": "46123456",
        "headers": [["Authorization", "8c3d0a71f5e2"], ["Host", "8c3d0a71f5e2"]],
    }  # fmt: skip
    assert masked_data(data) == {
        **data, "console_pass": MASK, "x-yottabyte-token": MASK,
        "headers": [["Authorization", MASK], ["Host", "8c3d0a71f5e2"]],
    }  # fmt: skip


def test_two_names_that_are_masked_to_the_same_stay_two_members() -> None:
    assert masked_data({f"Bearer {FOREIGN}": 1, f"Bearer {FOREIGN[::-1]}": 2}) == {
        f"Bearer {MASK}": 1, f"Bearer {MASK}'": 2
    }  # fmt: skip


PIECES = st.sampled_from(
    [text for text, _ in SHAPES]
    + [
        SECRET,
        *spellings(SECRET, "admin"),
        SECRET[:-1],
        SECRET[1:],
        FOREIGN,
        "authorization",
        "bearer ",
        "basic ",
    ]
    + [
        "token=",
        "password",
        ":",
        "=",
        '"',
        "\\",
        "\n",
        " ",
        "%20",
        "&quot;",
        "0",
        "a",
        MASK,
        "•",
        "://",
        "@",
        "eyJ",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=8).map("".join)


@given(text=TEXTS)
def test_masking_again_finds_nothing_whatever_the_text(text: str) -> None:
    scrubber = Scrubber([SECRET])
    shown = scrubber.text(text)
    assert scrubber.text(shown) == shown
    assert SECRET not in shown
    torn = scrubber.text(text, torn=True)
    assert scrubber.text(torn) == torn


@given(
    data=st.recursive(
        TEXTS | st.none() | st.integers() | st.booleans(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_masking_data_again_finds_nothing_either(data: object) -> None:
    scrubber = Scrubber([SECRET])
    shown = scrubber.data(data)
    assert scrubber.data(shown) == shown
    assert SECRET not in json.dumps(shown, ensure_ascii=False)


@given(secret=st.text(min_size=1, max_size=20))
def test_every_form_of_a_secret_that_has_signs_holds_one(secret: str) -> None:
    signs = signs_of(secret)
    assert not signs or [form for form in forms_of(secret) if not any(sign in form for sign in signs)] == []


# -- cuts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", spellings(SECRET, "admin"))
def test_no_piece_of_a_secret_is_left_at_any_cut(form: str) -> None:
    """Holds off: all but the last character of a password is kept, for it is cut before it is masked."""
    scrubber = Scrubber(spellings(SECRET, "admin"))
    before, after = "y" * 30, "z" * 30
    for limit in range(20, len(before + form + after) + 2):
        shown = scrubber.cut(before + form + after, limit)
        assert len(shown) <= limit
        assert form[:3] not in shown.removeprefix(before)
        for whole in (before + form + after)[:limit], before + form[: max(0, limit - 30)]:
            # Somebody else has cut it.
            assert form[:3] not in scrubber.text(whole, torn=True).removeprefix(before)


def test_many_secrets_before_a_cut_do_not_bring_a_piece_of_the_last_into_it() -> None:
    scrubber = Scrubber([SECRET])
    for limit in range(1, 400):
        assert SECRET[:3] not in scrubber.cut(SECRET * 100, limit)


def test_a_shape_across_a_cut_is_masked_whole() -> None:
    text = f"{'y' * 30} Authorization: Bearer {FOREIGN * 300}"
    for limit in range(50, 120):
        assert "abcdef" not in cut(text, limit)


def test_what_a_text_of_others_ends_within_is_masked() -> None:
    scrubber = Scrubber(["canary-hunter-22"])
    assert scrubber.text("the log said canary-hunte") == f"the log said {MASK}"
    assert scrubber.text("the log said canary-hunte…") == f"the log said {MASK}…"
    assert scrubber.text("a canary") == "a canary"


# -- short ones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["abcd", "9e0f", "12:0", "0-0a"])
def test_a_short_secret_is_masked_but_not_where_it_stands_by_chance(secret: str) -> None:
    """Holds off: a digest, a time or an id is destroyed, and nobody can approve the plan."""
    chance = (
        f"{(secret.replace(':', '0').replace('-', '0') * 16)[:64]} 2026-10-01T12:00:12.0Z "
        "000001Z-force_power_off-web-0-0a-abcd9e0f"
    )
    scrubber = Scrubber([secret])
    assert scrubber.text(chance) == chance
    assert scrubber.text(f"pin={secret}") == f"pin={MASK}"


@pytest.mark.parametrize(
    ("secret", "can"),
    [
        ("abc", False),
        ("4096", False),
        ("1234567", False),
        ("12345678", True),
        ("mach", False),
        ("hunter2", True),
    ],
)
def test_what_would_fall_on_our_own_words_and_numbers_cannot_be_masked(secret: str, can: bool) -> None:
    assert is_maskable(secret) is can
    register(secret)
    assert masked(f"the machine {secret} 4096") == f"the machine {MASK if can else secret} 4096"


# -- whoever reads a secret registers it ------------------------------------------------------------


def test_a_secret_that_was_read_is_masked_at_every_door_and_in_every_error() -> None:
    Secret("canary-hunter-22")
    assert masked("canary-hunter-22") == MASK
    error = UsageError("use canary-hunter-22", "no canary-hunter-22", "try canary-hunter-22")
    assert "canary" not in f"{error} {error!r} {error.as_dict()} {error.args}"
    masking.forget()
    assert masked("canary-hunter-22") == "canary-hunter-22"


def test_of_a_url_only_user_and_password_are_secret() -> None:
    Secret("http://jo:canary%2Fword@proxy.example:3128/way", is_url=True)
    assert masked("http://jo:canary%2Fword@proxy.example:3128/way canary/word") == (
        f"http://{MASK}@proxy.example:3128/way {MASK}"
    )
    Secret("http://proxy.example:3128", is_url=True)
    assert masked("http://proxy.example:3128") == "http://proxy.example:3128"


# -- hostile texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "piece",
    ["authorization", "authorization: ", "bearer ", "token+", "token=", "basic+", "://", "eyJ",
     "password=", "\\",
     "-----BEGIN PRIVATE KEY-----", "QXV0aG9yaXphdGlvbjog", "Bearer abc\n ", SECRET[:8], "sys/tokens/"],
)  # fmt: skip
def test_no_text_takes_longer_than_its_length(piece: str) -> None:
    """Holds off: a platform that repeats one word keeps a run busy for hours right after the PUT."""
    # Read once it takes a second; where each word looked at the rest of the text it would take an hour.
    Scrubber([SECRET]).text(piece * 150_000)
