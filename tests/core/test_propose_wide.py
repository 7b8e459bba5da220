"""Propose, for targets of which any function was asked for; and never otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.examples import ANN, OTHER_TOKEN, ROUTER, SWAP_SELECTOR, TOKEN, pay, transfer
from tests.core.strategies import CAST, CHAIN, START, calldata
from tests.core.whole import whole_calls, whole_permissions
from tests.searched import searched
from valetkey.core.errors import Malformed
from valetkey.core.permission.backtest import Recorded, backtest
from valetkey.core.permission.model import ANYTHING, Call, Cap, Permission, WideRule
from valetkey.core.permission.propose import Slack, propose
from valetkey.core.permission.subset import Subset, is_subset

ODD = Call(ROUTER, 0, calldata(b"\x01\x02\x03\x04", 7))
SWAP = Call(ROUTER, 4, calldata(SWAP_SELECTOR, 5, ANN, 1, 2))


def proposed(*calls: Call, wide: tuple[bytes, ...] = ()) -> Permission:
    """Return what is proposed for one run of *calls*."""
    runs = [Recorded(START, calls)]
    return propose(runs, chain=CHAIN, decimals={}, slack=Slack(), wide=wide)


def refused(permission: Permission, *calls: Call) -> int:
    """Return how many of *calls*, each a run, are refused."""
    runs = [Recorded(START, (call,)) for call in calls]
    return len(backtest(permission, runs, account=CAST.account).refused)


def test_what_was_asked_for_is_wide_and_nothing_else() -> None:
    """Value is capped by what was sent, and a transfer is named as ever."""
    permission = proposed(ODD, SWAP, transfer(5), wide=(ROUTER,))
    assert permission.wide_rules == (WideRule(ROUTER, payable=True),)
    assert [rule.target for rule in permission.rules] == [TOKEN]
    assert permission.caps == (
        Cap(None, 18, per_call=4, lifetime=4),
        Cap(TOKEN, 0, per_call=5, lifetime=5),
    )
    assert permission.recipients == ANYTHING
    other = replace(ODD, data=b"\x0a\x0b\x0c\x0d")
    assert refused(permission, ODD, SWAP, other) == 0
    elsewhere, more = replace(ODD, to=OTHER_TOKEN), replace(SWAP, value_wei=5)
    assert refused(permission, elsewhere, more, transfer(6), transfer(5, token=ROUTER)) == 4


def test_what_moves_value_is_named_even_on_a_wide_target() -> None:
    """No wide rule covers it; and a token that is wide has no cap."""
    call = transfer(5, token=ROUTER)
    permission = proposed(ODD, call, wide=(ROUTER,))
    assert permission.wide_rules == (WideRule(ROUTER),)
    assert permission.caps == ()
    assert refused(permission, ODD, call) == 0
    assert refused(permission, transfer(6, token=ROUTER), transfer(5, ANN, token=TOKEN)) == 2


@pytest.mark.parametrize("calls", [(ODD, SWAP), (transfer(1), pay(3)), (ODD,)])
def test_without_being_asked_nothing_is_wide(calls: tuple[Call, ...]) -> None:
    """Nor if another target was asked for."""
    assert proposed(*calls).wide_rules == ()
    assert proposed(*calls, wide=(OTHER_TOKEN,)).wide_rules == ()
    assert isinstance(is_subset(proposed(*calls), proposed(*calls)), Subset)


@searched(60)
@given(st.data())
def test_a_wide_recording_is_allowed_and_what_leaves_it_is_not(data: st.DataObject) -> None:
    """Whatever was recorded under wide rules, with any targets asked for."""
    world = data.draw(whole_permissions())
    made = data.draw(st.lists(whole_calls(world), min_size=1, max_size=4))
    wide = tuple(data.draw(st.sets(st.sampled_from([call.to for call in made]))))
    recorded = [Recorded(START, (call,)) for call in made]
    slack = data.draw(st.builds(Slack, *[st.integers(0, 200)] * 3))
    try:
        permission = propose(recorded, chain=CHAIN, decimals={}, slack=slack, wide=wide)
    except Malformed:
        assume(condition=False)
    assert {rule.target for rule in permission.wide_rules} <= set(wide)
    report = backtest(permission, recorded, account=CAST.account)
    assert all("never a target" in one.deny.detail for one in report.refused)
    for call in made:
        named = call.to not in {rule.target for rule in permission.wide_rules}
        strange = [replace(call, to=b"\x77" * 20), replace(call, data=b"\x01")]
        strange += [replace(call, data=b"\x0f\x0e\x0d\x0c")] if named else []
        assert refused(permission, *strange) == len(strange)
