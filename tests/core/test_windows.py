"""Caps by the window: where windows begin, what they forget, and clocks that disagree."""

from __future__ import annotations

import pytest

from tests.core.examples import allowed, ask, cap_with, permission_with, spend, transfer
from tests.core.strategies import START
from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.decide import Deny, Spent
from valetkey.core.permission.model import Window

HOURLY = permission_with(
    caps=(cap_with(lifetime=None, window=Window(100, 3600)),), expires_at=START + 9000
)
BOTH = permission_with(
    caps=(cap_with(lifetime=150, window=Window(100, 3600)),), expires_at=START + 9000
)


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        (0, 0, False),
        (0, 3599, False),
        (0, 3600, True),
        (3599, 3600, True),
        (3600, 7199, False),
        (3599, 7200, True),
        (7200, 8999, False),
    ],
)
def test_windows_are_counted_from_the_start(first: int, second: int, fits: bool) -> None:  # noqa: FBT001 - a column
    """A window is half open: its last second is the one before the next begins."""
    spent = spend(HOURLY, [(START + first, [transfer(100)])])
    answer = ask(HOURLY, transfer(1), spent=spent, now=START + second)
    assert isinstance(answer, Deny) is not fits


@pytest.mark.parametrize(
    ("after_s", "valid_until"),
    [(0, 3600), (3599, 3600), (3600, 7200), (7199, 7200), (7200, 9000), (8999, 9000)],
)
def test_a_booking_says_how_long_it_is_for(after_s: int, valid_until: int) -> None:
    """A run that lands later would be counted in another window, or not at all."""
    answer = allowed(ask(HOURLY, transfer(1), now=START + after_s))
    assert answer.valid_until == START + valid_until


def test_without_windows_a_booking_is_for_the_whole_life() -> None:
    """Only windows and the end of the session bound a booking."""
    granted = permission_with()
    assert allowed(ask(granted, transfer(1))).valid_until == granted.expires_at


def test_a_window_forgets_and_a_lifetime_does_not() -> None:
    """Both limits of one cap are counted, each in its own way."""
    spent = spend(BOTH, [(START, [transfer(100)]), (START + 3600, [transfer(50)])])
    assert spent == Spent(2, (Counter(150, 0), Counter(50, 1)))
    refused = ask(BOTH, transfer(1), spent=spent, now=START + 7200)
    assert isinstance(refused, Deny)
    assert (refused.code, refused.caveat) == (Code.CAP_EXCEEDED, "caps[0].lifetime")


def test_a_refusal_by_window_says_so() -> None:
    """Whoever reads it can see that waiting helps."""
    refused = ask(BOTH, transfer(101))
    assert isinstance(refused, Deny)
    assert refused.caveat == "caps[0].window"
    assert refused.detail == "100 allowed in this window of 3600 s, 0 used, 101 asked for"


def test_a_clock_that_is_behind_opens_no_window_again() -> None:
    """Two processes whose clocks differ by a second must not empty a window twice."""
    ahead = spend(HOURLY, [(START + 3600, [transfer(100)])])
    behind = ask(HOURLY, transfer(1), spent=ahead, now=START + 3599)
    assert isinstance(behind, Deny)
    light = spend(HOURLY, [(START + 3600, [transfer(40)])])
    answer = allowed(ask(HOURLY, transfer(60), spent=light, now=START + 3599))
    assert answer.after.counters == (Counter(100, 1),)
    assert answer.valid_until == START + 7200
    assert isinstance(ask(HOURLY, transfer(1), spent=answer.after, now=START + 3600), Deny)
