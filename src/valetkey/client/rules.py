"""The parts of a permission: functions and payments, limits on arguments, caps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.client.values import Address, Amount, read_address, read_amount, word_of
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import MAX_DECIMALS, NATIVE_DECIMALS
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Cap, Constraint, Operator, Rule, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE: Final = Code.MALFORMED_PERMISSION


@dataclass(frozen=True, slots=True)
class PerWindow:
    """
    At most *limit* in each span of *window_s* seconds, counted from the start.

    >>> PerWindow("5", window_s=86_400)  # 5 a day
    """

    limit: Amount
    window_s: int


def function(
    target: Address, signature: str, *, where: Iterable[Constraint] = (), payable: bool = False
) -> Rule:
    """
    Allow one function of one contract.

    >>> function("0x…", "approve(address,uint256)", where=[equals(0, "0x…"), at_most(1, 100)])

    Args:
        signature: With argument types, without spaces: ``transfer(address,uint256)``.
        where: Limits on arguments; all of them must hold.
        payable: Whether the call may carry native value.
    """
    return Rule(
        target=read_address(target, where="target", code=_CODE),
        selector=selector_of(signature),
        function=signature,
        payable=payable,
        where=tuple(where),
    )


def payment(target: Address) -> Rule:
    """Allow native value to *target*, without calldata."""
    return Rule(target=read_address(target, where="target", code=_CODE), selector=None)


def equals(argument: int, value: Address | int) -> Constraint:
    """Let a call through if word *argument* behind the selector is *value*."""
    word = word_of(value, where=f"argument {argument}", code=_CODE)
    return Constraint(argument, Operator.EQUALS, (word,))


def one_of(argument: int, values: Iterable[Address | int]) -> Constraint:
    """Let a call through if word *argument* behind the selector is one of *values*."""
    where = f"argument {argument}"
    words = {word_of(value, where=where, code=_CODE) for value in values}
    return Constraint(argument, Operator.ONE_OF, tuple(sorted(words)))


def at_most(argument: int, value: int) -> Constraint:
    """Let a call through if word *argument* behind the selector is at most *value*."""
    word = word_of(value, where=f"argument {argument}", code=_CODE)
    return Constraint(argument, Operator.AT_MOST, (word,))


def token_cap(
    token: Address,
    *,
    decimals: int,
    lifetime: Amount | None = None,
    per_call: Amount | None = None,
    per_window: PerWindow | None = None,
) -> Cap:
    """Bound how much of *token* may be moved or approved."""
    asset = read_address(token, where="token", code=_CODE)
    return _cap(asset, decimals, lifetime, per_call, per_window)


def native_cap(
    *,
    lifetime: Amount | None = None,
    per_call: Amount | None = None,
    per_window: PerWindow | None = None,
) -> Cap:
    """Bound how much native value may be moved."""
    return _cap(None, NATIVE_DECIMALS, lifetime, per_call, per_window)


def _cap(
    asset: bytes | None,
    decimals: int,
    lifetime: Amount | None,
    per_call: Amount | None,
    per_window: PerWindow | None,
) -> Cap:
    if not 0 <= decimals <= MAX_DECIMALS:
        raise Malformed(_CODE, f"decimals: expected 0 to {MAX_DECIMALS}, got {decimals}")

    def read(value: Amount | None, where: str) -> int | None:
        return (
            None
            if value is None
            else read_amount(value, decimals=decimals, where=where, code=_CODE)
        )

    limit = read(per_window.limit if per_window else None, "per_window.limit")
    window = None if per_window is None or limit is None else Window(limit, per_window.window_s)
    return Cap(asset, decimals, read(per_call, "per_call"), read(lifetime, "lifetime"), window)
