"""The canonical form of JSON: RFC 8785, and its reference in Python beside ours."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec.jcs import canonical_json

MOST = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.one_of(TEXTS, st.text(st.sampled_from("aZ_0é\u20ac\ue000\U00010000\x00\x7f")))
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-MOST, MOST), TEXTS, st.floats(allow_nan=False)
).filter(lambda one: one not in {float("inf"), float("-inf")})
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner), st.dictionaries(NAMES, inner)), max_leaves=20
)


class Word(StrEnum):
    """A string that is more than one."""

    ONE = "one"


@given(VALUES)
def test_every_value_has_the_form_that_its_reference_writes(value: Any) -> None:  # noqa: ANN401
    """Whoever else hashes the same value gets the same hash (RFC 8785, 3.2)."""
    assert canonical_json(value) == rfc8785.dumps(value)


def test_every_character_is_written_as_the_reference_does() -> None:
    """Escapes are few, and each has one form (RFC 8785, 3.2.2.2)."""
    text = "".join(chr(one) for one in range(0x110000) if not 0xD800 <= one < 0xE000)
    assert canonical_json(text) == rfc8785.dumps(text)


# RFC 8785, section 3.2.3, and section 3.2.2: its own examples.
@pytest.mark.parametrize(
    ("value", "form"),
    [
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7},
            '{"\\r":2,"1":4,"\x80":6,"\xf6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        (
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": '\u20ac$\x0f\nA\'B"\\\\"/',
                "literals": [None, True, False],
            },
            (
                '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
                '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
            ),
        ),
        (MOST, "9007199254740991"),
        (-MOST, "-9007199254740991"),
        ((Word.ONE, [], {}), '["one",[],{}]'),
    ],
    ids=["names by UTF-16", "all kinds", "largest", "smallest", "kinds of our own"],
)
def test_the_examples_of_the_standard_come_out(value: Any, form: str) -> None:  # noqa: ANN401
    """They are written as the RFC prints them."""
    assert canonical_json(value).decode() == form


@pytest.mark.parametrize(
    "value",
    [
        *(MOST + 1, -MOST - 1, [2**64], float("nan"), float("inf")),
        *({1: "a"}, {None: 1}, b"a", {"a": {1, 2}}, object(), "\ud800", {"\udfff": 1}),
    ],
    ids=lambda one: ascii(one)[:20],
)
def test_what_is_no_json_value_has_no_form(value: Any) -> None:  # noqa: ANN401
    """A value that two readers could understand differently is not hashed."""
    with pytest.raises(ValueError, match=r"."):
        canonical_json(value)
    with pytest.raises(ValueError, match=r"."):
        rfc8785.dumps(value)
