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
from tests.core.whole import EVERYTHING, whole_permissions
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant, compile_run, server_only
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, LoweredRule, LoweredWideRule, lower
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Call,
    Cap,
    Constraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    WideRule,
    Window,
)
from valetkey.core.units import UINT256_MAX
from valetkey.spec.permission_bytes import (
    NO_CALL_LIMIT,
    GrantFormatError,
    RuleKind,
    RunCall,
    decode_calls,
    decode_grant,
    decode_open_grant,
)

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
    granted = replace(EVERYTHING, fee_budget_wei=1)
    rest = replace(granted, fee_budget_wei=None, rate=None, messages=(), typed_data=(), scopes=())
    assert server_only(granted) == ("fee_budget_wei", "rate", "messages", "typed_data", "scopes")
    assert server_only(rest) == ()
    packed = compile_grant(granted, key=KEY, salt=0)
    assert isinstance(packed, bytes)
    assert packed == compile_grant(rest, key=KEY, salt=0)


def test_the_most_that_one_rule_can_say_is_packed() -> None:
    """Five constraints of its own, recipients, two caps per call, and four counters: 12 of 31."""
    native, token = (
        Cap(asset, 18, per_call=1, lifetime=2, window=Window(1, 60)) for asset in (None, ANN)
    )
    full = permission_with(
        rules=(Rule(ANN, TRANSFER, payable=True, where=FIVE),), caps=(token, native)
    )
    packed = compile_grant(check_permission(full), key=KEY, salt=0)
    assert isinstance(packed, bytes)
    rule = decode_grant(packed).rules[0]
    assert (len(rule.constraints), len(rule.meters)) == (8, 4)


def test_the_salt_and_the_key_make_another_grant() -> None:
    """Revoking one grant must not revoke its twin."""
    grants = {
        compile_grant(PERMISSION, key=KEY, salt=0),
        compile_grant(PERMISSION, key=KEY, salt=1),
        compile_grant(PERMISSION, key=ANN, salt=0),
    }
    assert len(grants) == 3


def named(lowered: LoweredRule | LoweredWideRule) -> tuple[RuleKind, bytes, bytes | None]:
    """Return what a packed rule says of whom it lets call what."""
    rule = lowered.rule
    if isinstance(rule, Rule):
        return RuleKind.SEND if rule.selector is None else RuleKind.CALL, rule.target, rule.selector
    if isinstance(rule.target, Anything):
        return RuleKind.ANY_CALL, bytes(20), None
    return RuleKind.ANY_SELECTOR, rule.target, None


@given(whole_permissions(compilable=True))
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
    every: list[LoweredRule | LoweredWideRule] = [*lowered.rules, *lowered.wide_rules]
    for rule, mine in zip(grant.rules, every, strict=True):
        assert (rule.kind, rule.target, rule.selector) == named(mine)
        assert rule.carries_value is mine.rule.carries_value()
        assert [(meter.argument, meter.cap) for meter in rule.meters] == [
            (meter.argument, meter.limit) for meter in mine.meters
        ]
        assert [(c.argument, c.operator.value, c.values) for c in rule.constraints] == [
            (c.constraint.argument, c.constraint.operator.value, c.constraint.values)
            for c in mine.checks
        ]


MANY = permission_with(
    rules=tuple(Rule(bytes([9, n]) * 10, SWAP_SELECTOR) for n in range(9)), recipients=ANYTHING
)


def test_many_rules_are_in_a_tree_and_a_run_brings_those_that_it_uses() -> None:
    """The grant keeps their root; the calls count the rules brought, which the run signs."""
    packed = compile_grant(MANY, key=KEY, salt=0)
    assert isinstance(packed, bytes)
    grant = decode_grant(packed)
    assert grant.rules == ()
    calls = [Call(MANY.rules[at].target, 0, SWAP_SELECTOR + bytes([at])) for at in (7, 2, 7)]
    run = compile_run(MANY, packed, calls, [7, 2, 7])
    opened = decode_open_grant(run.grant)
    assert opened.grant == grant
    assert [rule.target for rule in opened.rules] == [MANY.rules[at].target for at in (2, 7)]
    assert decode_calls(opened, run.calls) == (
        RunCall(1, b"\7"),
        RunCall(0, b"\2"),
        RunCall(1, b"\7"),
    )


def test_eight_rules_and_those_beside_a_wide_one_are_listed() -> None:
    """The account has to see each rule that is more specific than a wide one."""
    for listed in (
        replace(MANY, rules=MANY.rules[:8]),
        replace(MANY, wide_rules=(WideRule(ANYTHING),)),
    ):
        packed = compile_grant(listed, key=KEY, salt=0)
        assert isinstance(packed, bytes)
        rules = decode_grant(packed).rules
        assert len(rules) == len(listed.rules) + len(listed.wide_rules)


def test_a_call_under_a_wide_rule_brings_what_the_rule_does_not_say() -> None:
    """Selector and arguments; under any call the target too."""
    granted = permission_with(
        rules=(Rule(TOKEN, TRANSFER),),
        recipients=ANYTHING,
        wide_rules=(WideRule(ROUTER), WideRule(ANYTHING)),
    )
    packed = compile_grant(granted, key=KEY, salt=0)
    assert isinstance(packed, bytes)
    calls = [Call(ROUTER, 0, SWAP_SELECTOR + b"\1"), Call(ANN, 0, b""), Call(TOKEN, 0, TRANSFER)]
    run = compile_run(granted, packed, calls, [1, 2, 0])
    assert run.grant == packed
    assert decode_calls(decode_grant(packed), run.calls) == (
        RunCall(1, SWAP_SELECTOR + b"\1"),
        RunCall(2, b"", 0, ANN),
        RunCall(0),
    )


def test_rules_that_no_run_can_carry_together_are_refused_together() -> None:
    """The length of the grant in a run has 15 bits."""
    where = (Constraint(0, Operator.ONE_OF, HUGE),) * 5
    wide = replace(MANY, rules=tuple(replace(rule, where=where) for rule in MANY.rules))
    packed = compile_grant(wide, key=KEY, salt=0)
    assert isinstance(packed, bytes)
    calls = [Call(rule.target, 0, SWAP_SELECTOR) for rule in wide.rules]
    assert len(compile_run(wide, packed, calls[:2], [0, 1]).grant) > 20_000
    with pytest.raises(GrantFormatError, match="at most 32767 bytes"):
        compile_run(wide, packed, calls, range(9))


def test_a_p256_key_compiles_to_its_own_key_type() -> None:
    """64 bytes, x and y: the chain checks ES256 with it."""
    packed = compile_grant(PERMISSION, key=b"\x5e" * 64, salt=0)
    assert isinstance(packed, bytes)
    assert (packed[1], decode_grant(packed).key) == (1, b"\x5e" * 64)


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
