"""How far a session can go that no server stands before, and how far it has gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import TOKEN, permission_with
from valetkey.core.chain import Counter, GrantStage, GrantState
from valetkey.core.permission.exposure import exposure, moved_at_most
from valetkey.core.permission.model import Cap, Permission, Rule, WideRule, Window

OTHER = b"\x0e" * 20


def capped(**cap: object) -> Permission:
    """Return a permission over 1000 seconds with one cap on the token."""
    plain = permission_with(caps=(replace(Cap(TOKEN, 6), **cap),))  # type: ignore[arg-type]
    return replace(plain, expires_at=plain.starts_at + 1000)


def after(*spent: int, calls: int = 1) -> GrantState:
    """Return a grant that has counted so much."""
    counters = tuple(Counter(one, 0) for one in spent)
    return GrantState(GrantStage.REVOKED, calls, 0, 0, counters, 0)


@pytest.mark.parametrize(
    ("cap", "window_s", "amount"),
    [
        ({"lifetime": 20}, 0, 20),
        ({"lifetime": 20}, 60, 20),
        ({"window": Window(5, 100)}, 0, 50),
        ({"window": Window(5, 100)}, 100, 10),  # the end of one span and the start of the next
        ({"window": Window(5, 100)}, 250, 20),
        ({"window": Window(5, 100)}, 1, 10),
        ({"lifetime": 7, "window": Window(5, 100)}, 100, 7),
        ({"per_call": 5}, 0, None),
    ],
)
def test_the_most_that_can_be_moved(
    cap: dict[str, object], window_s: int, amount: int | None
) -> None:
    """In the whole life, and in any span of a budget's window."""
    assert exposure(capped(**cap), TOKEN, window_s=window_s) == amount


def test_what_no_rule_moves_is_never_moved() -> None:
    """Of another token, and of the native coin where no rule carries value."""
    limits = capped(lifetime=20)
    assert [exposure(limits, asset) for asset in (OTHER, None)] == [0, 0]


def test_what_nobody_counts_has_no_bound() -> None:
    """No cap; a function that may use approvals; any function at all."""
    assert exposure(permission_with(caps=()), TOKEN) is None
    limits = capped(lifetime=20)
    opaque = replace(limits, rules=(*limits.rules, Rule(OTHER, b"\xff" * 4)))
    wide = replace(limits, wide_rules=(WideRule(OTHER),))
    for one in (opaque, wide):
        assert exposure(one, TOKEN) is None
        assert exposure(one, b"\x0f" * 20) is None


@pytest.mark.parametrize(
    ("cap", "state", "moved"),
    [
        ({"lifetime": 20}, after(12), 12),
        ({"lifetime": 20}, after(0, calls=0), 0),
        ({"window": Window(5, 100)}, after(3), 50),  # the chain keeps the last span only
        ({"lifetime": 20, "window": Window(5, 100)}, after(12, 3), 12),
    ],
)
def test_what_it_has_moved_is_never_said_to_be_less(
    cap: dict[str, object], state: GrantState, moved: int
) -> None:
    """Where the chain keeps no sum, the worst is assumed."""
    assert moved_at_most(capped(**cap), TOKEN, state) == moved


def test_calls_that_are_counted_bound_what_was_moved() -> None:
    """Three calls of five each are fifteen at most."""
    limits = replace(capped(per_call=5), max_calls=10)
    assert moved_at_most(limits, TOKEN, after(calls=3)) == 15
