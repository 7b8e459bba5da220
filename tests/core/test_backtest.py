"""Backtest: the same answers as when the runs are made, and what was of no use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    ACCOUNT,
    APPROVE,
    EVE,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    cap_with,
    permission_with,
    transfer,
)
from tests.core.strategies import START
from tests.core.whole import whole_permissions, whole_traces
from tests.searched import searched
from valetkey.core.errors import Code
from valetkey.core.permission.backtest import Recorded, backtest
from valetkey.core.permission.decide import Allow, decide, nothing_spent
from valetkey.core.permission.model import ANYTHING, Call, Rate, Rule, WideRule, Window

if TYPE_CHECKING:
    from valetkey.core.permission.backtest import Report
    from valetkey.core.permission.model import Permission


def report_on(permission: Permission, *runs: tuple[int, list[Call]]) -> Report:
    """Return the report on runs, each so many seconds after the start."""
    recorded = [Recorded(START + after_s, tuple(calls)) for after_s, calls in runs]
    return backtest(permission, recorded, account=ACCOUNT)


def test_it_says_what_would_have_been_refused_and_what_stays_unused() -> None:
    """The refused run books nothing, so that a smaller one fits after it."""
    rules = (*PERMISSION.rules, Rule(TOKEN, APPROVE))
    caps = (cap_with(lifetime=100, window=Window(60, 60)),)
    report = report_on(
        permission_with(rules=rules, caps=caps),
        (0, [transfer(40)]),
        (1, [transfer(21)]),
        (1, [transfer(5), transfer(1, EVE)]),
        (59, [transfer(10), transfer(5)]),
        (60, []),
        (60, [transfer(45)]),
    )
    assert (report.accepted, report.calls) == (4, 5)
    assert [(one.index, one.at, one.deny.caveat) for one in report.refused] == [
        (1, START + 1, "caps[0].window"),
        (2, START + 1, "recipients"),
    ]
    assert report.refused[1].deny.code is Code.RECIPIENT_NOT_ALLOWED
    assert (report.rules, report.unused_rules) == ((4, 0), (1,))
    used = [(one.limit.caveat, one.booked, one.percent) for one in report.limits]
    assert used == [("caps[0].lifetime", 100, 100), ("caps[0].window", 55, 92)]


def test_wide_rules_are_used_behind_the_others_and_a_rate_is_counted() -> None:
    """What a wide rule covers is no use of the rule on the same target."""
    permission = permission_with(
        rules=(*PERMISSION.rules, Rule(ROUTER, SWAP_SELECTOR)),
        wide_rules=(WideRule(ROUTER), WideRule(ANYTHING)),
        recipients=ANYTHING,
        rate=Rate(3, 60),
    )
    other = Call(ROUTER, 0, b"\x01\x02\x03\x04")
    report = report_on(permission, (0, [other, other]), (59, [other, transfer(1)]), (60, [other]))
    assert (report.rules, report.unused_rules, report.rate) == ((0, 0, 3, 0), (0, 1, 3), 2)
    assert [one.deny.code for one in report.refused] == [Code.RATE_EXCEEDED]


@pytest.mark.parametrize(("limit", "amount", "percent"), [(0, 0, 100), (3, 1, 34), (100, 0, 0)])
def test_a_share_is_rounded_up(limit: int, amount: int, percent: int) -> None:
    """Only what was not touched at all is 0, and of nothing nothing is left."""
    permission = permission_with(caps=(cap_with(lifetime=limit),))
    (used,) = report_on(permission, (0, [transfer(amount)])).limits
    assert used.percent == percent


@searched(30)
@given(st.data())
def test_it_is_the_same_as_making_the_runs(data: st.DataObject) -> None:
    """Run by run."""
    permission = data.draw(whole_permissions())
    now, recorded = permission.starts_at, []
    for wait_s, calls in data.draw(whole_traces(permission)):
        now += wait_s
        recorded.append(Recorded(now, tuple(calls)))
    report = backtest(permission, recorded, account=ACCOUNT)
    spent, refused = nothing_spent(permission), []
    uses, most = [0] * (len(permission.rules) + len(permission.wide_rules)), 0
    for index, run in enumerate(recorded):
        answer = decide(run.calls, permission, spent, now=run.at, account=ACCOUNT)
        if isinstance(answer, Allow):
            spent, most = answer.after, max(most, answer.after.rate.spent)
            for rule in answer.rules:
                uses[rule] += 1
        else:
            refused.append((index, answer))
    assert [(one.index, one.deny) for one in report.refused] == refused
    assert report.calls == spent.calls
    assert report.rules == tuple(uses)
    assert report.rate == (most if permission.rate else None)
    assert all(0 <= one.booked <= one.limit.limit for one in report.limits)
