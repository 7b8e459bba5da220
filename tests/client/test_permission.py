"""Permissions as people write them: human amounts, checked addresses, nothing implied."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valetkey import Malformed, permission
from valetkey.client.permission import EARLY_S
from valetkey.client.values import read_amount
from valetkey.core.errors import Code
from valetkey.core.permission.compile import compile_grant
from valetkey.core.permission.model import (
    ANYTHING,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.core.units import format_amount

TOKEN = "0x" + "aa" * 20
SHOP = "0x" + "11" * 20
BOOTH = "0x" + "22" * 20
CHAIN = "eip155:31337"
NOW = 1_800_000_000
BAD = Code.MALFORMED_PERMISSION


def test_transfers_become_one_rule_one_cap_and_sorted_recipients() -> None:
    """The example of the documentation means exactly this."""
    draft = permission.erc20_transfers(
        TOKEN, decimals=6, to=[BOOTH, SHOP, SHOP], lifetime="20", expires_in=3600
    )
    token = bytes.fromhex("aa" * 20)
    assert draft.on(CHAIN, now=NOW) == Permission(
        chain=CHAIN,
        rules=(Rule(token, bytes.fromhex("a9059cbb"), "transfer(address,uint256)"),),
        caps=(Cap(token, 6, lifetime=20_000_000),),
        starts_at=NOW - EARLY_S,
        expires_at=NOW + 3600,
        recipients=(b"\x11" * 20, b"\x22" * 20),
    )


def test_every_kind_of_limit_can_be_written() -> None:
    """Per call, per window and for the whole life, each in whole units."""
    draft = permission.erc20_transfers(
        TOKEN,
        decimals=6,
        to=permission.ANYTHING,
        per_call="0.5",
        per_window=permission.PerWindow("5", window_s=86_400),
        lifetime=7,
        max_calls=3,
        expires_in=3600,
    )
    assert draft.caps[0].per_call == 500_000
    assert draft.caps[0].window == Window(5_000_000, 86_400)
    assert draft.caps[0].lifetime == 7
    assert (draft.max_calls, draft.recipients) == (3, ANYTHING)


def test_payments_name_their_targets() -> None:
    """A native payment has a rule for each payee, and its cap has 18 decimals."""
    draft = permission.native_payments(to=[SHOP, BOOTH], lifetime="0.1", expires_in=60)
    assert [rule.target.hex() for rule in draft.rules] == ["11" * 20, "22" * 20]
    assert draft.caps == (Cap(None, 18, lifetime=10**17),)
    assert draft.on(CHAIN, now=NOW).recipients == (b"\x11" * 20, b"\x22" * 20)


def test_a_permission_can_be_built_from_parts() -> None:
    """Any function, any constraint, several caps, a relayer and a fee budget."""
    rule = permission.function(
        TOKEN,
        "approve(address,uint256)",
        where=[permission.equals(0, SHOP), permission.at_most(1, 9), permission.one_of(2, [3, 1])],
    )
    draft = permission.build(
        [rule, permission.payment(SHOP)],
        caps=[
            permission.token_cap(TOKEN, decimals=6, lifetime="1"),
            permission.native_cap(lifetime="1"),
        ],
        to=[SHOP],
        expires_in=60,
    )
    whole = draft.bound_to(BOOTH, fee_budget_wei=5).starting(NOW).on(CHAIN, now=0)
    assert whole.rules[0].where == (
        Constraint(0, Operator.EQUALS, (int("11" * 20, 16),)),
        Constraint(1, Operator.AT_MOST, (9,)),
        Constraint(2, Operator.ONE_OF, (1, 3)),
    )
    assert (whole.starts_at, whole.relayer, whole.fee_budget_wei) == (NOW, b"\x22" * 20, 5)
    assert isinstance(compile_grant(whole, key=b"\x01" * 20, salt=0), bytes)


def test_an_empty_list_allows_nobody() -> None:
    """Only the explicit `ANYTHING` is everybody."""
    draft = permission.erc20_transfers(TOKEN, decimals=6, to=[], lifetime="1", expires_in=60)
    assert draft.recipients == ()


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("0x11", "bytes"),
        ("nobody", "hex"),
        ("0x" + "11" * 21, "bytes"),
        ("0xAa" + "bB" * 19, "checksum"),
    ],
)
def test_a_mistyped_address_is_refused(text: str, where: str) -> None:
    """Money does not go to an address that nobody meant."""
    with pytest.raises(Malformed, match=f"(?s)to\\[0\\].*{where}") as refused:
        permission.build([], to=[text], expires_in=60)
    assert refused.value.code is BAD


def test_one_address_is_not_a_list_of_them() -> None:
    """Text can be iterated; its characters are no addresses."""
    with pytest.raises(Malformed, match="expected a list of addresses"):
        permission.build([], to=SHOP, expires_in=60)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1.0000001", "at most 6 decimals"),
        ("-1", "expected text"),
        ("1e3", "expected text"),
        ("01", "expected text"),
        ("", "expected text"),
        (".5", "expected text"),
        (-1, "expected 0 to"),
        (1.5, "float"),
        (True, "bool"),
        (None, "NoneType"),
    ],
)
def test_an_amount_that_could_be_misread_is_refused(text: object, message: str) -> None:
    """No floats, no exponents, no rounding."""
    with pytest.raises(Malformed, match=message):
        read_amount(text, decimals=6, where="amount", code=BAD)  # type: ignore[arg-type]


@settings(deadline=None)  # the machine may be busy
@given(amount=st.integers(0, 2**128), decimals=st.integers(0, 40))
def test_an_amount_is_read_as_it_is_shown(amount: int, decimals: int) -> None:
    """What `explain` prints can be typed in again."""
    text = format_amount(amount, decimals=decimals)
    assert read_amount(text, decimals=decimals, where="amount", code=BAD) == amount


def test_a_draft_is_checked_when_it_becomes_whole() -> None:
    """What the server would refuse is refused before it is asked."""
    draft = permission.erc20_transfers(TOKEN, decimals=6, to=[SHOP], expires_in=60)
    with pytest.raises(Malformed, match="per_call, lifetime or window"):
        draft.on(CHAIN, now=NOW)
    with pytest.raises(Malformed, match="eip155"):
        permission.build([], to=[], expires_in=60).on("solana", now=NOW)
    with pytest.raises(Malformed, match="decimals"):
        permission.token_cap(TOKEN, decimals=78, lifetime="1")
