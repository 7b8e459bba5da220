"""Calls that an account is to make, from what a person writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError, ParseError

from valetkey.client.values import Address, Amount, read_address, read_amount
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import NATIVE_DECIMALS
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission

__all__ = ["Call", "call", "payment", "transfer"]

_CODE: Final = Code.MALFORMED_CALL
_SIGNATURE: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\(([a-z0-9,()\[\]]*)\)")


def call(to: Address, signature: str, *arguments: object, value_wei: int = 0) -> Call:
    """
    Return a call of one function.

    >>> call("0x…", "approve(address,uint256)", "0x…", 100)

    Args:
        signature: With argument types, without spaces.
        arguments: As Python values: addresses as hex text, integers, bytes, lists.

    Raises:
        Malformed: The arguments do not fit the signature.
    """
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        detail = f"expected a signature such as transfer(address,uint256), got {signature[:60]!r}"
        raise Malformed(_CODE, detail)
    types = _split(found[1])
    try:
        data = selector_of(signature) + encode(types, arguments)
    except (EncodingError, ParseError, ValueError) as error:
        raise Malformed(_CODE, f"{signature}: {str(error)[:200]}") from None
    return Call(read_address(to, where="to", code=_CODE), value_wei, data)


def _split(types: str) -> list[str]:
    """Split at the commas that are not inside a tuple."""
    parts: list[str] = []
    depth = 0
    for character in types:
        if character == "," and depth == 0:
            parts.append("")
            continue
        depth += {"(": 1, ")": -1}.get(character, 0)
        parts[-1:] = [(parts[-1] if parts else "") + character]
    return parts


def transfer(token: Address, to: Address, amount: int) -> Call:
    """Return the transfer of *amount*, in the smallest unit, of an ERC-20 *token*."""
    recipient = read_address(to, where="to", code=_CODE)
    return call(token, "transfer(address,uint256)", recipient, amount)


def payment(to: Address, amount: Amount) -> Call:
    """Return a payment of native value: text is whole coins, an integer is wei."""
    value = read_amount(amount, decimals=NATIVE_DECIMALS, where="amount", code=_CODE)
    return Call(read_address(to, where="to", code=_CODE), value, b"")


def units_of(token: Address, amount: Amount, permission: Permission) -> int:
    """
    Return *amount* of *token* in its smallest unit, by the decimals that *permission* fixes.

    Raises:
        Malformed: It is text, and the permission says nothing of the token's decimals.
    """
    if isinstance(amount, int):
        return read_amount(amount, decimals=0, where="amount", code=_CODE)
    cap = permission.cap_on(read_address(token, where="token", code=_CODE))
    if cap is None:
        asset = f"0x{read_address(token, where='token', code=_CODE).hex()}"
        detail = f"amount: expected an integer in the smallest unit, for no cap names {asset}"
        raise Malformed(_CODE, detail)
    return read_amount(amount, decimals=cap.decimals, where="amount", code=_CODE)
