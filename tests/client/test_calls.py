"""Calls from what a person writes: encoded as the contract reads them, or refused."""

from __future__ import annotations

import pytest

from valetkey import Malformed, call, payment, permission, transfer
from valetkey.client.calls import units_of
from valetkey.core.errors import Code

TOKEN = "0x" + "aa" * 20
SHOP = "0x" + "11" * 20
PERMISSION = permission.erc20_transfers(
    TOKEN, decimals=6, to=[SHOP], lifetime="20", expires_in=60
).on("eip155:1", now=1_800_000_000)


def test_a_transfer_is_the_erc20_call() -> None:
    """Selector, recipient, amount; no native value."""
    made = transfer(TOKEN, SHOP, 5)
    assert made.to == b"\xaa" * 20
    assert made.value_wei == 0
    assert made.data.hex() == f"a9059cbb{'11' * 20:0>64}{5:064x}"


def test_a_payment_has_value_and_no_data() -> None:
    """Text is whole coins, an integer is wei."""
    assert payment(SHOP, "0.5").value_wei == 5 * 10**17
    assert payment(SHOP, 5).value_wei == 5
    assert payment(SHOP, 5).data == b""


def test_any_function_can_be_called() -> None:
    """Tuples and lists among the arguments, and none at all."""
    made = call(TOKEN, "f((address,uint256),bytes,uint8[2])", (SHOP, 1), b"ab", [1, 2], value_wei=9)
    assert made.value_wei == 9
    assert made.arguments[12:32] == b"\x11" * 20
    assert call(TOKEN, "pause()").data == call(TOKEN, "pause()").selector


@pytest.mark.parametrize(
    ("signature", "arguments"),
    [
        ("transfer", ()),
        ("transfer(address, uint256)", (SHOP, 1)),
        ("transfer(address,uint256)", (SHOP,)),
        ("transfer(address,uint256)", (SHOP, -1)),
        ("transfer(address,uint256)", ("0x11", 1)),
        ("transfer(address,number)", (SHOP, 1)),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    signature: str, arguments: tuple[object, ...]
) -> None:
    """Nothing half right is sent."""
    with pytest.raises(Malformed) as refused:
        call(TOKEN, signature, *arguments)
    assert refused.value.code is Code.MALFORMED_CALL


def test_an_amount_in_text_needs_decimals_that_were_agreed() -> None:
    """They are the permission's; a token that it does not name has none."""
    assert units_of(TOKEN, "1.5", PERMISSION) == 1_500_000
    assert units_of(SHOP, 7, PERMISSION) == 7
    with pytest.raises(Malformed, match="no cap names"):
        units_of(SHOP, "1.5", PERMISSION)
