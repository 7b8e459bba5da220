"""For each rule of the linter, permissions that it is for, and some that it is not for."""

from __future__ import annotations

from dataclasses import replace

from tests.core.examples import (
    ANN,
    APPROVE,
    BOB,
    OTHER_TOKEN,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    cap_with,
    permission_with,
)
from tests.core.strategies import START
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.finding import LintRule, Severity
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Constraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
    Window,
)
from valetkey.core.units import DAY_S

TO_ANN = Constraint(0, Operator.EQUALS, (int.from_bytes(ANN),))
FOR_ALL = selector_of("setApprovalForAll(address,bool)")
AUTHORIZATION = (
    "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
)
OPEN = permission_with(recipients=ANYTHING)
ROUTED = replace(OPEN, rules=(Rule(ROUTER, SWAP_SELECTOR),), caps=())
PAYING = permission_with(rules=(Rule(ANN, None),), caps=(Cap(None, 18, lifetime=9),))


def one_rule(selector: bytes, *where: Constraint, token: bytes = TOKEN) -> Permission:
    """Return a permission for anybody with one rule."""
    return replace(OPEN, rules=(Rule(token, selector, where=where),))


def capped(**changes: object) -> Permission:
    """Return the ordinary permission with another cap and without its lifetime."""
    return permission_with(caps=(cap_with(**{"lifetime": None, **changes}),))


def wide(rule: WideRule) -> Permission:
    """Return the ordinary permission for anybody with a wide rule."""
    return replace(OPEN, wide_rules=(rule,))


def signing(kind: str) -> Permission:
    """Return the ordinary permission with typed data."""
    return permission_with(typed_data=(TypedDataTemplate("Shop", "1", ROUTER, kind),))


E, W, I = Severity  # noqa: E741 - columns

