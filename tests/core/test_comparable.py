"""What keeps permissions comparable: amounts that add up, and windows that lie in each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    APPROVE,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    cap_with,
    permission_with,
)
from tests.core.proof import at_most, is_within, only, windowed
from tests.core.strategies import START
from valetkey.core.errors import Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.comparable import MAX_NESTED
from valetkey.core.permission.model import ANYTHING, Cap, MessageTemplate, Permission, Rate, Rule
from valetkey.core.units import DAY_S

OPEN = permission_with(recipients=ANYTHING)


def listing(cap: Cap, *words: int) -> Permission:
    """Return a permission that lists the amounts of a token with *cap*."""
    rules = (*PERMISSION.rules, Rule(TOKEN, APPROVE, where=(at_most(0, 9), only(1, *words))))
    return permission_with(rules=rules, caps=(cap,))


def rated(window_s: int, cap_window_s: int) -> Permission:
    """Return a permission with a rate and a cap by the window."""
    cap = windowed(10, cap_window_s)
    return permission_with(caps=(cap,), rate=Rate(5, window_s), expires_at=START + DAY_S)


@pytest.mark.parametrize(
    "permission",
    [listing(cap_with(), 5), listing(cap_with(), 5, 6), listing(windowed(9, 60), 0)],
    ids=["one amount", "two amounts", "none, by the window"],
)
def test_an_amount_that_is_counted_is_not_listed(permission: Permission) -> None:
    """Which sums a list comes to is as hard as subset sum; "at most" protects as well."""
    with pytest.raises(Malformed, match=r"rules\[1\].where\[1\]: expected at most"):
        check_permission(permission)


@pytest.mark.parametrize(
    "permission",
    [
        listing(cap_with(lifetime=None, per_call=5), 5, 6),
        replace(listing(cap_with(), 5), caps=()),
        replace(OPEN, rules=(Rule(TOKEN, TRANSFER, where=(only(0, 5), at_most(1, 7))),)),
        replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR, where=(only(1, 5),)),)),
    ],
    ids=["per call", "no cap", "another argument", "no amount"],
)
def test_what_no_cap_counts_may_be_listed(permission: Permission) -> None:
    """A list bounds a call; only sums are hard."""
    assert check_permission(permission) == permission


@pytest.mark.parametrize(
    ("rate_s", "cap_s"), [(60, 60), (60, 3600), (3600, 60), (60, 60 * MAX_NESTED)]
)
def test_windows_may_lie_in_each_other(rate_s: int, cap_s: int) -> None:
    """Calls a minute and an amount a day, or the other way round."""
    permission = rated(rate_s, cap_s)
    assert check_permission(permission) == permission


@pytest.mark.parametrize(
    ("rate_s", "cap_s"), [(60, 90), (90, 60), (3600, 61), (60, 60 * (MAX_NESTED + 1))]
)
def test_windows_may_not_lie_across_each_other(rate_s: int, cap_s: int) -> None:
    """With the lengths, so that one of them can be changed."""
    with pytest.raises(Malformed, match=rf"caps\[0\].window: .*got {cap_s} s and"):
        check_permission(rated(rate_s, cap_s))


def test_the_largest_question_is_answered() -> None:
    """
    A call a minute, an amount by the month, for 1,000 years, against windows of a prime length.

    That is the most work there is; the answer is exact to one unit.
    """
    length = 1000 * 365 * DAY_S
    caps = (windowed(10**6, 60 * MAX_NESTED),)
    child = permission_with(caps=caps, rate=Rate(1, 60), expires_at=START + length)
    child = replace(child, rules=(Rule(TOKEN, TRANSFER, where=(at_most(1, 50),)),))
    answers = {
        limit: is_within(
            child,
            replace(child, rate=None, caps=(windowed(limit, 7919 * 60 + 2),), starts_at=START - 77),
        )
        for limit in (7920 * 50, 7921 * 50 - 1, 7921 * 50)
    }
    assert answers == {7920 * 50: False, 7921 * 50 - 1: False, 7921 * 50: True}


def test_a_text_has_room_for_what_fills_its_holes() -> None:
    """Any character of four bytes in each; else no text would stand for all of them."""
    fits = MessageTemplate(("\u8a9e" * 2729, ""))
    assert check_permission(permission_with(messages=(fits,))).messages == (fits,)
    full = MessageTemplate(("\u8a9e" * 2730, ""))
    with pytest.raises(Malformed, match=r"messages\[0\].text: expected at most 8192 bytes"):
        check_permission(permission_with(messages=(full,)))
