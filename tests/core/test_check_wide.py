"""Wide rules and rates that no permission may have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from tests.core.examples import ACCOUNT, ANN, EVE, PERMISSION, ROUTER, TOKEN, permission_with
from tests.core.whole import EVERYTHING, whole_permissions
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import (
    ANYTHING,
    ZERO_ADDRESS,
    Cap,
    Permission,
    Rate,
    Rule,
    WideRule,
)
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.core.units import UINT32_MAX

NATIVE = Cap(None, 18, lifetime=5)


def wide(*rules: WideRule, **changes: object) -> Permission:
    """Return the ordinary permission, for anybody to receive, with wide rules beside its own."""
    return permission_with(**{"recipients": ANYTHING, **changes}, wide_rules=rules)


REFUSED = [
    ("17 wide rules", wide(*[WideRule(bytes([9, n]) * 10) for n in range(17)]), "wide_rules: exp"),
    ("a short target", wide(WideRule(b"\x01" * 19)), "wide_rules[0].target: expected 20 bytes"),
    ("the zero address", wide(WideRule(ZERO_ADDRESS)), "wide_rules[0].target: expected not"),
    ("an EntryPoint", wide(WideRule(min(ENTRY_POINTS))), "wide_rules[0].target: expected not"),
    (
        "the account",
        wide(WideRule(ROUTER), WideRule(ACCOUNT)),
        "wide_rules[1].target: expected not",
    ),
    ("another order", wide(WideRule(EVE), WideRule(ROUTER)), "wide_rules: expected ascending"),
    ("one target twice", wide(WideRule(ANN), WideRule(ANN)), "wide_rules: expected ascending"),
    ("any call first", wide(WideRule(ANYTHING), WideRule(ANN)), "wide_rules: expected ascending"),
    ("any call twice", wide(WideRule(ANYTHING), WideRule(ANYTHING)), "wide_rules: expected asc"),
    (
        "listed recipients",
        permission_with(wide_rules=(WideRule(ROUTER),)),
        "wide_rules: expected no wide rules, for recipients are listed",
    ),
    ("a token with a cap", wide(WideRule(TOKEN)), "wide_rules[0].target: expected no token with"),
    (
        "a token with a cap that any call reaches",
        wide(WideRule(ANYTHING), rules=(Rule(ROUTER, b"\x01\x02\x03\x04"),)),
        "caps[0].asset: expected a rule that names this token",
    ),
    ("value without a cap", wide(WideRule(ROUTER, payable=True)), "wide_rules[0]: expected a nat"),
    (
        "value under a cap per call alone",
        wide(WideRule(ANYTHING, payable=True), caps=(Cap(None, 18, per_call=1),)),
        "wide_rules[0]: expected a native cap with a lifetime or window",
    ),
    ("no call in a window", permission_with(rate=Rate(0, 60)), "rate.calls: expected 1 to"),
    ("more than 32 bits", permission_with(rate=Rate(UINT32_MAX + 1, 60)), "rate.calls: expected"),
    ("too short a window", permission_with(rate=Rate(1, 59)), "rate.window_s: expected 60 to"),
    ("too long a window", permission_with(rate=Rate(1, UINT32_MAX + 1)), "rate.window_s: exp"),
]


@pytest.mark.parametrize(("what", "bad", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_no_permission_may_say_is_refused(what: str, bad: Permission, place: str) -> None:
    """With the place, what was expected there, and what came."""
    with pytest.raises(Malformed, match=rf"{re.escape(place)}.*got") as refused:
        check_permission(bad, forbidden={ACCOUNT})
    assert refused.value.code is Code.MALFORMED_PERMISSION, what


ACCEPTED = [
    wide(WideRule(ROUTER), WideRule(EVE), WideRule(ANYTHING)),
    wide(WideRule(ROUTER, payable=True), caps=(NATIVE,)),
    wide(WideRule(ANYTHING), rules=(Rule(TOKEN, None),), caps=(*PERMISSION.caps, NATIVE)),
    wide(WideRule(TOKEN), caps=()),
    wide(WideRule(ANYTHING), rules=(), caps=()),
    permission_with(rate=Rate(UINT32_MAX, 60)),
    EVERYTHING,
]


@pytest.mark.parametrize("permission", ACCEPTED)
def test_what_is_well_formed_is_returned(permission: Permission) -> None:
    """A token with a cap may be named by any rule: then any call cannot reach it."""
    assert check_permission(permission, forbidden={ACCOUNT}) is permission


@given(whole_permissions())
def test_what_the_other_tests_draw_is_well_formed(permission: Permission) -> None:
    """Else they would protect nothing."""
    assert check_permission(permission) is permission
