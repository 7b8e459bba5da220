"""Functions whose effect on tokens is known: which argument is the amount, which the recipient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.model import SELECTOR_BYTES
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.model import Call

_WORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Effect:
    """What a call moves or approves, by argument index. ``approves`` leaves power behind."""

    function: str
    amount: int
    recipient: int
    approves: bool = False


def selector_of(function: str) -> bytes:
    """Return the 4 bytes that name *function*, such as ``transfer(address,uint256)``."""
    return keccak256(function.encode())[:SELECTOR_BYTES]


_KNOWN: Final = (
    Effect("transfer(address,uint256)", amount=1, recipient=0),
    Effect("transferFrom(address,address,uint256)", amount=2, recipient=1),
    Effect("approve(address,uint256)", amount=1, recipient=0, approves=True),
    Effect("increaseAllowance(address,uint256)", amount=1, recipient=0, approves=True),
)

EFFECTS: Final = {selector_of(effect.function): effect for effect in _KNOWN}


def moved(calls: Sequence[Call]) -> dict[bytes | None, int]:
    """
    Return how much *calls* move or approve, by asset; None is native value.

    Calls with an unknown effect count for their native value alone.
    """
    amounts: dict[bytes | None, int] = {}
    for call in calls:
        if call.value_wei:
            amounts[None] = amounts.get(None, 0) + call.value_wei
        effect = EFFECTS.get(call.selector) if call.selector else None
        if effect is not None:
            start = effect.amount * _WORD_BYTES
            word = call.arguments[start : start + _WORD_BYTES]
            amount = int.from_bytes(word.ljust(_WORD_BYTES, b"\0"))  # as the EVM reads past the end
            amounts[call.to] = amounts.get(call.to, 0) + amount
    return amounts
