"""The printed worst case: what it says, and that no accepted trace is worse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.core.examples import (
    ANN,
    APPROVE,
    INCREASE,
    OTHER_TOKEN,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    TRANSFER_FROM,
    cap_with,
    permission_with,
    spend,
    transfer,
)
from tests.core.ledger import Ledger
from tests.core.strategies import CAST, START, permissions
from tests.core.whole import whole_permissions, whole_traces
from valetkey.core.permission.decide import Allow, decide, nothing_spent
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Permission,
    Rule,
    Window,
)
from valetkey.core.permission.worst_case import (
    Bound,
    opaque_targets,
    windows_touched,
    worst_case,
)

PERMIT = selector_of("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")
FOR_ALL = selector_of("setApprovalForAll(address,bool)")
NATIVE = Cap(None, 18, lifetime=9)
OPEN = permission_with(recipients=ANYTHING)
BY_LIFETIME = "the lifetime cap"
NO_CAP = "there is no cap on it"
NO_COUNT = "the cap is per call and calls are not counted"
ROUTED = f"0x{ROUTER.hex()} may use the account's approvals"


def windowed(limit: int, window_s: int, *, length_s: int, **more: object) -> Permission:
    """Return the ordinary permission with a window and another length."""
    cap = cap_with(**{"lifetime": None, "window": Window(limit, window_s)} | more)
    return permission_with(caps=(cap,), expires_at=START + length_s)


def on_token(*selectors: bytes) -> tuple[Rule, ...]:
    """Return rules for functions of the token."""
    return tuple(Rule(TOKEN, selector) for selector in selectors)


BOUNDS: list[tuple[str, Permission, list[tuple[bytes | None, int | None, str]]]] = [
    ("nothing", permission_with(rules=()), []),
    ("a lifetime", PERMISSION, [(TOKEN, 100, BY_LIFETIME)]),
    ("whole windows", windowed(10, 60, length_s=120), [(TOKEN, 20, "the window cap in 2 windows")]),
    (
        "a window begun",
        windowed(10, 60, length_s=121),
        [(TOKEN, 30, "the window cap in 3 windows")],
    ),
    (
        "one long window",
        windowed(10, 9000, length_s=1),
        [(TOKEN, 10, "the window cap in 1 windows")],
    ),
    ("the lesser of both", windowed(10, 60, length_s=120, lifetime=5), [(TOKEN, 5, BY_LIFETIME)]),
    (
        "per call, counted",
        permission_with(caps=(cap_with(lifetime=None, per_call=7),), max_calls=3),
        [(TOKEN, 21, "the cap per call, 3 times")],
    ),
    (
        "per call, not counted",
        permission_with(caps=(cap_with(lifetime=None, per_call=7),)),
        [(TOKEN, None, NO_COUNT)],
    ),
    (
        "counted to less than the cap",
        permission_with(caps=(cap_with(per_call=7),), max_calls=3),
        [(TOKEN, 21, "the cap per call, 3 times")],
    ),
    ("no cap", permission_with(caps=()), [(TOKEN, None, NO_CAP)]),
    (
        "approvals and moves by others count alike",
        permission_with(rules=on_token(APPROVE, INCREASE, TRANSFER_FROM)),
        [(TOKEN, 100, BY_LIFETIME)],
    ),
    ("a cap on what cannot move", permission_with(rules=(), caps=(cap_with(), NATIVE)), []),
    (
        "a payment",
        permission_with(rules=(Rule(ANN, None),), caps=(NATIVE,)),
        [(None, 9, BY_LIFETIME)],
    ),
    (
        "value with a token",
        replace(OPEN, rules=(Rule(TOKEN, TRANSFER, payable=True),), caps=(cap_with(), NATIVE)),
        [(None, 9, BY_LIFETIME), (TOKEN, 100, BY_LIFETIME)],
    ),
    (
        "native per call and in all",
        permission_with(
            rules=(Rule(ANN, None),), caps=(Cap(None, 18, per_call=2, lifetime=9),), max_calls=3
        ),
        [(None, 6, "the cap per call, 3 times")],
    ),
    (
        "two tokens",
        replace(OPEN, rules=(Rule(OTHER_TOKEN, TRANSFER), *PERMISSION.rules)),
        [(TOKEN, 100, BY_LIFETIME), (OTHER_TOKEN, None, NO_CAP)],
    ),
]


@pytest.mark.parametrize(("what", "permission", "expected"), BOUNDS, ids=[row[0] for row in BOUNDS])
def test_the_bound_is_the_least_that_the_caps_give(
    what: str, permission: Permission, expected: list[tuple[bytes | None, int | None, str]]
) -> None:
    """Lifetime, windows touched, and calls times the cap per call: the smallest counts."""
    worst = worst_case(permission)
    assert [(bound.asset, bound.amount, bound.reason) for bound in worst.bounds] == expected, what
    assert worst.others == ()
    assert worst.is_bounded() is all(amount is not None for _, amount, _ in expected)


OPAQUE: list[tuple[str, Permission, list[Bound]]] = [
    ("a router", replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR),), caps=()), []),
    (
        "a router, and a cap that it goes around",
        replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR), *PERMISSION.rules)),
        [Bound(TOKEN, None, 0, ROUTED)],
    ),
    (
        "a router that is paid",
        replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR, payable=True),), caps=(NATIVE,)),
        [Bound(None, 9, 18, BY_LIFETIME)],
    ),
    ("permit", replace(OPEN, rules=(Rule(ROUTER, PERMIT),), caps=()), []),
    ("approval for all", replace(OPEN, rules=(Rule(ROUTER, FOR_ALL),), caps=()), []),
    (
        "the same contract twice",
        replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR), Rule(ROUTER, PERMIT)), caps=()),
        [],
    ),
]


@pytest.mark.parametrize(("what", "permission", "bounds"), OPAQUE, ids=[row[0] for row in OPAQUE])
def test_a_function_of_unknown_effect_unbounds_every_token(
    what: str, permission: Permission, bounds: list[Bound]
) -> None:
    """Its target may use approvals that the account gave before; no cap sees that."""
    worst = worst_case(permission)
    assert list(worst.bounds) == bounds, what
    assert worst.others == (ROUTED,)
    assert opaque_targets(permission) == (ROUTER,)
    assert not worst.is_bounded()


@pytest.mark.parametrize(("length_s", "count"), [(1, 1), (59, 1), (60, 1), (61, 2), (120, 2)])
def test_a_window_that_is_only_begun_counts(length_s: int, count: int) -> None:
    """Its cap can be used in full in its first second."""
    assert windows_touched(windowed(1, 60, length_s=length_s), 60) == count


@given(st.data())
def test_no_accepted_trace_moves_more_than_the_worst_case(data: st.DataObject) -> None:
    """
    Measured by what honest tokens give out, while spenders draw every approval at once.

    tests/chain/test_worst_case.py measures it by balances.
    """
    permission = data.draw(st.one_of(permissions(), whole_permissions()))
    ledger = Ledger(CAST)
    spent = nothing_spent(permission)
    now = permission.starts_at
    for wait_s, run in data.draw(whole_traces(permission)):
        now += wait_s
        answer = decide(run, permission, spent, now=now, account=CAST.account)
        if isinstance(answer, Allow):
            spent = answer.after
            ledger.make(run)
    worst = worst_case(permission)
    bounds = {bound.asset: bound.amount for bound in worst.bounds}
    for asset, lost in ledger.lost.items():
        most = bounds.get(asset, 0) if asset is None or not worst.others else None
        event("unbounded" if most is None else "bounded and moved" if lost else "bounded")
        assert most is None or lost <= most
    assert worst.others or not ledger.drawn_through


@given(limit=st.integers(0, 10**30), window_s=st.integers(60, 4000), length_s=st.integers(1, 9000))
def test_the_worst_case_of_windows_is_reached(limit: int, window_s: int, length_s: int) -> None:
    """The number is no fright: whoever uses each window in its first second moves exactly that."""
    granted = windowed(limit, window_s, length_s=length_s)
    starts = range(START, START + length_s, window_s)
    spend(granted, [(now, [transfer(limit)]) for now in starts])
    assert worst_case(granted).bounds[0].amount == limit * len(starts)


@given(per_call=st.integers(0, 10**30), max_calls=st.integers(1, 9))
def test_the_worst_case_of_counted_calls_is_reached(per_call: int, max_calls: int) -> None:
    """A cap per call, in every call that there is."""
    cap = cap_with(lifetime=None, per_call=per_call)
    granted = permission_with(caps=(cap,), max_calls=max_calls)
    spend(granted, [(START, [transfer(per_call)] * max_calls)])
    assert worst_case(granted).bounds[0].amount == per_call * max_calls
