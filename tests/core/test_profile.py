"""What is noted of a user stays small, and changes by name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.errors import Malformed
from valetkey.core.profile import (
    MAX_KEY_CHARS,
    MAX_PAIRS,
    MAX_VALUE_CHARS,
    Noted,
    Profile,
    merged,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.text("xy", max_size=3) | st.integers(-(2**53) + 1, 2**53 - 1)
CHANGES = st.dictionaries(NAMES, VALUES, max_size=6)


@given(CHANGES, CHANGES)
def test_a_change_is_that_of_a_dictionary(first: dict[str, str], then: dict[str, str]) -> None:
    """An empty text takes its name away, an empty change all of them; the order is the names'."""
    before = merged((), first)
    after = merged(before, then)
    kept = {**first, **then} if then else {}
    wanted = sorted(name for name, value in kept.items() if value != "")
    assert [one.name for one in after] == wanted
    assert merged(before, {}) == ()
    if then:
        assert merged(after, then) == after


def test_values_are_kept_as_json() -> None:
    """A number stays a number."""
    assert merged((), {"b": 3, "a": "3", "c": 0.5}) == (
        Noted("a", '"3"'),
        Noted("b", "3"),
        Noted("c", "0.5"),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"": "x"},
        {"a" * (MAX_KEY_CHARS + 1): "x"},
        {"a": "x" * (MAX_VALUE_CHARS + 1)},
        {"a": 2**53},
        {"a": math.inf},
        {"a": math.nan},
        {str(number): "x" for number in range(MAX_PAIRS + 1)},
    ],
)
def test_what_is_too_much_is_refused(changed: Mapping[str, str | float]) -> None:
    """Too many names, too long ones, and numbers that not every reader has."""
    with pytest.raises(Malformed, match="metadata"):
        merged((), changed)
    most = {str(number): "x" for number in range(MAX_PAIRS)}
    assert len(merged((), most)) == MAX_PAIRS


def test_one_that_is_deleted_is_counted_as_such() -> None:
    """By a column that the store can count."""
    assert Profile("usr_1", "org_1", "Ada").deleted == 0
    assert Profile("usr_1", "org_1", "", deleted_at=1).deleted == 1