FOUND: dict[LintRule, list[tuple[Permission, str, Severity]]] = {
    LintRule.NO_CAP: [
        (permission_with(caps=()), "rules[0]", E),
        (capped(per_call=5), "rules[0]", E),
    ],
    LintRule.OPEN_COUNTERPARTY: [
        (OPEN, "rules[0]", W),
        (one_rule(APPROVE), "rules[0]", E),
        (one_rule(APPROVE, Constraint(0, Operator.AT_MOST, (9,))), "rules[0]", E),
        (replace(ROUTED, rules=(Rule(ROUTER, FOR_ALL),)), "rules[0]", E),
    ],
    LintRule.SUDO: [(wide(WideRule(ANYTHING)), "wide_rules[0]", E)],
    LintRule.WIDE_RULE: [(wide(WideRule(ROUTER)), "wide_rules[0]", W)],
    LintRule.WIDE_TOKEN: [(replace(wide(WideRule(TOKEN)), caps=()), "wide_rules[0]", E)],
    LintRule.TEMPLATE_MOVES_VALUE: [
        (signing("PermitSingle(address spender)"), "typed_data[0]", E),
        (signing("Order(uint256 amount)"), "typed_data[0]", E),
        (signing(f"TransferWithAuthorization({AUTHORIZATION})"), "typed_data[0]", E),
    ],
    LintRule.OPAQUE_TEMPLATE: [
        (signing("Vote(uint256 id)"), "typed_data[0]", W),
        (signing("Permit(uint256 id)"), "typed_data[0]", W),
    ],
    LintRule.ANY_TEXT: [
        (permission_with(messages=(MessageTemplate(("", "")),)), "messages[0]", E),
        (permission_with(messages=(MessageTemplate((" ", "\n", "")),)), "messages[0]", E),
    ],
    LintRule.RATE_UNBOUND: [(permission_with(rate=Rate(1, 60)), "rate", E)],
    LintRule.NO_EXPIRY: [(permission_with(expires_at=START + 366 * DAY_S + 1), "expires_at", E)],
    LintRule.AMBIGUOUS_TIME: [
        (permission_with(starts_at=0, expires_at=START), "starts_at", E),
    ],
    LintRule.OPAQUE_FORWARDER: [
        (replace(ROUTED, rules=(Rule(ROUTER, selector_of("multicall(bytes[])")),)), "rules[0]", W),
        (
            replace(ROUTED, rules=(Rule(ROUTER, selector_of("execute(bytes32,bytes)")),)),
            "rules[0]",
            W,
        ),
    ],
    LintRule.WRITE_SCOPE: [
        (permission_with(scopes=("orders:read", "orders:write")), "scopes[1]", W),
        (permission_with(scopes=("admin",)), "scopes[0]", W),
    ],
    LintRule.FEE_BUDGET_UNBOUND: [(permission_with(fee_budget_wei=1), "fee_budget_wei", E)],
    LintRule.OPAQUE_CALL: [(ROUTED, "rules[0]", W)],
    LintRule.LONG_LIVED: [
        (permission_with(expires_at=START + 30 * DAY_S + 1), "expires_at", W),
    ],
    LintRule.MANY_WINDOWS: [
        (
            replace(capped(window=Window(5, 60)), expires_at=START + 31 * 60 + 1),
            "caps[0].window",
            W,
        ),
    ],
    LintRule.NOTHING_ALLOWED: [
        (permission_with(rules=()), "rules", W),
        (permission_with(recipients=()), "rules", W),
    ],
    LintRule.UNREACHABLE: [
        (permission_with(recipients=()), "rules[0]", W),
        (one_rule(APPROVE, TO_ANN, Constraint(0, Operator.EQUALS, (1,))), "rules[0]", W),
        (
            replace(
                one_rule(APPROVE, Constraint(1, Operator.EQUALS, (101,))),
                caps=(cap_with(lifetime=None, per_call=100),),
            ),
            "rules[0]",
            W,
        ),
    ],
    LintRule.ZERO_LIMIT: [
        (capped(lifetime=0), "caps[0].lifetime", W),
        (capped(lifetime=1, per_call=0), "caps[0].per_call", W),
        (capped(window=Window(0, 60)), "caps[0].window", W),
    ],
    LintRule.CLOSED_TARGET: [
        (wide(WideRule(ANYTHING)), "wide_rules[0]", I),
        (
            replace(wide(WideRule(ANYTHING)), wide_rules=(WideRule(ROUTER), WideRule(ANYTHING))),
            "wide_rules[1]",
            I,
        ),
    ],
    LintRule.UNUSED_CAP: [
        (permission_with(caps=(cap_with(), Cap(None, 18, lifetime=5))), "caps[1]", I),
        (permission_with(caps=(cap_with(), Cap(OTHER_TOKEN, 6, lifetime=5))), "caps[1]", I),
    ],
    LintRule.CAP_ABOVE_CAP: [
        (capped(lifetime=5, per_call=5), "caps[0].per_call", I),
        (capped(window=Window(5, 60), per_call=5), "caps[0].per_call", I),
        (capped(window=Window(5, 60), lifetime=5), "caps[0].window", I),
        (capped(window=Window(5, 60), lifetime=300), "caps[0].lifetime", I),
    ],
    LintRule.CAP_ABOVE_COUNT: [
        (replace(capped(lifetime=15, per_call=5), max_calls=3), "caps[0].lifetime", I),
        (replace(capped(window=Window(15, 60), per_call=5), max_calls=3), "caps[0].window", I),
    ],
    LintRule.NO_CALL_COUNT: [(PERMISSION, "max_calls", I)],
    LintRule.NO_FEE_BUDGET: [(PERMISSION, "fee_budget_wei", I)],
}

