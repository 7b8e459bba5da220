"""What a permission lets happen towards one address: nothing that is allowed is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    ANN,
    APPROVE,
    EVE,
    OTHER_TOKEN,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    ask,
    permission_with,
)
from tests.core.whole import whole_calls, whole_permissions
from tests.searched import searched
from valetkey.core.permission.decide import Allow
from valetkey.core.permission.effects import EFFECTS, moved
from valetkey.core.permission.model import (
    ANYTHING,
    Call,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    TypedDataTemplate,
    WideRule,
)
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.permission.towards import Toward, towards
from valetkey.core.permission.worst_case import worst_case

SWAP = Rule(ROUTER, SWAP_SELECTOR)
ANY_CALL = (WideRule(ANYTHING),)
ORDER = TypedDataTemplate("Shop", "1", ROUTER, "Order(uint256 amount)")


def places(permission: Permission, toward: Toward, address: bytes | None) -> list[str]:
    """Return the places of the ways there."""
    found = towards(permission, toward, address)
    return [] if found is None else [way.place for way in found.ways]


@pytest.mark.parametrize(
    ("permission", "address", "wanted"),
    [
        (PERMISSION, TOKEN, ["rules[0]"]),
        (PERMISSION, ANN, ["rules[0]"]),  # tokens may be sent there
        (PERMISSION, EVE, []),
        (PERMISSION, ROUTER, []),
        (permission_with(recipients=ANYTHING), ROUTER, ["rules[0]"]),
        (permission_with(rules=(*PERMISSION.rules, SWAP)), ROUTER, ["rules[1]"]),
        (permission_with(rules=(Rule(ROUTER, None),), caps=()), ROUTER, ["rules[0]"]),
        (permission_with(wide_rules=(WideRule(ROUTER),)), ROUTER, ["wide_rules[0]"]),
        (permission_with(wide_rules=(WideRule(ROUTER),)), EVE, []),
        (permission_with(wide_rules=ANY_CALL), EVE, ["wide_rules[0]"]),
        (permission_with(wide_rules=ANY_CALL), TOKEN, ["rules[0]"]),  # named: no wide rule on it
        (permission_with(typed_data=(ORDER,)), ROUTER, ["typed_data[0]"]),
    ],
)
def test_who_can_reach_a_contract(
    permission: Permission, address: bytes, wanted: list[str]
) -> None:
    """Its own rules, the wide rule that covers it, a signature for it, tokens sent to it."""
    assert places(permission, Toward.CONTRACT, address) == wanted


def test_a_spender_that_may_be_approved_is_reached() -> None:
    """A contract that goes bad takes what it was approved, without being called."""
    approving = permission_with(
        rules=(Rule(TOKEN, APPROVE, "approve(address,uint256)"),), recipients=(ROUTER,)
    )
    found = towards(approving, Toward.CONTRACT, ROUTER)
    assert found is not None
    assert [(way.place, way.detail) for way in found.ways] == [
        ("rules[0]", f"approves it for 0x{TOKEN.hex()}")
    ]
    assert [(bound.asset, bound.amount) for bound in found.worst.bounds] == [(TOKEN, 100)]


def test_a_rule_that_nothing_gets_through_reaches_nobody() -> None:
    """Two constraints that no word meets."""
    at_most = Constraint(1, Operator.AT_MOST, (5,))
    equals = Constraint(1, Operator.EQUALS, (6,))
    rule = Rule(TOKEN, TRANSFER, where=(at_most, equals))
    assert places(permission_with(rules=(rule,)), Toward.CONTRACT, TOKEN) == []


def test_the_worst_case_is_of_the_ways_there_alone() -> None:
    """A capped token beside a router: the router is unbounded, a payee of the token is not."""
    both = permission_with(rules=(*PERMISSION.rules, SWAP))
    router = towards(both, Toward.CONTRACT, ROUTER)
    ann = towards(both, Toward.CONTRACT, ANN)
    assert router is not None
    assert ann is not None
    assert router.worst.others == (f"0x{ROUTER.hex()} may use the account's approvals",)
    assert ann.worst.is_bounded()
    everywhere = towards(both, Toward.RECIPIENT, ANN)
    assert everywhere is not None
    assert not everywhere.worst.is_bounded()


def test_tokens_that_calls_may_move_by_approvals_are_moved_without_bound() -> None:
    """Also those that no rule names."""
    wide = permission_with(wide_rules=ANY_CALL)
    for asset in (TOKEN, OTHER_TOKEN):
        found = towards(wide, Toward.TOKEN, asset)
        assert found is not None
        assert [(one.asset, one.amount) for one in found.worst.bounds] == [(asset, None)]
    assert towards(PERMISSION, Toward.TOKEN, OTHER_TOKEN) is None
    assert towards(wide, Toward.TOKEN, None) is None
    capped = permission_with(caps=(Cap(TOKEN, 0, lifetime=0),))
    assert towards(capped, Toward.TOKEN, TOKEN) is None


def test_a_relayer_is_the_one_that_is_named() -> None:
    """A session that names none can be carried by anybody, and depends on nobody."""
    assert places(PERMISSION, Toward.RELAYER, EVE) == []
    bound = permission_with(relayer=EVE)
    assert places(bound, Toward.RELAYER, EVE) == ["relayer"]
    assert places(bound, Toward.RELAYER, ANN) == []


def test_nobody_is_exposed_to_what_is_never_called() -> None:
    """Entry points and the zero address stay out of any call."""
    for address in NEVER_TARGETS:
        assert places(permission_with(wide_rules=ANY_CALL), Toward.CONTRACT, address) == []


@searched(200)
@given(st.data())
def test_whatever_is_allowed_is_found(data: st.DataObject) -> None:
    """A call, whom it pays or approves, and the tokens that it moves: each is exposed."""
    permission = data.draw(whole_permissions())
    call = data.draw(whole_calls(permission))
    if not isinstance(ask(permission, call, now=permission.starts_at), Allow):
        return
    for toward in (Toward.CONTRACT, Toward.RECIPIENT):
        assert towards(permission, toward, call.to) is not None
        for payee in payees(call):
            assert towards(permission, toward, payee) is not None
    for asset, amount in moved([call]).items():
        found = towards(permission, Toward.TOKEN, asset) if amount else None
        assert (found is not None) is bool(amount)


def payees(call: Call) -> list[bytes]:
    """Return whom a call sends tokens or approves, by the table of effects."""
    effect = EFFECTS.get(call.selector or b"")
    start = effect.recipient * 32 if effect else 0
    word = call.arguments[start : start + 32]
    return [word[12:]] if effect and len(word) == 32 and not any(word[:12]) else []


@searched(100)
@given(whole_permissions(), st.sampled_from(Toward), st.sampled_from([TOKEN, ROUTER, ANN, EVE]))
def test_no_part_is_worse_than_the_whole(
    permission: Permission, toward: Toward, address: bytes
) -> None:
    """What is bounded in the whole is bounded by as much towards one address."""
    if toward is Toward.KEY:
        return
    found = towards(permission, toward, address)
    whole = worst_case(permission)
    if found is None or whole.others:
        return
    assert not found.worst.others
    amounts = {one.asset: one.amount for one in whole.bounds}
    for one in found.worst.bounds:
        bound = amounts[one.asset]
        assert bound is None or (one.amount is not None and one.amount <= bound)


def test_the_order_of_places_is_that_of_the_permission() -> None:
    """Rules, wide rules, templates."""
    all_of_them = replace(
        permission_with(rules=(*PERMISSION.rules, SWAP), typed_data=(ORDER,)),
        wide_rules=(WideRule(ROUTER),),
        recipients=(ROUTER,),
    )
    wanted = ["rules[0]", "rules[1]", "wide_rules[0]", "typed_data[0]"]
    assert places(all_of_them, Toward.CONTRACT, ROUTER) == wanted
