"""Budget lines: what fits is booked, what never happened is given back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.budget import FEES, BudgetLine, Entry, book, line_id, settle
from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.decide import Deny

START = 1_700_000_000
LIFETIME = BudgetLine(
    id="wal_1/native/0",
    organization_id="org_1",
    scope_id="wal_1",
    asset="native",
    limit=100,
    window_s=0,
    starts_at=START,
    counter=Counter(0, 0),
)
DAILY = replace(LIFETIME, id="wal_1/native/60", window_s=60)


def booked(line: BudgetLine, amount: int, *, now: int = START) -> tuple[BudgetLine, Entry]:
    """Return *line* and entry; the amount must fit."""
    result = book(line, amount, now=now)
    assert not isinstance(result, Deny), result
    return result


def test_one_line_for_each_scope_asset_and_window() -> None:
    """The id is what makes two limits the same one."""
    assert line_id("wal_1", "native") == "wal_1/native/0"
    assert line_id("wal_1", FEES, 60) == "wal_1/fees/60"


@pytest.mark.parametrize(("amount", "fits"), [(0, True), (100, True), (101, False)])
def test_up_to_the_limit_it_fits(amount: int, *, fits: bool) -> None:
    """The limit is the last amount that fits."""
    assert isinstance(book(LIFETIME, amount, now=START), Deny) is not fits


@pytest.mark.parametrize(
    ("asset", "code"), [("native", Code.BUDGET_EXCEEDED), (FEES, Code.SPONSORSHIP_EXCEEDED)]
)
def test_a_refusal_names_the_line(asset: str, code: Code) -> None:
    """Who reads it knows whose budget it was and how much was left."""
    line, _ = booked(replace(LIFETIME, asset=asset), 60)
    assert book(line, 41, now=START) == Deny(
        code,
        "budget wal_1/native/0",
        f"100 of {asset} allowed for wal_1, 60 booked, 41 asked for",
    )


@pytest.mark.parametrize(
    ("first", "second", "fits"), [(0, 59, False), (0, 60, True), (59, 60, True), (60, 119, False)]
)
def test_windows_are_counted_from_the_start_of_the_line(
    first: int, second: int, *, fits: bool
) -> None:
    """Half open, as everywhere."""
    line, entry = booked(DAILY, 100, now=START + first)
    assert entry == Entry(DAILY.id, first // 60, 100)
    assert isinstance(book(line, 1, now=START + second), Deny) is not fits


def test_a_clock_that_is_behind_opens_no_window_again() -> None:
    """It books to the window that another process has reached."""
    line, _ = booked(DAILY, 60, now=START + 60)
    assert isinstance(book(line, 41, now=START + 59), Deny)
    line, entry = booked(line, 40, now=START - 1)
    assert entry.window == 1
    assert line.counter == Counter(100, 1)


def test_settling_puts_what_happened_in_the_place_of_what_was_booked() -> None:
    """A fee is booked at its ceiling, and counts as what it was."""
    line, entry = booked(LIFETIME, 70)
    assert settle(line, entry, actual=30).counter == Counter(30, 0)
    assert settle(line, entry, actual=0).counter == Counter(0, 0)
    assert settle(line, entry, actual=70) == line
    assert settle(line, entry, actual=80).counter == Counter(80, 0)


def test_settling_what_a_window_has_forgotten_changes_nothing() -> None:
    """What was booked yesterday is no room for today."""
    line, old = booked(DAILY, 70)
    line, _ = booked(line, 50, now=START + 60)
    assert settle(line, old, actual=0) == line


def test_nothing_is_given_back_twice_into_the_negative() -> None:
    """A counter below zero would be room that nobody granted."""
    line, entry = booked(LIFETIME, 70)
    twice = settle(settle(line, entry, actual=0), entry, actual=0)
    assert twice.counter == Counter(0, 0)


@given(
    st.sampled_from([LIFETIME, DAILY]),
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 60)), max_size=12),
)
def test_a_line_is_never_above_its_limit(line: BudgetLine, asked: list[tuple[int, int]]) -> None:
    """Neither in all nor in one window, however the clock moves."""
    now = START
    real: dict[int, int] = {}
    for wait_s, amount in asked:
        now += wait_s - 30
        result = book(line, amount, now=now)
        if isinstance(result, Deny):
            continue
        line, entry = result
        real[entry.window] = real.get(entry.window, 0) + entry.amount
        assert line.counter.spent == real[line.counter.window]
    assert all(amount <= line.limit for amount in real.values())
