"""The words: nothing that a permission says is left out of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    ANN,
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
from tests.core.strategies import START, SWAP, permissions
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.explain import explain, headline, say_worst_case
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.core.permission.worst_case import worst_case
from valetkey.core.units import format_amount, format_moment

NAMES = {TOKEN: "USDC", ANN: "Ann"}
NATIVE = Cap(None, 18, lifetime=10**18)
USDC = f"USDC (0x{TOKEN.hex()})"

RICH = Permission(
    chain="eip155:31337",
    rules=(
        Rule(
            TOKEN,
            TRANSFER,
            payable=True,
            where=(
                Constraint(1, Operator.AT_MOST, (255,)),
                Constraint(0, Operator.EQUALS, (1,)),
                Constraint(2, Operator.ONE_OF, (2, 3)),
                Constraint(3, Operator.ONE_OF, ()),
            ),
        ),
        Rule(ANN, None),
    ),
    caps=(
        Cap(TOKEN, 6, per_call=5 * 10**6, lifetime=20 * 10**6, window=Window(10**7, 86_400)),
        Cap(None, 18, lifetime=15 * 10**17),
    ),
    starts_at=START,
    expires_at=START + 100_000,
    recipients=(TOKEN, ANN, BOB),
    max_calls=40,
    relayer=BOB,
    fee_budget_wei=10**16,
)

RICH_TEXT = (
    (
        f"It may call transfer(address,uint256) on {USDC}, with native value"
        "; argument 1 may be at most 0xff; argument 0 must be 0x1"
        "; argument 2 must be one of 0x2, 0x3; argument 3 must be one of nothing at all."
    ),
    f"It may send native value to Ann (0x{ANN.hex()}).",
    (
        f"Of {USDC} at most 5 in one call, 10 in each day counted from the start (2 windows)"
        ", 20 in all; one is 10^6 of its smallest unit; an approval counts as spent."
    ),
    "Of native at most 1.5 in all.",
    f"Only these may receive or be approved: {USDC}, Ann (0x{ANN.hex()}), 0x{BOB.hex()}.",
    "At most 40 calls in all.",
    (
        "Valid for 1 d 3 h 46 min 40 s, from 2023-11-14 22:13:20 UTC until before"
        " 2023-11-16 02:00:00 UTC, on eip155:31337."
    ),
    f"Only 0x{BOB.hex()} may bring it to the chain.",
    "The sponsor pays at most 0.01 in fees (enforced by this server).",
    "Worst case: 1.5 native + 20 USDC.",
)


def test_the_whole_text() -> None:
    """One sentence for each thing that is said, in the order of the permission."""
    assert explain(RICH, names=NAMES) == RICH_TEXT


SENTENCES = [
    (permission_with(rules=()), "It may call nothing."),
    (permission_with(recipients=()), "Nobody may receive or be approved."),
    (permission_with(recipients=ANYTHING), "Anybody may receive or be approved (anything)."),
    (permission_with(), "Calls are not counted."),
    (permission_with(rules=()), "Worst case: nothing can be moved."),
    (
        permission_with(caps=()),
        "Worst case: USDC is unbounded, because there is no cap on it.",
    ),
    (
        permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR, SWAP),), recipients=ANYTHING, caps=()),
        f"It may call the function 0x{SWAP_SELECTOR.hex()} ({SWAP}) on 0x{ROUTER.hex()}.",
    ),
    (
        permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR),), recipients=ANYTHING),
        f"It may call the function 0x{SWAP_SELECTOR.hex()} on 0x{ROUTER.hex()}.",
    ),
    (
        permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR),), recipients=ANYTHING),
        (
            f"Of {USDC} at most 100 in all; one is 10^0 of its smallest unit; an approval counts as"
            f" spent; not counted is what 0x{ROUTER.hex()} may take."
        ),
    ),
    (
        permission_with(
            rules=(*PERMISSION.rules, Rule(ROUTER, SWAP_SELECTOR, payable=True)),
            caps=(cap_with(), NATIVE),
            recipients=ANYTHING,
        ),
        (
            f"Worst case: 1 native + every token is unbounded, because 0x{ROUTER.hex()} may use the"
            " account's approvals."
        ),
    ),
    (
        permission_with(
            rules=(Rule(OTHER_TOKEN, TRANSFER),),
            caps=(Cap(OTHER_TOKEN, 2, window=Window(150, 60)),),
            expires_at=START + 60,
        ),
        (
            f"Of 0x{OTHER_TOKEN.hex()} at most 1.5 in each minute counted from the start (1 window)"
            "; one is 10^2 of its smallest unit; an approval counts as spent."
        ),
    ),
]


@pytest.mark.parametrize(("permission", "sentence"), SENTENCES)
def test_a_sentence(permission: Permission, sentence: str) -> None:
    """Each form that a sentence takes."""
    assert sentence in explain(permission, names=NAMES)


@pytest.mark.parametrize(
    ("window_s", "words"),
    [
        (60, "minute"),
        (90, "90 seconds"),
        (300, "5 minutes"),
        (3600, "hour"),
        (7200, "2 hours"),
        (86_400, "day"),
        (604_800, "7 days"),
    ],
)
def test_a_window_in_words(window_s: int, words: str) -> None:
    """The longest unit that divides it."""
    granted = permission_with(caps=(cap_with(lifetime=None, window=Window(1, window_s)),))
    assert any(f"1 in each {words} counted" in said for said in explain(granted, names={}))
    assert f"1 0x1111…1111 per {words}" in headline(granted, names={})


HEADLINES = [
    (permission_with(), f"may call transfer on {USDC} to 2 addresses · 100 USDC at most"),
    (permission_with(recipients=(ANN,)), f"may call transfer on {USDC} to 1 address · 100 USDC at"),
    (permission_with(rules=()), "may call nothing to 2 addresses"),
    (
        permission_with(recipients=ANYTHING, caps=(cap_with(lifetime=None, per_call=5),)),
        f"may call transfer on {USDC} to anybody · 5 USDC per call · USDC unbounded",
    ),
    (
        permission_with(caps=()),
        f"may call transfer on {USDC} to 2 addresses · USDC unbounded",
    ),
    (
        permission_with(rules=(Rule(ANN, None),), recipients=ANYTHING, caps=(NATIVE,)),
        f"may pay Ann (0x{ANN.hex()}) · 1 native at most",
    ),
    (
        permission_with(rules=(Rule(BOB, None), *PERMISSION.rules), caps=(NATIVE, cap_with())),
        f"may pay 0x{BOB.hex()} and 1 more to 2 addresses · 1 native at most · 100 USDC at most",
    ),
    (
        permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR, SWAP),), recipients=ANYTHING),
        f"may call swap on 0x{ROUTER.hex()} to anybody · 100 USDC at most · tokens unbounded",
    ),
    (
        permission_with(rules=(Rule(ROUTER, SWAP_SELECTOR),), recipients=ANYTHING, caps=()),
        f"may call 0x{SWAP_SELECTOR.hex()} on 0x{ROUTER.hex()} to anybody · tokens unbounded",
    ),
    (
        permission_with(rules=(Rule(TOKEN, TRANSFER),)),
        f"may call transfer on {USDC} to 2 addresses",
    ),
]


@pytest.mark.parametrize(("permission", "line"), HEADLINES)
def test_the_line_has_what_matters(permission: Permission, line: str) -> None:
    """What is called where, for whom, and how much; what has no bound says so (DESIGN 3)."""
    assert headline(permission, names=NAMES).startswith(line)


@given(permissions(), st.sampled_from([{}, NAMES]))
def test_every_caveat_is_in_the_words(permission: Permission, names: dict[bytes, str]) -> None:
    """Every address in full, every selector, word, amount, count and second."""
    text = "\n".join(explain(permission, names=names))
    for rule in permission.rules:
        assert f"0x{rule.target.hex()}" in text
        if rule.selector is not None:
            known = EFFECTS.get(rule.selector)
            assert (known.function if known else f"0x{rule.selector.hex()}") in text
        assert rule.function is None or rule.function in text
        for constraint in rule.where:
            assert f"argument {constraint.argument} " in text
            assert all(f"0x{value:x}" in text for value in constraint.values)
    assert text.count(", with native value") == sum(rule.payable for rule in permission.rules)
    for cap in permission.caps:
        assert ("Of native" if cap.asset is None else f"0x{cap.asset.hex()}") in text
        assert cap.asset is None or f"10^{cap.decimals} of" in text
        for amount in (cap.per_call, cap.lifetime, cap.window.limit if cap.window else None):
            assert amount is None or format_amount(amount, decimals=cap.decimals) in text
    if isinstance(permission.recipients, Anything):
        assert "(anything)" in text
    else:
        assert all(f"0x{recipient.hex()}" in text for recipient in permission.recipients)
    counted = "Calls are not counted" if permission.max_calls is None else f"{permission.max_calls}"
    times = [format_moment(at) for at in (permission.starts_at, permission.expires_at)]
    for said in (counted, *times, permission.chain):
        assert said in text
    assert permission.relayer is None or f"Only 0x{permission.relayer.hex()}" in text
    assert permission.fee_budget_wei is None or "in fees" in text
    assert say_worst_case(worst_case(permission), names=names) in text


@given(permissions())
def test_the_words_do_not_depend_on_what_things_are_called(permission: Permission) -> None:
    """A name stands beside the address, never instead of it, wherever a rule or cap is said."""
    named = explain(permission, names={TOKEN: "SAFE"})
    plain = explain(permission, names={})
    for said, bare in zip(named[:-1], plain[:-1], strict=True):
        full = f"0x{TOKEN.hex()}"
        assert said.replace(f"SAFE ({full})", full) == bare


def test_two_permissions_that_differ_read_differently() -> None:
    """Decimals above all: the same number of units may be a million times as much."""
    assert explain(permission_with(caps=(cap_with(decimals=2),)), names={}) != explain(
        permission_with(caps=(cap_with(decimals=2, lifetime=10_000),)), names={}
    )
    wrong = replace(PERMISSION, caps=(cap_with(decimals=18, lifetime=20 * 10**6),))
    assert "0.00000000002 in all; one is 10^18 of its smallest unit" in explain(wrong, names={})[1]
