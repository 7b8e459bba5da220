"""Propose: what was recorded is allowed, and nothing beside it but for the slack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.core.examples import (
    ACCOUNT,
    ANN,
    APPROVE,
    BOB,
    EVE,
    OTHER_TOKEN,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    TRANSFER_FROM,
    pay,
    transfer,
)
from tests.core.strategies import CAST, CHAIN, START, calldata, calls, permissions
from tests.searched import searched
from valetkey.core.errors import Malformed
from valetkey.core.permission.backtest import Recorded, backtest
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import (
    ANYTHING,
    Call,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
)
from valetkey.core.permission.propose import Slack, propose
from valetkey.core.permission.subset import Subset, is_subset
from valetkey.core.units import UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

EXACT = Slack()
ANN_WORD, BOB_WORD = int.from_bytes(ANN), int.from_bytes(BOB)


def proposed(runs: Sequence[Recorded], slack: Slack = EXACT) -> Permission:
    """Return what is proposed for *runs*."""
    return propose(runs, chain=CHAIN, decimals={TOKEN: 6}, slack=slack)


def one_run(*made: Call) -> list[Recorded]:
    """Return a recording of one run."""
    return [Recorded(START, made)]


def refused(permission: Permission, runs: Sequence[Recorded]) -> int:
    """Return how many of *runs* are refused."""
    return len(backtest(permission, runs, account=ACCOUNT).refused)


def swap(*arguments: int | bytes, value_wei: int = 0) -> Call:
    """Return a call of unknown effect."""
    return Call(ROUTER, value_wei, calldata(SWAP_SELECTOR, *arguments))


def approve(amount: int, who: bytes = ANN) -> Call:
    """Return an approval."""
    return Call(TOKEN, 0, calldata(APPROVE, who, amount))


def test_the_whole_of_a_small_recording() -> None:
    """Two transfers and an approval: three people's worth, one cap, to the second."""
    runs = [
        Recorded(START, (transfer(5), transfer(7, BOB))),
        Recorded(START + 10, ()),
        Recorded(START + 20, (approve(3),)),
    ]
    permission = proposed(runs)
    assert permission == Permission(
        chain=CHAIN,
        rules=(
            Rule(TOKEN, TRANSFER, "transfer(address,uint256)"),
            Rule(
                TOKEN,
                APPROVE,
                "approve(address,uint256)",
                where=(
                    Constraint(0, Operator.EQUALS, (ANN_WORD,)),
                    Constraint(1, Operator.AT_MOST, (3,)),
                ),
            ),
        ),
        caps=(Cap(TOKEN, 6, per_call=7, lifetime=15),),
        starts_at=START,
        expires_at=START + 21,
        recipients=(ANN, BOB),
        max_calls=4,
    )
    assert refused(permission, runs) == 0
    wider = proposed(runs, Slack(amounts=50, calls=25, time=100))
    assert wider.caps == (Cap(TOKEN, 6, per_call=11, lifetime=23),)
    assert (wider.max_calls, wider.expires_at) == (5, START + 42)


FULL = transfer(10, ANN)
MUTATED = [
    ("another target", transfer(10, token=OTHER_TOKEN)),
    ("another function", approve(10)),
    ("another recipient", transfer(10, EVE)),
    ("a larger amount", transfer(11)),
    ("value with it", transfer(10, value_wei=1)),
    ("a payment", pay(0)),
    ("shorter", Call(TOKEN, 0, FULL.data[:36])),
]


@pytest.mark.parametrize(("what", "call"), MUTATED, ids=[row[0] for row in MUTATED])
def test_another_call_is_refused(what: str, call: Call) -> None:
    """Whatever is changed of it."""
    permission = proposed(one_run(FULL))
    assert refused(permission, one_run(call)) == 1, what
    assert refused(permission, one_run(FULL)) == 0


@searched(60)
@given(st.data())
def test_the_recording_is_allowed_and_more_of_it_is_not(data: st.DataObject) -> None:
    """Whatever calls were recorded, if any permission can allow them; slack only adds."""
    world = data.draw(permissions())
    recorded = []
    for after_s in sorted(data.draw(st.lists(st.integers(0, 5000), min_size=1, max_size=4))):
        made = data.draw(st.lists(calls(world), max_size=3))
        recorded.append(Recorded(START + after_s, tuple(made)))
    try:
        permission = proposed(recorded)
    except Malformed:
        assume(condition=False)
    report = backtest(permission, recorded, account=CAST.account)
    refused_now = [one.deny for one in report.refused]
    assert all("never a target" in one.detail for one in refused_now), refused_now
    assume(not refused_now)
    assert not report.unused_rules
    assert all(one.percent == 100 for one in report.limits)
    assert refused(permission, [*recorded, recorded[-1]]) == 1
    sooner = [replace(recorded[0], at=recorded[0].at - 1), *recorded[1:]]
    assert refused(permission, sooner) == 1
    for call in [call for run in recorded for call in run.calls]:
        for strange in (replace(call, to=b"\x77" * 20), replace(call, data=b"\x01\x02\x03\x04")):
            assert refused(permission, [Recorded(recorded[0].at, (strange,))]) == 1
    slack = data.draw(st.builds(Slack, *[st.integers(0, 200)] * 3))
    try:
        wider = proposed(recorded, slack)
    except Malformed:
        assume(condition=False)
    assert refused(wider, recorded) == 0
    if not is_dropped(permission, wider):
        assert isinstance(is_subset(permission, wider), Subset)


