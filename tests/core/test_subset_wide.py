"""Subset, with wide rules and rates: what covers what, and what is outside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    ANN,
    APPROVE,
    OTHER_TOKEN,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    cap_with,
    permission_with,
)
from tests.core.proof import at_most, proven, windowed
from tests.core.strategies import START
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Permission,
    Rate,
    Rule,
    WideRule,
    Window,
)
from valetkey.core.permission.subset import NotSubset, Subset
from valetkey.core.units import DAY_S
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

NATIVE = Cap(None, 18, per_call=5, lifetime=9)
SWAP = Rule(ROUTER, SWAP_SELECTOR)
OTHER = Rule(ROUTER, b"\x01\x02\x03\x04")
WIDE = WideRule(ROUTER)
ANY = WideRule(ANYTHING)
PAID = WideRule(ROUTER, payable=True)


def wide(*rules: Rule | WideRule, caps: tuple[Cap, ...] = (NATIVE,)) -> Permission:
    """Return a permission for anybody with these rules."""
    return permission_with(
        rules=tuple(rule for rule in rules if isinstance(rule, Rule)),
        wide_rules=tuple(rule for rule in rules if isinstance(rule, WideRule)),
        caps=caps,
        recipients=ANYTHING,
    )


def rated(calls: int, window_s: int, **changes: object) -> Permission:
    """Return the ordinary permission with a rate."""
    return permission_with(rate=Rate(calls, window_s), **changes)


WITHIN: list[tuple[str, Permission, Permission]] = [
    ("a function of the target", wide(SWAP), wide(WIDE)),
    ("a payment to the target", wide(Rule(ROUTER, None)), wide(PAID)),
    ("a function of any target", wide(SWAP), wide(ANY)),
    ("a target among any", wide(WIDE), wide(ANY)),
    ("a target among any, and any", wide(WIDE, ANY), wide(ANY)),
    ("any, but for a target that a rule names", wide(SWAP, ANY), wide(ANY)),
    ("a rule that says no more than the wide one", wide(WIDE), wide(OTHER, WIDE)),
    ("value under both", wide(PAID), wide(WideRule(ANYTHING, payable=True))),
    ("a lower cap", wide(PAID, caps=(replace(NATIVE, per_call=4),)), wide(PAID)),
    ("a rate", rated(5, 60), permission_with()),
    ("a lower rate", rated(4, 60), rated(5, 60)),
    ("a rate in two windows at most", rated(2, 60), rated(4, 61)),
    ("a rate that comes to a count", rated(2, 1800), permission_with(max_calls=4)),
    ("a count that comes to a rate", permission_with(max_calls=4), rated(4, 60)),
    ("a rate times a cap per call", rated(2, 1800, caps=(cap_with(lifetime=None, per_call=5),)),
     permission_with(caps=(cap_with(lifetime=20),))),
    ("calls a minute, an amount a day",
     rated(1, 60, caps=(windowed(100, DAY_S, per_call=3),), expires_at=START + 3 * DAY_S),
     permission_with(caps=(windowed(6, 61), cap_with(asset=OTHER_TOKEN)),
                     expires_at=START + 3 * DAY_S)),
]  # fmt: skip


@pytest.mark.parametrize(("what", "child", "parent"), WITHIN, ids=[row[0] for row in WITHIN])
def test_it_is_within(what: str, child: Permission, parent: Permission) -> None:
    """The most specific rule covers, and what it does not name the wide one does."""
    assert proven(check_permission(child), check_permission(parent)) == Subset(), what


NOT_WITHIN: list[tuple[str, Permission, Permission, str]] = [
    ("any function against one", wide(WIDE), wide(SWAP), "rules"),
    ("any target against one", wide(ANY), wide(WIDE), "rules"),
    ("any, where the parent names a target", wide(ANY), wide(SWAP, ANY), "rules"),
    ("a wide rule, where a rule of the parent says less", wide(WIDE),
     wide(Rule(ROUTER, SWAP_SELECTOR, where=(at_most(0, 2**256 - 1),)), WIDE), "rules[0]"),
    ("a rule on a target that is closed to any", wide(SWAP, OTHER), wide(SWAP, ANY), "rules"),
    ("what moves value", wide(Rule(ROUTER, APPROVE)), wide(WIDE), "rules"),
    ("what moves value, among any", wide(Rule(ROUTER, min(set(VALUE_MOVING) - set(EFFECTS)))),
     wide(ANY), "rules"),
    ("value", wide(PAID), wide(WIDE), "wide_rules[0]"),
    ("value in a rule", wide(Rule(ROUTER, None)), wide(WIDE), "wide_rules[0]"),
    ("value, where a rule of the parent takes none", wide(PAID), wide(OTHER, PAID), "rules[0]"),
    ("more value", wide(PAID), wide(PAID, caps=(replace(NATIVE, per_call=4),)), "wide_rules[0]"),
    ("more value in all", wide(PAID), wide(PAID, caps=(replace(NATIVE, lifetime=8),)),
     "caps[0].lifetime"),
    ("more value of any", wide(WideRule(ANYTHING, payable=True)),
     wide(WideRule(ANYTHING, payable=True), caps=(replace(NATIVE, lifetime=8),)),
     "caps[0].lifetime"),
    ("a wide rule alone", wide(ANY), permission_with(recipients=ANYTHING), "rules"),
    ("no rate", permission_with(), rated(2**31, 60), "rate"),
    ("a higher rate", rated(5, 60), rated(4, 60), "rate"),
    ("a rate in two windows", rated(2, 60), rated(3, 61), "rate"),
    ("a rate that lies across", rated(2, 60, starts_at=START + 30), rated(3, 60), "rate"),
    ("a rate that comes to more than a count", rated(2, 1800), permission_with(max_calls=3),
     "max_calls"),
    ("a rate times a cap per call", rated(2, 1800, caps=(cap_with(lifetime=None, per_call=5),)),
     permission_with(caps=(cap_with(lifetime=19),)), "caps[0].lifetime"),
    ("calls a minute, an amount a day",
     rated(1, 60, caps=(windowed(100, DAY_S, per_call=3),), expires_at=START + 3 * DAY_S),
     permission_with(caps=(windowed(5, 62),), expires_at=START + 3 * DAY_S), "caps[0].window"),
    ("an amount a minute, calls a day",
     rated(4, DAY_S, caps=(windowed(7, 60, per_call=3),), expires_at=START + 3 * DAY_S),
     permission_with(caps=(cap_with(lifetime=11, window=Window(11, 600)),),
                     expires_at=START + 3 * DAY_S), "caps[0].lifetime"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "child", "parent", "caveat"), NOT_WITHIN, ids=[row[0] for row in NOT_WITHIN]
)
def test_it_is_not_within(what: str, child: Permission, parent: Permission, caveat: str) -> None:
    """The trace was replayed: accepted by the one, refused by the other."""
    answer = proven(check_permission(child), check_permission(parent))
    assert isinstance(answer, NotSubset), what
    assert answer.caveat == caveat


def test_what_is_counted_never_moves_under_a_wide_rule() -> None:
    """The calculus leans on it: whatever has a known amount is on the published list."""
    assert set(EFFECTS) <= set(VALUE_MOVING)


def test_stages_of_windows_in_windows_are_few() -> None:
    """Ten days of a hundred calls each, ten a minute: said in a few lines, and true."""
    child = rated(10, 60, caps=(windowed(500, DAY_S, per_call=7),), expires_at=START + 10 * DAY_S)
    parent = permission_with(caps=(cap_with(lifetime=4999),), expires_at=START + 10 * DAY_S)
    answer = proven(child, parent)
    assert isinstance(answer, NotSubset)
    assert len(answer.trace.stages) <= 8
    assert answer.trace.stages[0].cycles == 10
    assert proven(child, replace(parent, caps=(cap_with(lifetime=5000),))) == Subset()


@pytest.mark.parametrize("rate_s", [60, 120])
def test_a_window_that_is_cut_off_is_filled_like_the_others(rate_s: int) -> None:
    """The parent's window begins inside the first of the child's, and reaches into more of them."""
    child = rated(1, rate_s, caps=(windowed(5, 60),), expires_at=START + 600)
    parent = permission_with(
        caps=(windowed(9, 240),), starts_at=START - 210, expires_at=START + 600
    )
    answer = proven(child, parent)
    assert isinstance(answer, NotSubset)
    assert answer.caveat == "caps[0].window"


def test_the_target_that_stands_for_all_others_is_none_that_is_named() -> None:
    """Even if somebody names the one that would have been taken."""
    somebody = wide(ANY)
    first = proven(somebody, permission_with(recipients=ANYTHING))
    assert isinstance(first, NotSubset)
    taken = first.trace.stages[0].runs[0].calls[0].to
    again = proven(somebody, wide(WideRule(taken)))
    assert isinstance(again, NotSubset)
    assert again.trace.stages[0].runs[0].calls[0].to not in (taken, ANN, TOKEN)
