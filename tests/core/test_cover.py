"""Which calls a wide rule covers: what no narrower rule speaks of, and nothing that moves value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    ACCOUNT,
    ANN,
    APPROVE,
    EVE,
    OTHER_TOKEN,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    allowed,
    ask,
    pay,
    permission_with,
    transfer,
)
from tests.core.strategies import START, calldata
from valetkey.core.errors import Code
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.contract_errors import CONTRACT_ERRORS
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import (
    ANYTHING,
    ZERO_ADDRESS,
    Call,
    Cap,
    Rate,
    Rule,
    WideRule,
    Window,
)
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.spec.permission_bytes import VALUE_MOVING

NATIVE = Cap(None, 18, per_call=4, lifetime=9)
BOTH = check_permission(
    permission_with(
        rules=(Rule(TOKEN, TRANSFER), Rule(ANN, None)),
        caps=(Cap(TOKEN, 0, lifetime=100), NATIVE),
        recipients=ANYTHING,
        wide_rules=(WideRule(ROUTER, payable=True), WideRule(ANYTHING)),
    )
)
ONE = replace(BOTH, wide_rules=BOTH.wide_rules[:1])
SWAP = calldata(SWAP_SELECTOR, 1, 2)

COVERED = [
    ("its exact rule", transfer(5), 0),
    ("a payment that is named", pay(3, ANN), 1),
    ("any function of a target", Call(ROUTER, 0, SWAP), 2),
    ("a function with value", Call(ROUTER, 4, SWAP), 2),
    ("a payment under any function", Call(ROUTER, 4, b""), 2),
    ("four bytes are a selector", Call(ROUTER, 0, SWAP_SELECTOR), 2),
    ("any call", Call(EVE, 0, SWAP), 3),
    ("an empty call to anybody", Call(EVE, 0, b""), 3),
]


@pytest.mark.parametrize(("what", "call", "index"), COVERED, ids=[row[0] for row in COVERED])
def test_a_call_is_under_the_most_specific_rule(what: str, call: Call, index: int) -> None:
    """Exact, else its target's, else any call; wide rules are counted behind the others."""
    assert allowed(ask(BOTH, call)).rules == (index,), what


ENTRY_POINT = min(ENTRY_POINTS)
REFUSED = [
    ("the account", Call(ACCOUNT, 0, SWAP), Code.TARGET_FORBIDDEN, "rules"),
    ("the zero address", Call(ZERO_ADDRESS, 0, SWAP), Code.TARGET_FORBIDDEN, "rules"),
    ("an EntryPoint", Call(ENTRY_POINT, 0, SWAP), Code.TARGET_FORBIDDEN, "rules"),
    ("an approval", Call(ROUTER, 0, APPROVE), Code.SELECTOR_REFUSED, "wide_rules[0]"),
    ("an approval elsewhere", Call(EVE, 0, APPROVE), Code.SELECTOR_REFUSED, "wide_rules[1]"),
    ("one byte", Call(ROUTER, 0, b"\x12"), Code.SELECTOR_REFUSED, "wide_rules[0]"),
    ("three bytes", Call(EVE, 0, b"\x12\x34\x56"), Code.SELECTOR_REFUSED, "wide_rules[1]"),
    (
        "another function of a named target",
        Call(TOKEN, 0, SWAP),
        Code.SELECTOR_NOT_ALLOWED,
        "rules",
    ),
    ("a function of a payee", Call(ANN, 0, SWAP), Code.SELECTOR_NOT_ALLOWED, "rules"),
    ("an approval there", Call(TOKEN, 0, APPROVE), Code.SELECTOR_REFUSED, "wide_rules[1]"),
    ("value to anybody", Call(EVE, 1, b""), Code.VALUE_NOT_ALLOWED, "wide_rules[1]"),
    ("more value than in one call", Call(ROUTER, 5, SWAP), Code.PER_CALL_CAP_EXCEEDED, "caps[1]"),
]


