"""The difference of two permissions: in words, and whether it is more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    ANN,
    APPROVE,
    BOB,
    OTHER_TOKEN,
    PERMISSION,
    TOKEN,
    TRANSFER,
    cap_with,
    permission_with,
)
from tests.core.narrowing_whole import narrower_whole
from tests.core.small import like, small_permissions
from tests.core.strategies import START
from tests.core.whole import whole_permissions
from tests.searched import searched
from valetkey.core.permission.canonical import document
from valetkey.core.permission.diff import Diff, diff
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Constraint,
    FieldConstraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
    Window,
)
from valetkey.core.permission.subset import Subset, is_subset

NAMES = {TOKEN: "USDC", ANN: "Ann"}
USDC, ANN_SAID = f"USDC (0x{TOKEN.hex()})", f"Ann (0x{ANN.hex()})"
LISTED = f"Only these may receive or be approved: {ANN_SAID}, 0x{BOB.hex()}."
ANYBODY = "Anybody may receive or be approved (anything)."
FIVE = Constraint(1, Operator.AT_MOST, (5,))
NATIVE = Cap(None, 18, lifetime=10**18)
MAY = f"It may call transfer(address,uint256) on {USDC}"

LOGIN = TypedDataTemplate(None, None, ANN, "Login(uint8 n)")

SAID: list[tuple[Permission, list[str]]] = [
    (permission_with(chain="eip155:1"), ["changed chain: eip155:31337 → eip155:1"]),
    (permission_with(starts_at=START + 1), [f"raised starts_at: {START} → {START + 1}"]),
    (permission_with(expires_at=START + 9), [f"lowered expires_at: {START + 3600} → {START + 9}"]),
    (permission_with(max_calls=5), ["added max_calls: 5"]),
    (permission_with(relayer=BOB), [f"added relayer: 0x{BOB.hex()}"]),
    (permission_with(fee_budget_wei=10**17), ["added fee_budget_wei: 0.1"]),
    (permission_with(recipients=ANYTHING), [f"changed recipients: {LISTED} → {ANYBODY}"]),
    (permission_with(recipients=(ANN,)), [f"removed recipients: 0x{BOB.hex()}"]),
    (
        permission_with(recipients=(BOB, OTHER_TOKEN)),
        [f"removed recipients: {ANN_SAID}", f"added recipients: 0x{OTHER_TOKEN.hex()}"],
    ),
    (permission_with(rules=()), [f"removed rule: {MAY}."]),
    (
        permission_with(rules=(*PERMISSION.rules, Rule(TOKEN, APPROVE))),
        [f"added rule: It may call approve(address,uint256) on {USDC}."],
    ),
    (
        permission_with(rules=(Rule(TOKEN, TRANSFER, where=(FIVE,)),)),
        [f"changed rule: {MAY}. → {MAY}; argument 1 may be at most 0x5."],
    ),
    (permission_with(rules=(Rule(TOKEN, TRANSFER),)), []),
    (permission_with(rate=Rate(5, 60)), ["added rate: 5 calls in 60 s"]),
    (permission_with(scopes=("a", "b")), ["added scope: a", "added scope: b"]),
    (
        permission_with(messages=(MessageTemplate(("Hi ", "")),)),
        [
            (
                'added text: It may sign as the account the text "Hi " + anything on one line'
                " (enforced by this server)."
            )
        ],
    ),
    (
        permission_with(typed_data=(LOGIN,)),
        [
            (
                f"added typed data: It may sign as the account typed data for {ANN_SAID}, under"
                " no name and no version: Login(uint8 n), with ANY values"
                " (enforced by this server)."
            )
        ],
    ),
    (
        permission_with(caps=()),
        [
            (
                f"removed cap: Of {USDC} at most 100 in all; one is 10^0 of its smallest unit;"
                " an approval counts as spent."
            )
        ],
    ),
    (
        permission_with(caps=(NATIVE, cap_with())),
        ["added cap: Of native at most 1 in all."],
    ),
    (
        permission_with(caps=(cap_with(lifetime=200, per_call=7, window=Window(9, 60)),)),
        [
            f"added cap on {USDC}: in one call: 7",
            f"added cap on {USDC}: in one window: 9 in 60 s",
            f"raised cap on {USDC}: in all: 100 → 200",
        ],
    ),
    (permission_with(caps=(cap_with(decimals=2),)), [f"raised cap on {USDC}: decimals: 0 → 2"]),
]


@pytest.mark.parametrize(("new", "said"), SAID, ids=[str(row[1])[:40] for row in SAID])
def test_each_change_is_said_in_both_directions(new: Permission, said: list[str]) -> None:
    """Raised one way is lowered the other way."""
    assert [str(change) for change in diff(PERMISSION, new, names=NAMES).changes] == said
    back = {"raised": "lowered", "lowered": "raised", "added": "removed", "removed": "added"}
    kinds = sorted(back.get(one.split()[0], "changed") for one in said)
    returned = diff(new, PERMISSION, names=NAMES).changes
    assert sorted(change.kind for change in returned) == kinds


def test_a_window_says_its_length() -> None:
    """Limit and length change each for itself."""
    old = permission_with(caps=(cap_with(window=Window(5, 60)),))
    new = permission_with(caps=(cap_with(window=Window(4, 120)),))
    assert [str(change) for change in diff(old, new, names={}).changes] == [
        f"lowered cap on 0x{TOKEN.hex()}: in one window: 5 → 4",
        f"raised cap on 0x{TOKEN.hex()}: seconds of a window: 60 → 120",
    ]


def test_a_rate_says_what_changes() -> None:
    """Calls and length change each for itself."""
    old, new = permission_with(rate=Rate(5, 60)), permission_with(rate=Rate(6, 120))
    assert [str(change) for change in diff(old, new, names={}).changes] == [
        "raised rate: calls in one window: 5 → 6",
        "raised rate: seconds of a window: 60 → 120",
    ]


def test_wide_rules_and_templates_are_followed_by_what_they_are_about() -> None:
    """The same target, contract and type is a change; another one is added."""
    most = FieldConstraint(("n",), Operator.AT_MOST, (5,))
    old = permission_with(
        recipients=ANYTHING, wide_rules=(WideRule(BOB),), typed_data=(LOGIN,), caps=(NATIVE,)
    )
    new = replace(
        old,
        wide_rules=(WideRule(BOB, payable=True), WideRule(ANYTHING)),
        typed_data=(replace(LOGIN, where=(most,)),),
    )
    found = diff(old, new, names={})
    assert [(change.kind, change.place) for change in found.changes] == [
        ("changed", "wide rule"),
        ("added", "wide rule"),
        ("changed", "typed data"),
    ]
    assert found.widens
    assert "native value" in str(found.changes[0])
    assert "n may be at most 0x5" in str(found.changes[2])
    assert [change.kind for change in diff(new, old, names={}).changes] == [
        "changed",
        "removed",
        "changed",
    ]


@searched(40)
@given(whole_permissions(), whole_permissions())
def test_what_differs_is_said(old: Permission, new: Permission) -> None:
    """Nothing between equals; something between any others, and what it means."""
    assert diff(old, replace(old), names={}) == Diff((), Subset())
    found = diff(old, new, names=NAMES)
    assert bool(found.changes) or bare(old) == bare(new)
    assert found.answer == is_subset(new, old)


def bare(permission: Permission) -> dict[str, object]:
    """Return the document without the names of functions, and without an order."""
    rules = (replace(rule, function=None) for rule in permission.rules)
    ordered = replace(
        permission,
        rules=tuple(sorted(rules, key=repr)),
        caps=tuple(sorted(permission.caps, key=repr)),
    )
    return document(ordered)


@searched(40)
@given(st.data())
def test_it_widens_only_if_something_changes(data: st.DataObject) -> None:
    """And never by a further caveat."""
    old = data.draw(small_permissions())
    new = data.draw(like(old))
    found = diff(old, new, names={})
    assert found.widens is not isinstance(is_subset(new, old), Subset)
    assert found.changes or not found.widens
    wide = data.draw(whole_permissions())
    assert not diff(wide, data.draw(narrower_whole(wide)), names={}).widens
