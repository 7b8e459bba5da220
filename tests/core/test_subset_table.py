"""Subset, caveat by caveat: what bounds a permission, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.core.examples import (
    ANN,
    APPROVE,
    BOB,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    TRANSFER_FROM,
    cap_with,
    permission_with,
)
from tests.core.proof import at_most, only, proven, windowed
from tests.core.strategies import CAST, START
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Cap,
    Constraint,
    Permission,
    Rule,
    Window,
)
from valetkey.core.permission.subset import NotSubset, Subset, is_subset
from valetkey.core.permission.trace import Run, Stage
from valetkey.core.units import DAY_S, UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence


def where(*constraints: Constraint) -> Permission:
    """Return the ordinary permission for anybody, with *constraints*."""
    rules = (Rule(TOKEN, TRANSFER, where=constraints),)
    return permission_with(rules=rules, recipients=ANYTHING)


def listed(*constraints: Constraint) -> Permission:
    """Return the same without a cap: only then amounts may be listed."""
    return replace(where(*constraints), caps=())


def caps(*limits: Cap, **changes: object) -> Permission:
    """Return the ordinary permission with other caps."""
    return replace(permission_with(caps=limits), **changes)  # type: ignore[arg-type]


HOUR, LATER = 3600, START + 600
OPEN = permission_with(recipients=ANYTHING)
MANY = caps(cap_with(lifetime=None, per_call=2), max_calls=5)
PAYING = permission_with(rules=(Rule(ANN, None),), caps=(Cap(None, 18, lifetime=9),))
PAYABLE = permission_with(
    rules=(Rule(TOKEN, TRANSFER, payable=True),),
    caps=(cap_with(), Cap(None, 18, lifetime=9)),
    recipients=tuple(sorted((TOKEN, ANN, BOB))),
)
ROUTED = replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR),), caps=())

WITHIN: list[tuple[str, Permission, Permission]] = [
    ("a bound relayer", permission_with(relayer=BOB), PERMISSION),
    ("a fee budget", permission_with(fee_budget_wei=9), PERMISSION),
    ("a lower fee budget", permission_with(fee_budget_wei=9), permission_with(fee_budget_wei=9)),
    ("a count", permission_with(max_calls=1), PERMISSION),
    ("a window within", permission_with(starts_at=START + 1), PERMISSION),
    ("nothing at all", permission_with(rules=()), permission_with(rules=(), recipients=())),
    ("a rule that nobody can use", permission_with(recipients=()), permission_with(rules=())),
    ("a list against anybody", PERMISSION, OPEN),
    ("a constraint against a list", where(only(0, int.from_bytes(ANN))), PERMISSION),
    ("at most one is one of two", listed(at_most(1, 1)), listed(only(1, 0, 1))),
    ("one of two is at most one", listed(only(1, 0, 1)), listed(at_most(1, 1))),
    ("a word that is there anyway", where(at_most(1, 5)), where(at_most(0, UINT256_MAX))),
    ("a count times a cap per call", MANY, caps(cap_with(lifetime=10))),
    ("a count times an argument", replace(where(at_most(1, 2)), caps=(), max_calls=5),
     replace(OPEN, caps=(cap_with(lifetime=10),))),
    ("the count that is always there", caps(cap_with(lifetime=None, per_call=1)),
     caps(cap_with(lifetime=2**32 - 1))),
    ("windows times their limit", caps(windowed(10, 60), expires_at=START + 121),
     caps(cap_with(lifetime=30))),
    ("a lifetime under a window", PERMISSION, caps(windowed(100, 60))),
    ("a window of the same phase", caps(windowed(50, 60)), caps(windowed(100, 120))),
    ("two windows of a minute touch one of 61 s", caps(windowed(50, 60)), caps(windowed(100, 61))),
    ("a window that starts later by windows", caps(windowed(10, 60), starts_at=START + 120),
     caps(windowed(10, 60))),
    ("a count of one value", replace(listed(only(1, 60)), max_calls=2),
     replace(OPEN, caps=(cap_with(lifetime=120),))),
    ("an approval is a transfer to a cap", replace(OPEN, rules=(Rule(TOKEN, APPROVE),)),
     replace(OPEN, rules=(Rule(TOKEN, APPROVE), Rule(TOKEN, TRANSFER)))),
    ("a payment", PAYING, replace(PAYING, recipients=ANYTHING)),
    ("value that may not be", PAYABLE, replace(PAYABLE, recipients=ANYTHING)),
    ("a payable rule under a cap of nothing",
     replace(PAYABLE, caps=(cap_with(), Cap(None, 18, lifetime=0))), OPEN),
    ("limits of the same number", caps(cap_with(lifetime=UINT128_MAX)),
     caps(cap_with(lifetime=UINT128_MAX))),
    ("an opaque call", replace(ROUTED, max_calls=1), ROUTED),
    ("another name for the same function", permission_with(rules=(Rule(TOKEN, TRANSFER),)),
     PERMISSION),
]  # fmt: skip


@pytest.mark.parametrize(("what", "child", "parent"), WITHIN, ids=[row[0] for row in WITHIN])
def test_it_is_within(what: str, child: Permission, parent: Permission) -> None:
    """Whichever caveat it is that bounds the child."""
    assert is_subset(check_permission(child), check_permission(parent)) == Subset(), what


NOT_WITHIN: list[tuple[str, Permission, Permission, str]] = [
    ("another chain", permission_with(chain="eip155:1"), PERMISSION, "chain"),
    ("any relayer", PERMISSION, permission_with(relayer=BOB), "relayer"),
    ("another relayer", permission_with(relayer=ANN), permission_with(relayer=BOB), "relayer"),
    ("any relayer, and the one that nobody is", PERMISSION, permission_with(relayer=b"\1" * 20),
     "relayer"),
    ("earlier", PERMISSION, permission_with(starts_at=START + 1), "starts_at"),
    ("longer", permission_with(expires_at=START + 3601), PERMISSION, "expires_at"),
    ("apart", permission_with(starts_at=START + 9, expires_at=START + 10),
     permission_with(expires_at=START + 5), "expires_at"),
    ("fees without end", PERMISSION, permission_with(fee_budget_wei=5), "fee_budget_wei"),
    ("higher fees", permission_with(fee_budget_wei=6), permission_with(fee_budget_wei=5),
     "fee_budget_wei"),
    ("no count", PERMISSION, permission_with(max_calls=2**32 - 2), "max_calls"),
    ("a higher count", permission_with(max_calls=3), permission_with(max_calls=2), "max_calls"),
    ("another rule", PERMISSION, permission_with(rules=()), "rules"),
    ("another function", permission_with(rules=(Rule(TOKEN, TRANSFER_FROM),)), PERMISSION, "rules"),
    ("value", PAYABLE, replace(PAYABLE, rules=PERMISSION.rules), "rules[0]"),
    ("more value in one call", PAYING, replace(PAYING, caps=(Cap(None, 18, lifetime=8),)),
     "rules[0]"),
    ("anybody", OPEN, PERMISSION, "rules[0]"),
    ("somebody else", permission_with(recipients=(BOB,)), permission_with(recipients=(ANN,)),
     "rules[0]"),
    ("nobody", PERMISSION, permission_with(recipients=()), "rules[0]"),
    ("short calldata", ROUTED,
     replace(ROUTED, rules=(Rule(ROUTER, SWAP_SELECTOR, where=(at_most(3, UINT256_MAX),)),)),
     "rules[0]"),
    ("at most two is not one of two", listed(at_most(1, 2)), listed(only(1, 0, 1)), "rules[0]"),
    ("a larger argument", where(at_most(1, 3)), where(at_most(1, 2)), "rules[0]"),
    ("no cap", permission_with(caps=()), PERMISSION, "rules[0]"),
    ("many calls", caps(cap_with(lifetime=None, per_call=2)), caps(cap_with(lifetime=2**32)),
     "caps[0].lifetime"),
    ("a count times a cap per call", MANY, caps(cap_with(lifetime=9)), "caps[0].lifetime"),
    ("windows times their limit", caps(windowed(10, 60), expires_at=START + 121),
     caps(cap_with(lifetime=29)), "caps[0].lifetime"),
    ("windows of another phase", caps(windowed(50, 60), starts_at=START + 59),
     caps(windowed(99, 60)), "caps[0].window"),
    ("a longer window", caps(windowed(50, 61)), caps(windowed(50, 60)), "caps[0].window"),
    ("a shorter window", caps(windowed(50, 60)), caps(windowed(99, 61)), "caps[0].window"),
    ("a lifetime in one window", PERMISSION, caps(windowed(99, 60)),
     "rules[0]"),
    ("minutes of a year", caps(windowed(1, 60), starts_at=LATER, expires_at=LATER + 365 * DAY_S),
     caps(cap_with(lifetime=500_000), expires_at=LATER + 366 * DAY_S), "caps[0].lifetime"),
    ("a count of one value", replace(listed(only(1, 60)), max_calls=2),
     replace(OPEN, caps=(cap_with(lifetime=119),)), "caps[0].lifetime"),
    ("two functions of one token",
     permission_with(rules=(Rule(TOKEN, APPROVE), Rule(TOKEN, TRANSFER))),
     permission_with(rules=(Rule(TOKEN, APPROVE), Rule(TOKEN, TRANSFER)),
                     caps=(cap_with(per_call=60, lifetime=99),)), "rules[0]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "child", "parent", "caveat"), NOT_WITHIN, ids=[row[0] for row in NOT_WITHIN]
)
def test_it_is_not_within(what: str, child: Permission, parent: Permission, caveat: str) -> None:
    """The trace is accepted by the one and refused by the other, at the place that is named."""
    child, parent = check_permission(child), check_permission(parent)
    answer = is_subset(child, parent)
    assert isinstance(answer, NotSubset), what
    assert answer.caveat == caveat
    if what != "minutes of a year":
        proven(child, parent)


def test_a_long_trace_is_short() -> None:
    """One stage for each kind of window, however many there are."""
    year = 365 * DAY_S
    child = caps(windowed(7, 60, per_call=2), expires_at=START + year)
    answer = is_subset(child, caps(cap_with(lifetime=3_000_000), expires_at=START + year))
    assert isinstance(answer, NotSubset)
    stages = answer.trace.stages
    assert len(stages) <= 4
    moved = sum(
        stage.rounds * run.times * int.from_bytes(run.calls[0].data[36:68])
        for stage in stages
        for run in stage.runs
    )
    assert moved == 3_000_001


def test_a_trace_says_when_and_what() -> None:
    """Concrete: seconds, targets, calldata."""
    answer = is_subset(PERMISSION, caps(cap_with(lifetime=99, window=Window(99, 60))))
    assert isinstance(answer, NotSubset)
    assert not isinstance(PERMISSION.recipients, Anything)
    listed: Sequence[Stage] = answer.trace.stages
    assert [(stage.at, stage.rounds) for stage in listed] == [(START, 1)]
    (run,) = listed[0].runs
    assert run == Run((replace(run.calls[0], to=TOKEN),))
    assert answer.trace.sender not in (TOKEN, CAST.account)