@pytest.mark.parametrize(
    ("what", "call", "code", "caveat"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_what_no_wide_rule_covers_is_refused(
    what: str, call: Call, code: Code, caveat: str
) -> None:
    """The refusal is the contract's, where a run can be written that meets it."""
    answer = ask(BOTH, call)
    assert isinstance(answer, Deny), what
    assert (answer.code, answer.call) == (code, 0)
    assert answer.caveat.startswith(caveat)
    assert answer.code in CONTRACT_ERRORS or code is Code.VALUE_NOT_ALLOWED


@pytest.mark.parametrize("selector", sorted(VALUE_MOVING), ids=VALUE_MOVING.get)
def test_no_function_that_moves_value_is_under_a_wide_rule(selector: bytes) -> None:
    """Each of the published list; an exact rule that names it lets it through."""
    for target in (ROUTER, EVE):
        answer = ask(BOTH, Call(target, 0, selector + bytes(64)))
        assert isinstance(answer, Deny)
        assert answer.code is Code.SELECTOR_REFUSED
        assert VALUE_MOVING[selector] in answer.detail
    named = permission_with(
        rules=(Rule(ROUTER, selector),), recipients=ANYTHING, wide_rules=(WideRule(ROUTER),)
    )
    assert allowed(ask(named, Call(ROUTER, 0, selector + bytes(96)))).rules == (0,)


def test_without_any_call_what_nobody_names_is_refused() -> None:
    """Also what moves value: nothing wide speaks of it."""
    for data in (SWAP, APPROVE, b"\x12"):
        answer = ask(ONE, Call(EVE, 0, data))
        assert isinstance(answer, Deny)
        assert answer.code is Code.TARGET_NOT_ALLOWED
    answer = ask(ONE, Call(TOKEN, 0, APPROVE))
    assert isinstance(answer, Deny)
    assert answer.code is Code.SELECTOR_NOT_ALLOWED


def test_native_value_under_a_wide_rule_is_metered() -> None:
    """It is the only amount that is known there."""
    answer = ask(BOTH, Call(ROUTER, 4, SWAP), Call(ROUTER, 4, b""), pay(2, ANN))
    assert isinstance(answer, Deny)
    assert (answer.code, answer.call, answer.caveat) == (Code.CAP_EXCEEDED, 2, "caps[1].lifetime")
    booked = allowed(ask(BOTH, Call(ROUTER, 4, SWAP), Call(OTHER_TOKEN, 0, SWAP), pay(1, ANN)))
    assert booked.amounts == (0, 5)
    assert booked.rules == (2, 3, 1)


RATED = check_permission(permission_with(rate=Rate(calls=3, window_s=60), max_calls=6))


def test_a_rate_counts_calls_in_each_of_its_windows() -> None:
    """The next window begins at nothing; the life of the booking ends with its own."""
    first = allowed(ask(RATED, transfer(1), transfer(1)))
    assert first.valid_until == START + 60
    refused = ask(RATED, transfer(1), transfer(1), spent=first.after, now=START + 59)
    assert isinstance(refused, Deny)
    assert (refused.code, refused.caveat) == (Code.RATE_EXCEEDED, "rate")
    assert refused.detail == "3 calls allowed in this window of 60 s, 2 used, 2 asked for"
    second = allowed(ask(RATED, transfer(1), transfer(1), spent=first.after, now=START + 60))
    assert (second.after.calls, second.after.rate.spent, second.after.rate.window) == (4, 2, 1)
    assert second.valid_until == START + 120


def test_an_empty_run_is_one_use_of_the_rate() -> None:
    """As it is one of the count: it takes a nonce, and a place in a block."""
    spent = allowed(ask(RATED, transfer(1), transfer(1), transfer(1))).after
    refused = ask(RATED, spent=spent)
    assert isinstance(refused, Deny)
    assert refused.code is Code.RATE_EXCEEDED


def test_the_count_is_asked_before_the_rate() -> None:
    """The chain would say the first; the second is this server's."""
    refused = ask(RATED, *[transfer(1)] * 7)
    assert isinstance(refused, Deny)
    assert refused.code is Code.TOO_MANY_CALLS


def test_a_clock_that_is_behind_books_to_the_window_that_was_reached() -> None:
    """Forwards only: no window of a rate is entered again."""
    late = allowed(ask(RATED, transfer(1), now=START + 60)).after
    early = allowed(ask(RATED, transfer(1), spent=late, now=START + 59))
    assert (early.after.rate.spent, early.after.rate.window) == (2, 1)


def test_the_shortest_window_bounds_the_life_of_a_booking() -> None:
    """Whichever is first: the rate's, a cap's, or the end."""
    capped = replace(RATED, caps=(Cap(TOKEN, 0, window=Window(9, 120)),))
    assert allowed(ask(capped, transfer(1))).valid_until == START + 60
    slower = replace(capped, rate=Rate(3, 240))
    assert allowed(ask(slower, transfer(1))).valid_until == START + 120
