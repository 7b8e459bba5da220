"""Wide rules, a rate, templates and scopes as people write them."""

from __future__ import annotations

import pytest

from valetkey import Malformed, permission
from valetkey.core.errors import Code
from valetkey.core.permission.compile import NotOnChain, compile_grant, server_only
from valetkey.core.permission.model import (
    ANYTHING,
    FieldConstraint,
    MessageTemplate,
    Operator,
    Rate,
    TypedDataTemplate,
    WideRule,
)

EXCHANGE = "0x" + "33" * 20
GAME = "0x" + "11" * 20
CHAIN = "eip155:31337"
ORDER = "Order(address maker,uint256 amount)"
KEY = b"\x01" * 20


def test_a_draft_says_all_that_the_language_can() -> None:
    """Each list sorted and once, whatever the order in which it is put together."""
    draft = (
        permission.build([], caps=[permission.native_cap(lifetime="1")], to=ANYTHING, expires_in=60)
        .and_wide(permission.any_call())
        .and_wide(permission.any_function(EXCHANGE, payable=True), permission.any_function(GAME))
        .and_wide(permission.any_function(GAME))
        .at_a_rate(3, window_s=60)
        .and_signing(
            permission.typed_data(
                EXCHANGE,
                ORDER,
                name="Exchange",
                version=None,
                where=[
                    permission.field_one_of("maker", [GAME, EXCHANGE]),
                    permission.field_at_most("amount", 9),
                    permission.field_equals("amount", 5),
                ],
            ),
            permission.message("Sign in as ", ""),
            permission.message("Hello"),
        )
        .with_scopes("orders:write", "orders:read")
        .with_scopes("orders:read")
        .bound_to("0x" + "22" * 20)
    )
    whole = draft.on(CHAIN, now=1_800_000_000)
    game, exchange = b"\x11" * 20, b"\x33" * 20
    assert whole.wide_rules == (
        WideRule(game),
        WideRule(exchange, payable=True),
        WideRule(ANYTHING),
    )
    assert whole.rate == Rate(3, 60)
    assert whole.messages == (MessageTemplate(("Hello",)), MessageTemplate(("Sign in as ", "")))
    makers = (int.from_bytes(game), int.from_bytes(exchange))
    assert whole.typed_data == (
        TypedDataTemplate(
            "Exchange",
            None,
            exchange,
            ORDER,
            (
                FieldConstraint(("amount",), Operator.AT_MOST, (9,)),
                FieldConstraint(("amount",), Operator.EQUALS, (5,)),
                FieldConstraint(("maker",), Operator.ONE_OF, makers),
            ),
        ),
    )
    assert whole.scopes == ("orders:read", "orders:write")
    assert server_only(whole) == ("rate", "messages", "typed_data", "scopes")
    assert isinstance(compile_grant(whole, key=KEY, salt=0), bytes)


def test_what_only_a_server_can_keep_needs_its_relayer() -> None:
    """A draft that nobody bound is well formed, and is no chain session."""
    draft = permission.build([permission.function(GAME, "play()")], to=ANYTHING, expires_in=60)
    whole = draft.at_a_rate(1, window_s=60).on(CHAIN, now=1_800_000_000)
    problem = compile_grant(whole, key=KEY, salt=0)
    assert isinstance(problem, NotOnChain)
    assert problem.caveat == "rate"


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda: permission.any_function("0x11"), "target"),
        (lambda: permission.typed_data("0x11", ORDER, name=None, version=None), "contract"),
        (lambda: permission.field_equals("maker", "0x11"), "maker"),
    ],
)
def test_a_mistyped_address_is_refused_with_its_place(make: object, place: str) -> None:
    """Before anything is asked of a server."""
    with pytest.raises(Malformed, match=place) as refused:
        make()  # type: ignore[operator]  # each is a function
    assert refused.value.code is Code.MALFORMED_PERMISSION
