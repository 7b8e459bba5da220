"""The wide parts of a permission: any function, any call, and what may be signed as the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.client.values import Address, read_address, word_of
from valetkey.core.errors import Code
from valetkey.core.permission.model import (
    ANYTHING,
    FieldConstraint,
    MessageTemplate,
    Operator,
    TypedDataTemplate,
    WideRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_CODE: Final = Code.MALFORMED_PERMISSION


def any_function(target: Address, *, payable: bool = False) -> WideRule:
    """
    Allow every function of one contract, but those that may move value.

    >>> any_function("0x…")

    Args:
        payable: Whether calls may carry native value; the draft then needs a `native_cap`.
    """
    return WideRule(read_address(target, where="target", code=_CODE), payable=payable)


def any_call(*, payable: bool = False) -> WideRule:
    """Allow every call to whom no other rule names, but functions that may move value."""
    return WideRule(ANYTHING, payable=payable)


def message(*pieces: str) -> MessageTemplate:
    r"""
    Let a text be signed: the pieces in order, anything printable on one line between two of them.

    >>> message("Sign in to example.org as ", "\nNonce: ", "")
    """
    return MessageTemplate(pieces)


def typed_data(
    contract: Address,
    structure: str,
    *,
    name: str | None,
    version: str | None,
    where: Iterable[FieldConstraint] = (),
) -> TypedDataTemplate:
    """
    Let one structure of one contract be signed (EIP-712).

    >>> typed_data("0x…", "Order(address maker,uint256 amount)", name="Exchange", version="1",
    ...            where=[field_at_most("amount", 5)])

    Args:
        structure: As ``encodeType`` writes it, with all structures that it refers to.
        name, version: Of the domain; None where it has none.
        where: Limits on fields; all of them must hold.
    """
    return TypedDataTemplate(
        name=name,
        version=version,
        verifying_contract=read_address(contract, where="contract", code=_CODE),
        type=structure,
        where=tuple(sorted(where, key=lambda constraint: constraint.key)),
    )


def field_equals(field: str, value: Address | int) -> FieldConstraint:
    """
    Let typed data be signed if *field* is *value*.

    Args:
        field: Names from the message down with points between them, such as ``details.amount``.
    """
    return _field(field, Operator.EQUALS, [value])


def field_one_of(field: str, values: Iterable[Address | int]) -> FieldConstraint:
    """Let typed data be signed if *field* is one of *values*."""
    return _field(field, Operator.ONE_OF, values)


def field_at_most(field: str, value: int) -> FieldConstraint:
    """Let typed data be signed if the unsigned integer in *field* is at most *value*."""
    return _field(field, Operator.AT_MOST, [value])


def _field(field: str, operator: Operator, values: Iterable[Address | int]) -> FieldConstraint:
    words = {word_of(value, where=field, code=_CODE) for value in values}
    return FieldConstraint(tuple(field.split(".")), operator, tuple(sorted(words)))
