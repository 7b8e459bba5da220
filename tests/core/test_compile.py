"""What the chain can enforce is packed without loss; what it cannot is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from tests.core.examples import (
    ANN,
    BOB,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    cap_with,
    permission_with,
)
from tests.core.strategies import permissions
from tests.core.whole import EVERYTHING
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant, server_only
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, lower
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Constraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    Window,
)
from valetkey.core.units import UINT256_MAX
from valetkey.spec.permission_bytes import NO_CALL_LIMIT, RuleKind, decode_grant

KEY = b"\x5e" * 20
FIVE = tuple(Constraint(2 + index, Operator.EQUALS, (1,)) for index in range(5))
HUGE = tuple(UINT256_MAX - 64 + index for index in range(64))
TWICE = [Cap(bytes([9, n]) * 10, 0, lifetime=1, window=Window(1, 60)) for n in range(5)]

NOT_ON_CHAIN = [
    ("no rules", permission_with(rules=()), "rules"),
    ("no recipients", permission_with(recipients=()), "recipients"),
    (
        "one of nothing",
        permission_with(
            rules=(Rule(TOKEN, TRANSFER, where=(Constraint(0, Operator.ONE_OF, ()),)),)
        ),
        "rules[0].where[0]",
    ),
    (
        "8 constraints on one rule",
        permission_with(
            rules=(Rule(ANN, TRANSFER, payable=True, where=FIVE),),
            caps=(Cap(ANN, 0, per_call=1), Cap(None, 18, per_call=1, lifetime=1)),
        ),
        "rules[0]",
    ),
    ("10 counters", permission_with(caps=tuple(TWICE)), "caps"),
    (
        "more than a run can carry",
        permission_with(
            rules=tuple(
                Rule(TOKEN, selector, where=(Constraint(0, Operator.ONE_OF, HUGE),) * 5)
                for selector in EFFECTS
            )
        ),
        "rules",
    ),
    ("fees without a relayer", permission_with(fee_budget_wei=1), "fee_budget_wei"),
    ("a rate without a relayer", permission_with(rate=Rate(1, 60)), "rate"),
    ("a text without a relayer", permission_with(messages=(MessageTemplate(("a",)),)), "messages"),
    (
        "typed data without a relayer",
        permission_with(typed_data=EVERYTHING.typed_data),
        "typed_data",
    ),
    ("scopes without a relayer", permission_with(scopes=("a",)), "scopes"),
]


@pytest.mark.parametrize(
    ("what", "permission", "caveat"), NOT_ON_CHAIN, ids=[row[0] for row in NOT_ON_CHAIN]
)
def test_what_the_chain_cannot_enforce_is_named(
    what: str, permission: Permission, caveat: str
) -> None:
    """It is well formed and a server can keep it, but no grant is made of it."""
    problem = compile_grant(check_permission(permission), key=KEY, salt=0)
    assert isinstance(problem, NotOnChain), what
    assert problem.caveat == caveat
    assert problem.detail


def test_a_bound_relayer_lets_the_server_keep_what_no_chain_can() -> None:
    """No run reaches the chain past it; the bytes are those of the rest alone."""
    granted = replace(EVERYTHING, wide_rules=(), fee_budget_wei=1)
    rest = replace(granted, fee_budget_wei=None, rate=None, messages=(), typed_data=(), scopes=())
    assert server_only(granted) == ("fee_budget_wei", "rate", "messages", "typed_data", "scopes")
    assert server_only(rest) == ()
    packed = compile_grant(granted, key=KEY, salt=0)
    assert isinstance(packed, bytes)
    assert packed == compile_grant(rest, key=KEY, salt=0)


def test_the_salt_and_the_key_make_another_grant() -> None:
    """Revoking one grant must not revoke its twin."""
    grants = {
        compile_grant(PERMISSION, key=KEY, salt=0),
        compile_grant(PERMISSION, key=KEY, salt=1),
        compile_grant(PERMISSION, key=ANN, salt=0),
    }
    assert len(grants) == 3


@given(permissions(compilable=True))
def test_what_is_packed_is_what_is_decided_by(permission: Permission) -> None:
    """Every rule, check, meter and limit that `decide` reads is in the grant, in the same order."""
    packed = compile_grant(permission, key=KEY, salt=7)
    assert isinstance(packed, bytes)
    grant = decode_grant(packed)
    lowered = lower(permission)
    assert (grant.key, grant.salt, grant.relayer) == (KEY, 7, permission.relayer)
    assert (grant.starts_at, grant.expires_at) == (permission.starts_at, permission.expires_at)
    assert grant.max_calls == (permission.max_calls or NO_CALL_LIMIT)
    assert [(cap.limit, cap.window_s) for cap in grant.caps] == [
        (limit.limit, limit.window_s) for limit in lowered.limits
    ]
    for rule, mine in zip(grant.rules, lowered.rules, strict=True):
        assert (rule.target, rule.selector) == (mine.rule.target, mine.rule.selector)
        assert (rule.kind is RuleKind.SEND) is (mine.rule.selector is None)
        assert rule.carries_value is mine.rule.carries_value()
        assert [(meter.argument, meter.cap) for meter in rule.meters] == [
            (meter.argument, meter.limit) for meter in mine.meters
        ]
        assert [(c.argument, c.operator.value, c.values) for c in rule.constraints] == [
            (c.constraint.argument, c.constraint.operator.value, c.constraint.values)
            for c in mine.checks
        ]


def test_caps_and_recipients_are_folded_into_the_rules() -> None:
    """Own constraints first, then recipients, then caps per call; native value is argument 0x3f."""
    own = Constraint(1, Operator.AT_MOST, (9,))
    granted = replace(
        PERMISSION,
        rules=(
            Rule(ANN, TRANSFER, payable=True, where=(own,)),
            Rule(TOKEN, TRANSFER),
            Rule(BOB, None),
        ),
        caps=(
            Cap(None, 18, per_call=2, lifetime=5),
            cap_with(lifetime=None, window=Window(6, 60)),
            Cap(ANN, 0, per_call=3),
        ),
    )
    lowered = lower(granted)
    assert [limit.caveat for limit in lowered.limits] == ["caps[0].lifetime", "caps[1].window"]
    listed = (int.from_bytes(ANN), int.from_bytes(BOB))
    recipients = Constraint(0, Operator.ONE_OF, listed)
    native = Constraint(NATIVE_VALUE, Operator.AT_MOST, (2,))
    per_call = Constraint(1, Operator.AT_MOST, (3,))
    assert [[check.constraint for check in rule.checks] for rule in lowered.rules] == [
        [own, recipients, per_call, native],
        [recipients],
        [native],
    ]
    assert [[(meter.argument, meter.limit) for meter in rule.meters] for rule in lowered.rules] == [
        [(NATIVE_VALUE, 0)],
        [(1, 1)],
        [(NATIVE_VALUE, 0)],
    ]


def test_one_recipient_is_compared_and_an_unknown_function_has_none() -> None:
    """The cheaper form on chain; and nothing is folded in where nothing is known."""
    one = lower(permission_with(recipients=(ANN,))).rules[0].checks[0].constraint
    assert one == Constraint(0, Operator.EQUALS, (int.from_bytes(ANN),))
    anybody = permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR),), recipients=ANYTHING)
    assert (lower(anybody).rules[0].checks, lower(anybody).rules[0].meters) == ((), ())
