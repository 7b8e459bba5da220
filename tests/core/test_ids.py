"""Ids: the kind can be read off them, and they sort by time."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, check_id, make_id

ZERO = "ses_" + "0" * 24
CHANCE = st.lists(st.integers(0, 31), min_size=14, max_size=14).map(bytes)


def test_an_id_is_a_prefix_and_ten_letters_of_time_and_fourteen_of_chance() -> None:
    """In base 32 with Crockford's alphabet; of a byte of chance the lower five bits count."""
    assert make_id(Prefix.SESSION, bytes(14), at_ms=0) == ZERO
    assert make_id(Prefix.SESSION, b"\xff" * 14, at_ms=2**50 - 1) == "ses_" + "z" * 24
    assert make_id(Prefix.USER, bytes(13) + b"\x21", at_ms=33) == "usr_000000001100000000000001"


def test_every_letter_of_chance_is_as_likely_as_any_other() -> None:
    """Each of the 32 stands for eight values of a byte."""
    made = [make_id(Prefix.USER, bytes([byte] * 14), at_ms=0)[-1] for byte in range(256)]
    assert set(Counter(made).values()) == {8}
    assert len(set(made)) == 32


@pytest.mark.parametrize("length", [0, 13, 15])
def test_entropy_of_another_length_is_refused(length: int) -> None:
    """Fewer random bytes would make ids that can be guessed."""
    with pytest.raises(ValueError, match=f"expected 14 bytes of entropy, got {length}"):
        make_id(Prefix.SESSION, bytes(length), at_ms=0)


@given(
    st.sampled_from(Prefix),
    st.binary(min_size=ID_ENTROPY_BYTES, max_size=ID_ENTROPY_BYTES),
    st.integers(0, 2**50 - 1),
)
def test_what_is_made_is_accepted_as_its_kind_alone(
    prefix: Prefix, entropy: bytes, at_ms: int
) -> None:
    """An id of a session is never taken for one of a user."""
    made = make_id(prefix, entropy, at_ms=at_ms)
    assert check_id(made, prefix) == made
    for other in set(Prefix) - {prefix}:
        with pytest.raises(Malformed):
            check_id(made, other)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**50 - 1), CHANCE),
        min_size=2,
        max_size=6,
        unique=True,
    )
)
def test_ids_of_one_kind_sort_by_time(parts: list[tuple[int, bytes]]) -> None:
    """Different parts make different ids, in the same order."""
    made = [make_id(Prefix.ACTIVITY, entropy, at_ms=at_ms) for at_ms, entropy in sorted(parts)]
    assert made == sorted(set(made))


BAD = [
    "",
    "ses",
    "ses_",
    "usr_" + "0" * 24,
    "SES_" + "0" * 24,
    "ses_" + "0" * 23,
    "ses_" + "0" * 25,
    "ses_" + "0" * 23 + "u",
    "ses_" + "0" * 23 + "A",
    ZERO + "\n",
    " " + ZERO,
    "ses_" + "\u0660" * 24,
]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused_and_cut_short_in_the_answer(text: str) -> None:
    """What came is shown, but never a page of it."""
    for given_id in (text, text + "x" * 1000):
        with pytest.raises(Malformed) as refused:
            check_id(given_id, Prefix.SESSION)
        assert refused.value.code is Code.MALFORMED_ID
        assert "expected an id such as ses_" in refused.value.detail
        assert len(refused.value.detail) < 140
