"""The worst case of wide rules, signatures and rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    cap_with,
    permission_with,
)
from tests.core.test_worst_case import BY_LIFETIME, NATIVE, OPEN, ROUTED
from valetkey.core.permission.model import (
    ANYTHING,
    MessageTemplate,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
)
from valetkey.core.permission.worst_case import Bound, worst_case


def signing(kind: str) -> Permission:
    """Return the ordinary permission with typed data that the router takes."""
    template = TypedDataTemplate("Shop", "1", ROUTER, kind)
    return permission_with(typed_data=(template,))


WIDE: list[tuple[str, Permission, tuple[str, ...]]] = [
    ("any function", replace(OPEN, wide_rules=(WideRule(ROUTER),)), (ROUTED,)),
    (
        "any call",
        replace(OPEN, wide_rules=(WideRule(ANYTHING),)),
        ("any contract may be called, and may use the account's approvals",),
    ),
    (
        "both, and a rule",
        replace(
            OPEN,
            rules=(*OPEN.rules, Rule(ROUTER, SWAP_SELECTOR)),
            wide_rules=(WideRule(ROUTER), WideRule(ANYTHING)),
        ),
        (ROUTED, "any contract may be called, and may use the account's approvals"),
    ),
    (
        "an order",
        signing("Order(uint256 amount)"),
        (f"0x{ROUTER.hex()} may act on a signed Order",),
    ),
    (
        "what nobody knows",
        signing("Vote(uint256 id)"),
        (f"0x{ROUTER.hex()} may act on a signed Vote",),
    ),
]


@pytest.mark.parametrize(("what", "permission", "others"), WIDE, ids=[row[0] for row in WIDE])
def test_what_is_not_known_unbounds_every_token(
    what: str, permission: Permission, others: tuple[str, ...]
) -> None:
    """A wide rule, or a signature for a contract that may have been approved."""
    worst = worst_case(permission)
    assert worst.others == others, what
    assert worst.bounds == (Bound(TOKEN, None, 0, others[0]),)


def test_native_value_under_a_wide_rule_is_bounded_by_its_cap() -> None:
    """It is counted, whoever is paid."""
    paid = replace(OPEN, rules=(), caps=(NATIVE,), wide_rules=(WideRule(ROUTER, payable=True),))
    assert worst_case(paid).bounds == (Bound(None, 9, 18, BY_LIFETIME),)
    assert worst_case(replace(paid, wide_rules=(WideRule(ROUTER),))).bounds == ()


def test_a_permit_unbounds_its_token_alone() -> None:
    """No cap counts what is signed, so a cap on the token says nothing."""
    permit = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    of_token = signing(permit)
    signed = "a signature may move it, and no cap counts those"
    assert worst_case(of_token).others == ()
    assert worst_case(of_token).bounds == (
        Bound(TOKEN, 100, 0, BY_LIFETIME),
        Bound(ROUTER, None, None, signed),
    )
    (template,) = of_token.typed_data
    same = replace(of_token, typed_data=(replace(template, verifying_contract=TOKEN),))
    assert worst_case(same).bounds == (Bound(TOKEN, None, 0, signed),)


def test_a_text_that_is_signed_moves_nothing() -> None:
    """It is assumed that no contract takes one for an order."""
    texts = (MessageTemplate(("Sign in to example.org as ", "")),)
    assert worst_case(replace(PERMISSION, messages=texts)) == worst_case(PERMISSION)


def test_a_rate_bounds_the_calls() -> None:
    """Windows touched times the calls of each; the lower of rate and count."""
    cap = cap_with(lifetime=None, per_call=7)
    rated = permission_with(caps=(cap,), rate=Rate(2, 1800))
    assert worst_case(rated).bounds[0].amount == 28
    assert worst_case(replace(rated, max_calls=3)).bounds[0].amount == 21
    assert worst_case(replace(rated, max_calls=5)).bounds[0].amount == 28
