"""Amounts and times as people read them: exact, whatever their size."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.units import (
    UINT40_MAX,
    UINT128_MAX,
    UINT256_MAX,
    format_amount,
    format_duration,
    format_moment,
)

AMOUNTS = [
    (0, 0, "0"),
    (0, 18, "0"),
    (5, 0, "5"),
    (100, 0, "100"),
    (20_000_000, 6, "20"),
    (20_500_000, 6, "20.5"),
    (1, 6, "0.000001"),
    (1, 77, "0." + "0" * 76 + "1"),
    (10**18, 18, "1"),
    (UINT128_MAX, 0, "340282366920938463463374607431768211455"),
    (UINT128_MAX, 18, "340282366920938463463.374607431768211455"),
]


@pytest.mark.parametrize(("amount", "decimals", "text"), AMOUNTS)
def test_an_amount_is_a_plain_decimal(amount: int, decimals: int, text: str) -> None:
    """No exponent, no rounding, no trailing zeros."""
    assert format_amount(amount, decimals=decimals) == text


@given(st.integers(0, UINT256_MAX), st.integers(0, 77))
def test_an_amount_is_never_rounded(amount: int, decimals: int) -> None:
    """The text stands for exactly that number: a consent must not show less than it gives."""
    text = format_amount(amount, decimals=decimals)
    assert Fraction(text) * 10**decimals == amount
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (86_399, "23 h 59 min 59 s"),
        (86_400, "1 d"),
        (100 * 86_400 + 3661, "100 d 1 h 1 min 1 s"),
    ],
)
def test_a_duration_is_as_short_as_it_can_be(seconds: int, text: str) -> None:
    """Days and hours only where there are some."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (1_800_000_000, "2027-01-15 08:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        (253_402_300_800, "second 253402300800"),
        (UINT40_MAX, "second 1099511627775"),
    ],
)
def test_a_moment_is_a_date_as_long_as_there_is_one(at: int, text: str) -> None:
    """A grant's times may lie behind the year 9999, which dates do not."""
    assert format_moment(at) == text
