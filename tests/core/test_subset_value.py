"""Subset where native value hangs on a token: one cap bounds two assets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.examples import (
    ANN,
    APPROVE,
    PERMISSION,
    TOKEN,
    TRANSFER,
    cap_with,
)
from tests.core.proof import is_within, only, windowed
from tests.core.small import accepts_more, small_permissions
from tests.core.strategies import START
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.model import Cap, Permission, Rule, Window
from valetkey.core.units import DAY_S

HARDER = 50


@settings(max_examples=HARDER)
@given(st.data())
def test_value_that_hangs_on_tokens_is_counted_with_them(data: st.DataObject) -> None:
    """Where nothing can be sent without moving a token, its cap bounds the value, too."""
    child = data.draw(small_permissions(payable=True))
    value = data.draw(st.builds(Window, st.integers(0, 5), st.integers(1, 4)))
    parent = replace(
        child,
        caps=(Cap(None, 18, window=value),),
        starts_at=child.starts_at - data.draw(st.integers(0, 3)),
        max_calls=None,
    )
    assert accepts_more(child, parent) is not is_within(child, parent)


STRINGS = (Rule(TOKEN, TRANSFER, payable=True, where=(only(1, 3, 5),)),)
HUNG = Permission(
    chain=PERMISSION.chain,
    rules=STRINGS,
    caps=(Cap(None, 18, per_call=4, lifetime=100), cap_with(lifetime=10)),
    starts_at=START,
    expires_at=START + 10 * DAY_S,
    recipients=tuple(sorted((TOKEN, ANN))),
)


def sends_at_most(child: Permission, amount: int, *, window_s: int | None = None) -> None:
    """Check the most native value that *child* can send, in all or in one window."""
    for limit, within in ((amount, True), (amount - 1, False)):
        cap = Cap(None, 18, lifetime=limit)
        if window_s is not None:
            cap = Cap(None, 18, window=Window(limit, window_s))
        assert is_within(child, replace(child, caps=(cap, *child.caps[1:]))) is within


def test_value_lasts_as_long_as_the_token_that_it_hangs_on() -> None:
    """Three transfers of 3 fit a cap of 10, so three payments of 4 are all."""
    sends_at_most(HUNG, 12)
    sends_at_most(replace(HUNG, max_calls=2), 8)
    daily = Cap(None, 18, per_call=4, window=Window(6, DAY_S))
    sends_at_most(replace(HUNG, caps=(daily, *HUNG.caps[1:])), 12)
    sends_at_most(replace(HUNG, caps=(daily, windowed(3, 3 * DAY_S))), 16)
    sends_at_most(replace(HUNG, caps=(daily, windowed(6, 3 * DAY_S))), 30, window_s=20 * DAY_S)
    sends_at_most(replace(HUNG, caps=(daily, windowed(4, DAY_S))), 8, window_s=2 * DAY_S)
    often = replace(HUNG, caps=(daily, windowed(4, DAY_S)))
    assert not is_within(often, replace(often, caps=(Cap(None, 18, lifetime=5),)))


@pytest.mark.parametrize(
    ("child", "amount"),
    [
        (replace(HUNG, rules=(*STRINGS, Rule(ANN, None))), 100),
        (replace(HUNG, rules=(Rule(TOKEN, TRANSFER, payable=True),)), 100),
        (replace(HUNG, caps=(HUNG.caps[0], cap_with(lifetime=None, per_call=5))), 100),
        (replace(HUNG, caps=HUNG.caps[:1]), 100),
        (replace(HUNG, rules=(*STRINGS, Rule(TOKEN, APPROVE, payable=True, where=(only(1, 2),)))),
         20),
        (replace(HUNG, rules=(*STRINGS, Rule(TOKEN, APPROVE, payable=True, where=(only(1, 4),)))),
         12),
    ],
    ids=["a payment", "a transfer of nothing", "per call", "no cap", "a cheaper rule", "a dearer"],
)  # fmt: skip
def test_value_that_can_be_sent_otherwise_is_not_bounded(child: Permission, amount: int) -> None:
    """One rule is enough that asks for no token, or for one that nobody counts."""
    sends_at_most(child, amount)


def test_too_many_windows_under_a_string_are_refused() -> None:
    """An error that names the way out; only where value hangs on a token and the bounds differ."""
    child = replace(HUNG, caps=(Cap(None, 18, window=Window(4, 61)), windowed(15, 600)))
    before = replace(child, starts_at=START - 601)

    def within(limit: int) -> bool:
        cap = Cap(None, 18, window=Window(limit, 1200))
        return is_within(child, replace(before, caps=(cap,)))

    assert within(60)
    assert not within(43)
    with pytest.raises(Malformed, match="windows to compare") as refused:
        within(59)
    assert refused.value.code is Code.MALFORMED_PERMISSION