def is_dropped(permission: Permission, wider: Permission) -> bool:
    """Say whether other arguments are constrained: the five that count most may change."""
    return [[one.argument for one in rule.where] for rule in permission.rules] != [
        [one.argument for one in rule.where] for rule in wider.rules
    ]


def test_of_an_unknown_function_arguments_are_listed() -> None:
    """Addresses and whatever else is no number; with slack, numbers are bounded."""
    runs = one_run(swap(10, ANN, 1, 2**255), swap(30, BOB, 1, 2**255, value_wei=9))
    people = Constraint(1, Operator.ONE_OF, (ANN_WORD, BOB_WORD))
    last = Constraint(3, Operator.EQUALS, (2**255,))
    exact = proposed(runs)
    assert exact.recipients == ANYTHING
    assert exact.caps == (Cap(None, 18, per_call=9, lifetime=9),)
    assert exact.rules[0].where == (
        Constraint(0, Operator.ONE_OF, (10, 30)),
        people,
        Constraint(2, Operator.EQUALS, (1,)),
        last,
    )
    assert refused(exact, one_run(swap(20, ANN, 1, 2**255))) == 1
    wider = proposed(runs, Slack(amounts=10))
    assert wider.rules[0].where == (
        Constraint(0, Operator.AT_MOST, (33,)),
        people,
        Constraint(2, Operator.AT_MOST, (2,)),
        last,
    )
    assert refused(wider, one_run(swap(20, ANN, 1, 2**255))) == 0


def test_of_many_arguments_the_addresses_are_listed_first() -> None:
    """Five at most; a function without arguments has none."""
    (rule,) = proposed(one_run(swap(1, 2, 3, 4, ANN, BOB, EVE))).rules
    assert [one.argument for one in rule.where] == [0, 1, 4, 5, 6]
    (bare,) = proposed(one_run(Call(ROUTER, 0, SWAP_SELECTOR))).rules
    assert bare.where == ()


def test_more_recipients_than_fit_are_bounded() -> None:
    """Sixty-four can be listed; beyond that the linter will say that anybody may be named."""
    many = [Call(TOKEN, 0, calldata(TRANSFER, 2**150 + n, 1)) for n in range(65)]
    permission = proposed(one_run(*many))
    assert permission.recipients == ANYTHING
    assert permission.rules[0].where == (Constraint(0, Operator.AT_MOST, (2**150 + 64,)),)
    assert refused(permission, one_run(*many)) == 0


def test_a_payment_names_its_target() -> None:
    """So does a call with value; a payment of nothing has a cap of nothing."""
    runs = one_run(pay(0, BOB), transfer(1, value_wei=3))
    permission = proposed(runs)
    assert permission.recipients == (TOKEN, ANN, BOB)
    assert permission.caps[0] == Cap(None, 18, per_call=3, lifetime=3)
    assert permission.rules[1].where == (Constraint(0, Operator.EQUALS, (ANN_WORD,)),)
    assert refused(permission, runs) == 0


@pytest.mark.parametrize(
    "call",
    [
        approve(UINT256_MAX),
        approve(UINT128_MAX + 1),
        Call(TOKEN, 0, calldata(TRANSFER, UINT256_MAX, 5)),
        Call(TOKEN, 0, calldata(SWAP_SELECTOR, 1)),
        Call(TOKEN, 0, calldata(TRANSFER_FROM, ACCOUNT, ANN, 5)),
    ],
    ids=["endless", "beyond a cap", "dirty", "unknown", "from"],
)
def test_what_no_cap_can_count_is_allowed_by_arguments(call: Call) -> None:
    """An approval without end, a word that is no address."""
    runs = one_run(call, transfer(4))
    for slack in (EXACT, Slack(amounts=10)):
        permission = proposed(runs, slack)
        assert refused(permission, runs) == 0
        assert refused(permission, one_run(transfer(4, EVE))) == 1
        assert refused(permission, one_run(transfer(7))) == 1


@pytest.mark.parametrize(
    "runs",
    [[], one_run(Call(bytes(20), 0, b"")), one_run(Call(TOKEN, 0, b"\1")), one_run(pay(2**128))],
    ids=["nothing", "the zero address", "no selector", "more than there is"],
)
def test_what_no_permission_allows_is_refused(runs: list[Recorded]) -> None:
    """With the place in the permission that it would have needed."""
    with pytest.raises(Malformed):
        proposed(runs)


def test_of_a_call_that_ends_early_only_what_is_there_is_looked_at() -> None:
    """A rule asks for the same arguments each time: no amount, no bound on it."""
    runs = one_run(Call(TOKEN, 0, calldata(TRANSFER, ANN)), transfer(4))
    permission = proposed(runs)
    assert permission.rules[0].where == (Constraint(0, Operator.EQUALS, (ANN_WORD,)),)
    assert (permission.caps, permission.recipients) == ((), ANYTHING)
    assert refused(permission, runs) == 0


def test_every_known_function_is_capped() -> None:
    """Whichever it is."""
    for selector, effect in EFFECTS.items():
        words = [ANN] * (effect.function.count(",") + 1)
        arguments = [5 if at == effect.amount else word for at, word in enumerate(words)]
        permission = proposed(one_run(Call(TOKEN, 0, calldata(selector, *arguments))))
        assert permission.caps == (Cap(TOKEN, 6, per_call=5, lifetime=5),)
        assert permission.recipients == (ANN,)