NOT_FOUND: dict[LintRule, list[Permission]] = {
    LintRule.SUDO: [PERMISSION, wide(WideRule(ROUTER))],
    LintRule.WIDE_RULE: [PERMISSION, wide(WideRule(ANYTHING))],
    LintRule.WIDE_TOKEN: [wide(WideRule(ROUTER)), wide(WideRule(ANYTHING))],
    LintRule.TEMPLATE_MOVES_VALUE: [PERMISSION, signing("Vote(uint256 id)")],
    LintRule.OPAQUE_TEMPLATE: [PERMISSION, signing("Order(uint256 amount)")],
    LintRule.ANY_TEXT: [
        permission_with(messages=(MessageTemplate(("",)), MessageTemplate(("Log in as ", "")))),
    ],
    LintRule.RATE_UNBOUND: [PERMISSION, permission_with(rate=Rate(1, 60), relayer=BOB)],
    LintRule.NO_EXPIRY: [permission_with(expires_at=START + 366 * DAY_S)],
    LintRule.AMBIGUOUS_TIME: [PERMISSION],
    LintRule.OPAQUE_FORWARDER: [PERMISSION, ROUTED],
    LintRule.WRITE_SCOPE: [permission_with(scopes=("orders:read", "rewrite"))],
    LintRule.NO_CAP: [
        PERMISSION,
        capped(window=Window(5, 60)),
        replace(capped(per_call=5), max_calls=3),
        replace(capped(per_call=5), rate=Rate(1, 60)),
        PAYING,
        replace(ROUTED, rules=(Rule(ROUTER, SWAP_SELECTOR),)),
    ],
    LintRule.OPEN_COUNTERPARTY: [PERMISSION, one_rule(APPROVE, TO_ANN), ROUTED, PAYING],
    LintRule.FEE_BUDGET_UNBOUND: [permission_with(fee_budget_wei=1, relayer=BOB), PERMISSION],
    LintRule.OPAQUE_CALL: [PERMISSION, PAYING],
    LintRule.LONG_LIVED: [permission_with(expires_at=START + 30 * DAY_S)],
    LintRule.MANY_WINDOWS: [
        replace(capped(window=Window(5, 60)), expires_at=START + 31 * 60),
        replace(capped(window=Window(5, 60), lifetime=50), expires_at=START + 31 * 60 + 1),
    ],
    LintRule.NOTHING_ALLOWED: [PERMISSION, replace(wide(WideRule(ROUTER)), rules=())],
    LintRule.UNREACHABLE: [PERMISSION, one_rule(APPROVE, TO_ANN)],
    LintRule.ZERO_LIMIT: [capped(lifetime=1, per_call=1, window=Window(1, 60))],
    LintRule.CLOSED_TARGET: [
        PERMISSION,
        wide(WideRule(ROUTER)),
        replace(wide(WideRule(ANYTHING)), rules=(), caps=()),
        replace(
            OPEN,
            rules=(Rule(ROUTER, SWAP_SELECTOR),),
            caps=(),
            wide_rules=(WideRule(ROUTER), WideRule(ANYTHING)),
        ),
    ],
    LintRule.UNUSED_CAP: [
        PERMISSION,
        PAYING,
        replace(
            PAYING, rules=(), wide_rules=(WideRule(ROUTER, payable=True),), recipients=ANYTHING
        ),
    ],
    LintRule.CAP_ABOVE_CAP: [
        capped(lifetime=100, per_call=4, window=Window(5, 60)),
        capped(window=Window(5, 60), per_call=4),
        PERMISSION,
    ],
    LintRule.CAP_ABOVE_COUNT: [
        replace(capped(lifetime=14, per_call=5), max_calls=3),
        replace(capped(window=Window(14, 60), per_call=5), max_calls=3),
        replace(capped(per_call=5), max_calls=3),
    ],
    LintRule.NO_CALL_COUNT: [
        permission_with(max_calls=1),
        permission_with(rate=Rate(1, 60), relayer=BOB),
    ],
    LintRule.NO_FEE_BUDGET: [permission_with(fee_budget_wei=1, relayer=BOB)],
}
