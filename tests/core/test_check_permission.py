"""What no permission may say, place by place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.core.examples import (
    ACCOUNT,
    ANN,
    APPROVE,
    BOB,
    OTHER_TOKEN,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    cap_with,
    permission_with,
)
from tests.core.strategies import CAST, SWAP, permissions
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    ZERO_ADDRESS,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.core.units import UINT32_MAX, UINT40_MAX, UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

IMPLEMENTATION = b"\xfe" * 20
EQUALS, ONE_OF, AT_MOST = Operator.EQUALS, Operator.ONE_OF, Operator.AT_MOST
PAYMENT = Rule(ANN, None)
NATIVE = Cap(None, 18, lifetime=5)


def ruled(*rules: Rule, caps: Sequence[Cap] = ()) -> Permission:
    """Return the ordinary permission with other rules and caps."""
    return permission_with(rules=rules, caps=tuple(caps))


def where(*constraints: Constraint) -> Permission:
    """Return the ordinary permission with constraints on its rule."""
    return ruled(Rule(TOKEN, TRANSFER, where=constraints))


def capped(**changes: object) -> Permission:
    """Return the ordinary permission with a changed cap."""
    return permission_with(caps=(cap_with(**changes),))


REFUSED: list[tuple[str, Permission, str]] = [
    # 1. the frame
    ("a chain without a number", permission_with(chain="eip155:"), "chain: expected"),
    ("a chain with a leading zero", permission_with(chain="eip155:01"), "chain: expected"),
    ("a chain of another family", permission_with(chain="starknet:1"), "chain: expected"),
    ("a chain with a line behind it", permission_with(chain="eip155:1\n"), "chain: expected"),
    ("a start before time", permission_with(starts_at=-1), "starts_at, expires_at"),
    ("an empty life", permission_with(expires_at=PERMISSION.starts_at), "starts_at, expires_at"),
    ("an end past 40 bits", permission_with(expires_at=UINT40_MAX + 1), "starts_at, expires_at"),
    ("no call at all", permission_with(max_calls=0), "max_calls"),
    ("the count that means none", permission_with(max_calls=UINT32_MAX), "max_calls"),
    ("a short relayer", permission_with(relayer=b"\x01" * 19), "relayer: expected 20 bytes"),
    ("the relayer that means any", permission_with(relayer=ZERO_ADDRESS), "relayer: expected an"),
    ("fees below nothing", permission_with(fee_budget_wei=-1), "fee_budget_wei"),
    ("fees past 128 bits", permission_with(fee_budget_wei=UINT128_MAX + 1), "fee_budget_wei"),
    (
        "65 rules",
        ruled(*[Rule(bytes([9, n]) * 10, TRANSFER) for n in range(65)]),
        "rules: expected",
    ),
    (
        "9 caps",
        permission_with(caps=[Cap(bytes([9, n]) * 10, 0, 1) for n in range(9)]),
        "caps: exp",
    ),
    # 2. rules
    ("a long target", ruled(Rule(b"\x01" * 21, TRANSFER)), "rules[0].target: expected 20 bytes"),
    ("the zero address", ruled(Rule(ZERO_ADDRESS, TRANSFER)), "rules[0].target: expected not"),
    ("the account", ruled(Rule(ACCOUNT, TRANSFER)), "rules[0].target: expected not"),
    ("its implementation", ruled(Rule(IMPLEMENTATION, TRANSFER)), "rules[0].target: expected not"),
    ("a payment to itself", ruled(Rule(ACCOUNT, None), caps=[NATIVE]), "rules[0].target: expected"),
    ("a short selector", ruled(Rule(TOKEN, b"\x01\x02\x03")), "rules[0].selector: expected 4"),
    ("an empty selector", ruled(Rule(TOKEN, b"")), "rules[0].selector: expected 4 bytes"),
    (
        "a payment with arguments",
        ruled(Rule(ANN, None, where=(Constraint(0, EQUALS, (1,)),)), caps=[NATIVE]),
        "rules[0].where: expected nothing",
    ),
    (
        "another function",
        ruled(Rule(TOKEN, APPROVE, "transfer(address,uint256)")),
        "the selector of",
    ),
    ("a payment by name", ruled(Rule(ANN, None, "pay()"), caps=[NATIVE]), "the selector of pay()"),
    ("a name without brackets", ruled(Rule(TOKEN, TRANSFER, "transfer")), "rules[0].function"),
    (
        "a name with a line break",
        ruled(Rule(TOKEN, TRANSFER, "safe\n(address)")),
        "rules[0].function",
    ),
    ("a name past 256 signs", ruled(Rule(TOKEN, TRANSFER, "a" * 255 + "()")), "rules[0].function"),
    (
        "6 constraints",
        where(*[Constraint(n, EQUALS, (1,)) for n in range(6)]),
        "rules[0].where: exp",
    ),
    ("argument 63", where(Constraint(63, EQUALS, (1,))), "rules[0].where[0].argument"),
    ("argument -1", where(Constraint(-1, EQUALS, (1,))), "rules[0].where[0].argument"),
    (
        "equal to nothing",
        where(Constraint(0, EQUALS, ())),
        "rules[0].where[0].values: expected exa",
    ),
    (
        "at most two",
        where(Constraint(0, AT_MOST, (1, 2))),
        "rules[0].where[0].values: expected exa",
    ),
    (
        "one of 65",
        where(Constraint(0, ONE_OF, tuple(range(65)))),
        "rules[0].where[0].values: expec",
    ),
    ("below a word", where(Constraint(0, EQUALS, (-1,))), "32-byte words"),
    ("past a word", where(Constraint(0, EQUALS, (UINT256_MAX + 1,))), "32-byte words"),
    ("unsorted values", where(Constraint(0, ONE_OF, (2, 1))), "ascending order"),
    ("a value twice", where(Constraint(0, ONE_OF, (1, 1))), "ascending order"),
    (
        "a rule twice",
        ruled(Rule(TOKEN, TRANSFER), Rule(TOKEN, TRANSFER, payable=True)),
        "one rule for",
    ),
    (
        "a cap twice",
        permission_with(caps=(cap_with(), cap_with(lifetime=1))),
        "one cap for an asset",
    ),
    # 3. caps
    ("decimals below 0", capped(decimals=-1), "caps[0].decimals"),
    ("78 decimals", capped(decimals=78), "caps[0].decimals"),
    (
        "native in other decimals",
        permission_with(caps=(Cap(None, 6, lifetime=1),)),
        "decimals: expec",
    ),
    (
        "a cap without a limit",
        capped(lifetime=None),
        "caps[0]: expected per_call, lifetime or window",
    ),
    ("a negative lifetime", capped(lifetime=-1), "caps[0].lifetime"),
    ("a lifetime past 128 bits", capped(lifetime=UINT128_MAX + 1), "caps[0].lifetime"),
    ("a negative call", capped(per_call=-1), "caps[0].per_call"),
    ("a negative window", capped(window=Window(-1, 60)), "caps[0].window.limit"),
    ("a window of 59 s", capped(window=Window(1, 59)), "caps[0].window.window_s"),
    ("a window past 32 bits", capped(window=Window(1, UINT32_MAX + 1)), "caps[0].window.window_s"),
    ("a short asset", capped(asset=b"\x01" * 19), "caps[0].asset"),
    ("the zero asset", capped(asset=ZERO_ADDRESS), "caps[0].asset"),
    (
        "an unknown function of a capped token",
        permission_with(rules=(Rule(TOKEN, SWAP_SELECTOR, SWAP),), recipients=ANYTHING),
        f"caps[0]: expected only functions of the token whose amount is known, got {SWAP}",
    ),
    (
        "an unknown function of a capped token, without a name",
        permission_with(rules=(Rule(TOKEN, SWAP_SELECTOR),), recipients=ANYTHING),
        f"got 0x{SWAP_SELECTOR.hex()}",
    ),
    # 4. native value and recipients
    ("a payment without a cap", ruled(PAYMENT), "rules[0]: expected a native cap"),
    (
        "value without a cap",
        ruled(Rule(TOKEN, TRANSFER, payable=True)),
        "rules[0]: expected a native",
    ),
    ("value capped per call", ruled(PAYMENT, caps=[Cap(None, 18, per_call=1)]), "a native cap"),
    (
        "65 recipients",
        permission_with(recipients=[bytes([9, n]) * 10 for n in range(65)]),
        "at most 64",
    ),
    (
        "a short recipient",
        permission_with(recipients=(b"\x01" * 19,)),
        "recipients: expected 20 bytes",
    ),
    (
        "unsorted recipients",
        permission_with(recipients=(BOB, ANN)),
        "recipients: expected ascending",
    ),
    ("a recipient twice", permission_with(recipients=(ANN, ANN)), "recipients: expected ascending"),
    (
        "no one to know",
        ruled(Rule(ROUTER, SWAP_SELECTOR, SWAP)),
        f"recipients are listed, got {SWAP}",
    ),
    ("no name either", ruled(Rule(ROUTER, SWAP_SELECTOR)), f"listed, got 0x{SWAP_SELECTOR.hex()}"),
    (
        "paying a stranger",
        ruled(Rule(ROUTER, None), caps=[NATIVE]),
        "a target among the recipients",
    ),
    (
        "value to a stranger",
        ruled(Rule(OTHER_TOKEN, TRANSFER, payable=True), caps=[NATIVE]),
        "a target among the recipients",
    ),
]


@pytest.mark.parametrize(("what", "permission", "detail"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_no_permission_may_say_is_refused(
    what: str, permission: Permission, detail: str
) -> None:
    """Each refusal names the place, what was expected and what came."""
    with pytest.raises(Malformed) as refused:
        check_permission(permission, forbidden={ACCOUNT, IMPLEMENTATION})
    assert refused.value.code is Code.MALFORMED_PERMISSION, what
    assert detail in refused.value.detail
    assert ": expected " in refused.value.detail
    assert ", got " in refused.value.detail


@pytest.mark.parametrize("entry_point", sorted(ENTRY_POINTS))
def test_an_entry_point_is_never_a_target(entry_point: bytes) -> None:
    """Through an EntryPoint a session would reach the account itself."""
    with pytest.raises(Malformed, match="EntryPoint"):
        check_permission(ruled(Rule(entry_point, TRANSFER)))


def test_a_function_of_known_effect_goes_by_its_own_name() -> None:
    """A name that only shares the four bytes would lie to the person who reads the consent."""
    other = "many_msg_babbage(bytes1)"
    assert selector_of(other) == TRANSFER
    with pytest.raises(Malformed, match=re.escape("expected transfer(address,uint256), got many")):
        check_permission(ruled(Rule(TOKEN, TRANSFER, other)))


EDGES = [
    permission_with(starts_at=0, expires_at=UINT40_MAX),
    permission_with(max_calls=1),
    permission_with(max_calls=UINT32_MAX - 1),
    permission_with(rules=()),
    permission_with(caps=()),
    permission_with(recipients=()),
    permission_with(recipients=tuple(bytes([9, n]) * 10 for n in range(64))),
    permission_with(chain="eip155:999999999999999999"),
    permission_with(fee_budget_wei=0),
    permission_with(relayer=ANN),
    capped(decimals=77, per_call=0, lifetime=UINT128_MAX, window=Window(0, 60)),
    capped(window=Window(UINT128_MAX, UINT32_MAX)),
    where(Constraint(62, ONE_OF, ()), Constraint(0, AT_MOST, (UINT256_MAX,))),
    ruled(*[Rule(bytes([9, n]) * 10, TRANSFER) for n in range(64)]),
    ruled(PAYMENT, caps=[Cap(None, 18, window=Window(1, 60))]),
    ruled(Rule(ANN, TRANSFER, payable=True), caps=[NATIVE]),
    permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR, SWAP),), recipients=ANYTHING),
]


@pytest.mark.parametrize("permission", EDGES)
def test_the_ends_of_each_range_are_accepted(permission: Permission) -> None:
    """The bounds are the last good values, not the first bad ones."""
    assert check_permission(permission, forbidden={ACCOUNT}) is permission


@given(permissions())
def test_what_the_strategies_draw_is_well_formed(permission: Permission) -> None:
    """The properties of this room speak about permissions that exist."""
    assert check_permission(permission, forbidden={CAST.account}) is permission
