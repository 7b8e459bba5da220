"""The verdict, case by case: every refusal, their order, and the exact seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    ACCOUNT,
    ANN,
    APPROVE,
    BOB,
    EVE,
    INCREASE,
    PERMISSION,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    TRANSFER_FROM,
    allowed,
    ask,
    cap_with,
    pay,
    permission_with,
    spend,
    transfer,
)
from tests.core.strategies import START, calldata
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.decide import Allow, Deny, Spent, nothing_spent
from valetkey.core.permission.model import (
    ANYTHING,
    MAX_CALLDATA_BYTES,
    ZERO_ADDRESS,
    Call,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.core.units import UINT32_MAX, UINT128_MAX, UINT256_MAX

END = PERMISSION.expires_at
SENDS = (
    Rule(TOKEN, TRANSFER, where=(Constraint(1, Operator.AT_MOST, (90,)),)),
    Rule(TOKEN, APPROVE),
    Rule(TOKEN, INCREASE),
    Rule(TOKEN, TRANSFER_FROM),
    Rule(ANN, None),
    Rule(BOB, TRANSFER, payable=True),
)
RICH = permission_with(
    rules=SENDS,
    caps=(
        Cap(TOKEN, 0, per_call=60, lifetime=100, window=Window(70, 60)),
        Cap(None, 18, per_call=5, lifetime=9),
    ),
    max_calls=3,
)
SWAPS = permission_with(
    rules=(
        Rule(
            ROUTER,
            SWAP_SELECTOR,
            where=(
                Constraint(0, Operator.EQUALS, (7,)),
                Constraint(1, Operator.ONE_OF, (int.from_bytes(ANN), int.from_bytes(BOB))),
                Constraint(3, Operator.ONE_OF, ()),
            ),
        ),
    ),
    caps=(),
    recipients=ANYTHING,
)


def swap(*arguments: int | bytes) -> Call:
    """Return a call of the router with *arguments*."""
    return Call(ROUTER, 0, calldata(SWAP_SELECTOR, *arguments))


REFUSED: list[tuple[str, Permission, Call, Code, str]] = [
    ("the account", RICH, transfer(1, token=ACCOUNT), Code.TARGET_FORBIDDEN, "rules"),
    ("the zero address", RICH, pay(1, ZERO_ADDRESS), Code.TARGET_FORBIDDEN, "rules"),
    ("a stranger", RICH, transfer(1, token=EVE), Code.TARGET_NOT_ALLOWED, "rules"),
    ("a stranger, paid", RICH, pay(1, EVE), Code.TARGET_NOT_ALLOWED, "rules"),
    ("no rules", permission_with(rules=()), transfer(1), Code.TARGET_NOT_ALLOWED, "rules"),
    ("another function", RICH, Call(TOKEN, 0, SWAP_SELECTOR), Code.SELECTOR_NOT_ALLOWED, "rules"),
    ("half a selector", RICH, Call(TOKEN, 0, TRANSFER[:3]), Code.SELECTOR_NOT_ALLOWED, "rules"),
    ("a payment to a token", RICH, pay(1, TOKEN), Code.SELECTOR_NOT_ALLOWED, "rules"),
    ("data to a payee", RICH, transfer(1, token=ANN), Code.SELECTOR_NOT_ALLOWED, "rules"),
    ("value", RICH, transfer(1, value_wei=1), Code.VALUE_NOT_ALLOWED, "rules[0]"),
    ("no argument", RICH, Call(TOKEN, 0, TRANSFER), Code.ARGUMENT_MISSING, "rules[0].where[0]"),
    (
        "half an argument",
        RICH,
        Call(TOKEN, 0, transfer(1).data[:-1]),
        Code.ARGUMENT_MISSING,
        "rules[0].where[0]",
    ),
    (
        "no amount to count",
        permission_with(recipients=ANYTHING),
        Call(TOKEN, 0, calldata(TRANSFER, ANN)),
        Code.ARGUMENT_MISSING,
        "caps[0].lifetime",
    ),
    (
        "no amount to compare",
        permission_with(recipients=ANYTHING, caps=(cap_with(per_call=5),)),
        Call(TOKEN, 0, calldata(TRANSFER, ANN)),
        Code.ARGUMENT_MISSING,
        "caps[0].per_call",
    ),
    ("an argument", RICH, transfer(91), Code.ARGUMENT_REFUSED, "rules[0].where[0]"),
    ("not equal", SWAPS, swap(8, ANN, 0, 0), Code.ARGUMENT_REFUSED, "rules[0].where[0]"),
    ("not one of", SWAPS, swap(7, EVE, 0, 0), Code.ARGUMENT_REFUSED, "rules[0].where[1]"),
    ("one of nothing", SWAPS, swap(7, ANN, 0, 0), Code.ARGUMENT_REFUSED, "rules[0].where[2]"),
    ("a stranger, by transfer", RICH, transfer(1, EVE), Code.RECIPIENT_NOT_ALLOWED, "recipients"),
    (
        "a recipient with dirty bits",
        RICH,
        Call(TOKEN, 0, calldata(TRANSFER, 1 << 160 | int.from_bytes(ANN), 1)),
        Code.RECIPIENT_NOT_ALLOWED,
        "recipients",
    ),
    (
        "a spender",
        RICH,
        Call(TOKEN, 0, calldata(APPROVE, EVE, 1)),
        Code.RECIPIENT_NOT_ALLOWED,
        "recipients",
    ),
    (
        "a spender, by increase",
        RICH,
        Call(TOKEN, 0, calldata(INCREASE, EVE, 1)),
        Code.RECIPIENT_NOT_ALLOWED,
        "recipients",
    ),
    (
        "a stranger, by transferFrom",
        RICH,
        Call(TOKEN, 0, calldata(TRANSFER_FROM, ANN, EVE, 1)),
        Code.RECIPIENT_NOT_ALLOWED,
        "recipients",
    ),
    (
        "nobody",
        permission_with(recipients=()),
        transfer(1),
        Code.RECIPIENT_NOT_ALLOWED,
        "recipients",
    ),
    ("per call", RICH, transfer(61), Code.PER_CALL_CAP_EXCEEDED, "caps[0].per_call"),
    ("native per call", RICH, pay(6), Code.PER_CALL_CAP_EXCEEDED, "caps[1].per_call"),
    ("lifetime", PERMISSION, transfer(101), Code.CAP_EXCEEDED, "caps[0].lifetime"),
    ("a word past 128 bits", PERMISSION, transfer(UINT256_MAX), Code.CAP_EXCEEDED, "caps[0].lifet"),
    (
        "a huge value",
        permission_with(rules=(Rule(ANN, None),), caps=(Cap(None, 18, lifetime=UINT128_MAX),)),
        pay(UINT128_MAX + 1),
        Code.CAP_EXCEEDED,
        "caps[0].lifetime",
    ),
]


@pytest.mark.parametrize(
    ("what", "permission", "call", "code", "caveat"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_a_call_is_refused_by_the_caveat_that_forbids_it(
    what: str, permission: Permission, call: Call, code: Code, caveat: str
) -> None:
    """Every refusal has its code, its place, the call that it is about, and words."""
    good = [pay(0)] if permission is RICH else []
    answer = ask(permission, *good, call)
    assert isinstance(answer, Deny), what
    assert (answer.code, answer.call) == (code, len(good))
    assert answer.caveat.startswith(caveat)
    assert answer.detail


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (START - 1, Code.SESSION_NOT_STARTED),
        (START, None),
        (END - 1, None),
        (END, Code.SESSION_EXPIRED),
    ],
)
def test_the_first_and_the_last_second_are_exact(now: int, code: Code | None) -> None:
    """``starts_at`` is the first valid second, ``expires_at`` the first invalid one."""
    answer = ask(PERMISSION, transfer(1), now=now)
    assert (answer.code if isinstance(answer, Deny) else None) is code
    if isinstance(answer, Deny):
        assert answer.call is None


def test_calls_are_counted_across_runs_and_an_empty_run_is_one() -> None:
    """A run that does nothing still uses a nonce, and so a call."""
    spent = spend(RICH, [(START, []), (START, [transfer(1)])])
    assert spent.calls == 2
    assert ask(RICH, transfer(1), pay(1), spent=spent) == Deny(
        Code.TOO_MANY_CALLS, "max_calls", "3 calls allowed, 2 used, 2 asked for"
    )
    assert isinstance(ask(RICH, spent=replace(spent, calls=3)), Deny)


def test_without_a_count_the_counter_itself_is_the_end() -> None:
    """The chain counts in 32 bits; the server stops where the chain does."""
    spent = replace(nothing_spent(PERMISSION), calls=UINT32_MAX - 1)
    last = allowed(ask(PERMISSION, transfer(1), spent=spent)).after
    refused = ask(PERMISSION, transfer(1), spent=last)
    assert isinstance(refused, Deny)
    assert refused.code is Code.TOO_MANY_CALLS


def test_the_first_refusal_wins() -> None:
    """Time, then count, then calls in order; in a call its own constraints come before caps."""
    wrong = transfer(1000, EVE)  # refused by its constraint, its recipient, both caps
    used_up = replace(nothing_spent(RICH), calls=3)
    repaired = [
        ask(RICH, wrong, transfer(1, token=EVE), spent=used_up, now=END),
        ask(RICH, wrong, transfer(1, token=EVE), spent=used_up),
        ask(RICH, wrong, transfer(1, token=EVE)),
        ask(RICH, transfer(61, EVE), transfer(1, token=EVE)),
        ask(RICH, transfer(61), transfer(1, token=EVE)),
        ask(RICH, transfer(60), transfer(60)),
        ask(RICH, transfer(60), transfer(1, token=EVE)),
    ]
    assert [answer.code for answer in repaired if isinstance(answer, Deny)] == [
        Code.SESSION_EXPIRED,
        Code.TOO_MANY_CALLS,
        Code.ARGUMENT_REFUSED,
        Code.RECIPIENT_NOT_ALLOWED,
        Code.PER_CALL_CAP_EXCEEDED,
        Code.CAP_EXCEEDED,
        Code.TARGET_NOT_ALLOWED,
    ]


def test_an_answer_says_everything_that_is_to_be_booked() -> None:
    """Rules in call order, and an amount for each limit: lifetime, window, native lifetime."""
    answer = ask(RICH, transfer(20), Call(TOKEN, 0, calldata(APPROVE, BOB, 30)), pay(2))
    assert answer == Allow(
        rules=(0, 1, 4),
        calls=3,
        amounts=(50, 50, 2),
        after=Spent(3, (Counter(50, 0), Counter(50, 0), Counter(2, 0))),
        valid_until=START + 60,
    )


def test_value_on_a_payable_function_is_counted_with_its_amount() -> None:
    """One call may be metered in two assets."""
    granted = replace(RICH, caps=(Cap(BOB, 0, lifetime=10), Cap(None, 18, lifetime=9)))
    answer = allowed(ask(granted, Call(BOB, 3, calldata(TRANSFER, ANN, 4))))
    assert answer.amounts == (4, 3)


def test_a_run_is_all_or_nothing() -> None:
    """The calls of one run add up before any of them is made."""
    assert isinstance(ask(PERMISSION, transfer(60), transfer(40)), Allow)
    assert isinstance(ask(PERMISSION, transfer(60), transfer(41)), Deny)


BAD_CALLS = [
    (b"\x01" * 19, 0, b""),
    (ANN, -1, b""),
    (ANN, UINT256_MAX + 1, b""),
    (ANN, 0, bytes(MAX_CALLDATA_BYTES + 1)),
]


@pytest.mark.parametrize(("to", "value_wei", "data"), BAD_CALLS)
def test_a_call_that_no_chain_can_make_does_not_exist(
    to: bytes, value_wei: int, data: bytes
) -> None:
    """A negative value, above all, would be booked backwards."""
    with pytest.raises(Malformed) as refused:
        Call(to, value_wei, data)
    assert refused.value.code is Code.MALFORMED_CALL
