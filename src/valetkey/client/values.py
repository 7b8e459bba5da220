"""What a person writes, as what the permission language means: addresses, amounts, words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Malformed
from valetkey.core.units import UINT256_MAX
from valetkey.wire import base

if TYPE_CHECKING:
    from valetkey.core.errors import Code

Address = str | bytes
Amount = str | int

_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]{0,77})(?:\.([0-9]{1,77}))?")


def read_address(value: Address, *, where: str, code: Code) -> bytes:
    """
    Return the 20 bytes of an address.

    Args:
        value: 20 bytes, or ``0x`` and 40 hex digits; in mixed case it must carry its checksum.
        where: Named in the error.

    Raises:
        Malformed: With *code*: it is no address, or its checksum says that it was mistyped.
    """
    if isinstance(value, bytes):
        if len(value) != base.ADDRESS_BYTES:
            raise Malformed(code, f"{where}: expected 20 bytes, got {len(value)}")
        return value
    if not isinstance(value, str):
        kind = type(value).__name__
        raise Malformed(code, f"{where}: expected an address as text or bytes, got {kind}")
    return base.read_address(value, where, code=code)


def read_amount(value: Amount, *, decimals: int, where: str, code: Code) -> int:
    """
    Return an amount in the smallest unit.

    Args:
        value: Text is whole units as people write them (``"20"``, ``"0.5"``); an integer is the
            smallest unit.
        decimals: Digits of the whole unit.

    Raises:
        Malformed: With *code*: not a plain decimal, negative, or finer than the smallest unit.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _in_word(value, where=where, code=code)
    found = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        got = repr(value[:50]) if isinstance(value, str) else type(value).__name__
        expected = 'text such as "20" or "0.5", or an integer in the smallest unit'
        raise Malformed(code, f"{where}: expected {expected}, got {got}")
    whole, fraction = found[1], (found[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise Malformed(code, f"{where}: expected at most {decimals} decimals, got {value}")
    amount = int(whole) * 10**decimals + int(fraction.ljust(decimals, "0") or "0")
    return _in_word(amount, where=where, code=code)


def word_of(value: Address | int, *, where: str, code: Code) -> int:
    """
    Return the 32-byte word that stands for *value* in calldata, as an unsigned integer.

    Args:
        value: An integer (``True`` is 1) or an address.

    Raises:
        Malformed: With *code*: it fits no word.
    """
    if isinstance(value, int):
        return _in_word(int(value), where=where, code=code)
    return int.from_bytes(read_address(value, where=where, code=code))


def _in_word(value: int, *, where: str, code: Code) -> int:
    if not 0 <= value <= UINT256_MAX:
        raise Malformed(code, f"{where}: expected 0 to 2^256 - 1, got {value}")
    return value
