"""Shares of a number: two join to it, one says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec.shamir import ORDERS, Point, ShareError, join, on_line, slope_through

CURVES = sorted(ORDERS)
LARGEST = max(ORDERS.values())
NUMBERS = st.integers(0, LARGEST - 1)


@given(st.sampled_from(CURVES), NUMBERS, NUMBERS, st.lists(NUMBERS, min_size=3, max_size=3))
def test_any_two_of_three_shares_join_to_the_secret(
    curve: str, secret: int, slope: int, places: list[int]
) -> None:
    """Whichever two: client and server, recovery and server, client and recovery."""
    order = ORDERS[curve]
    secret, slope = secret % order, slope % order
    xs = sorted({one % (order - 1) + 1 for one in places} | {order - 1, 1, 2})[:3]
    points = [on_line(secret, slope, x, order=order) for x in xs]
    for one, two in ((0, 1), (1, 0), (0, 2), (1, 2)):
        assert join(points[one], points[two], order=order) == secret
        assert slope_through(points[one], points[two], order=order) == slope


@given(st.sampled_from(CURVES), NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_one_share_is_consistent_with_every_secret(
    curve: str, secret: int, slope: int, x: int, candidate: int
) -> None:
    """For each candidate there is one slope, as likely as any: a share alone excludes no key."""
    order = ORDERS[curve]
    place = x % (order - 1) + 1
    share = on_line(secret % order, slope % order, place, order=order)
    other = (share.y - candidate) * pow(share.x, -1, order) % order
    assert on_line(candidate % order, other, place, order=order) == share


def test_in_a_small_field_each_secret_has_the_same_number_of_lines_through_a_share() -> None:
    """The same, counted out: nothing is a little more likely than anything else."""
    order = 13
    counts: dict[tuple[int, int], dict[int, int]] = {}
    for secret in range(order):
        for slope in range(order):
            for x in range(1, order):
                share = on_line(secret, slope, x, order=order)
                through = counts.setdefault((share.x, share.y), {})
                through[secret] = through.get(secret, 0) + 1
    assert len(counts) == (order - 1) * order
    assert all(set(one.values()) == {1} and len(one) == order for one in counts.values())


@given(st.sampled_from(CURVES), NUMBERS, NUMBERS, NUMBERS)
def test_shares_of_two_lines_join_to_something_else(
    curve: str, secret: int, slope: int, other: int
) -> None:
    """A share from before a refresh is worth nothing beside one from after it."""
    order = ORDERS[curve]
    secret, slope, other = secret % order, slope % order, other % order
    old, new = on_line(secret, slope, 5, order=order), on_line(secret, other, 7, order=order)
    assert (join(old, new, order=order) == secret) == (slope == other)


def test_a_vector_worked_out_by_hand() -> None:
    """At 0 the line 42 + 7x is 42; over both orders, near the end of the field too."""
    for order in ORDERS.values():
        first, second = on_line(42, 7, 1, order=order), on_line(42, 7, order - 1, order=order)
        assert (first.y, second.y) == (49, 35)
        assert join(first, second, order=order) == 42


def test_orders_are_those_of_the_standards() -> None:
    """SEC 2, section 2.4.1, and RFC 8032, section 5.1."""
    assert ORDERS["secp256k1"] == int(
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141", 16
    )
    assert ORDERS["ed25519"] == 2**252 + 27742317777372353535851937790883648493


@given(st.sampled_from(CURVES), NUMBERS, NUMBERS)
def test_a_share_is_what_it_was_written_as(curve: str, x: int, y: int) -> None:
    """64 bytes, x first."""
    order = ORDERS[curve]
    point = Point(x % (order - 1) + 1, y % order)
    assert Point.from_bytes(point.to_bytes(), order=order) == point


@pytest.mark.parametrize("curve", CURVES)
def test_what_is_no_share_is_refused(curve: str) -> None:
    """Another length, the place of the secret itself, numbers that the field has not."""
    order = ORDERS[curve]
    for x, y in ((0, 1), (order, 1), (1, order), (2**256 - 1, 2**256 - 1)):
        with pytest.raises(ShareError):
            Point.from_bytes(x.to_bytes(32) + y.to_bytes(32), order=order)
    for length in (0, 63, 65):
        with pytest.raises(ShareError, match="64 bytes"):
            Point.from_bytes(b"\x01" * length, order=order)
    for place in (0, order, -1):
        with pytest.raises(ShareError):
            on_line(1, 1, place, order=order)
    with pytest.raises(ShareError):
        join(Point(3, 1), Point(3, 2), order=order)


def test_a_share_does_not_show_itself() -> None:
    """Neither in a log nor in a traceback."""
    assert "12345" not in repr(Point(1, 12345))
