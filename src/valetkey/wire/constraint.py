"""Limits on one value, of a call's arguments or of a field in typed data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from valetkey.core.errors import Code
from valetkey.core.permission.model import Constraint, FieldConstraint, Operator
from valetkey.wire.base import (
    ADDRESS_BYTES,
    Asked,
    Integer,
    malformed,
    read_address,
    read_amount,
    read_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_BAD: Final = Code.MALFORMED_PERMISSION
_WORD_DIGITS: Final = 66
_ADDRESS_DIGITS: Final = 2 + 2 * ADDRESS_BYTES

Value = Annotated[
    str,
    Meta(
        description="32 bytes, an address, or a decimal integer.",
        extra_json_schema={"pattern": "^(0x[0-9a-fA-F]{64}|0x[0-9a-fA-F]{40}|0|[1-9][0-9]{0,77})$"},
    ),
]
Values = Annotated[list[Value], Meta(max_length=64)]
Comparison = Literal["equals", "one of", "at most"]


class ConstraintDocument(Asked, frozen=True, kw_only=True):
    """A limit on one argument: ``values`` are 32-byte words, addresses or decimal integers."""

    argument: Integer
    operator: Comparison
    values: Values


class FieldConstraintDocument(Asked, frozen=True, kw_only=True):
    """
    A limit on one field of typed data: ``values`` are words of ``encodeData``.

    Args:
        field: Names from the message down. A string or bytes are compared by their Keccak-256.
    """

    field: Annotated[list[str], Meta(min_length=1, max_length=8)]
    operator: Comparison
    values: Values


def read_constraint(where: str, constraint: ConstraintDocument) -> Constraint:
    """Return the limit on an argument that *constraint* writes, its values sorted."""
    return Constraint(
        argument=constraint.argument,
        operator=Operator(constraint.operator),
        values=_read_words(where, constraint.values),
    )


def read_field_constraint(where: str, constraint: FieldConstraintDocument) -> FieldConstraint:
    """Return the limit on a field that *constraint* writes, its values sorted."""
    return FieldConstraint(
        field=tuple(constraint.field),
        operator=Operator(constraint.operator),
        values=_read_words(where, constraint.values),
    )


def write_constraint(constraint: Constraint) -> ConstraintDocument:
    """Return the document of *constraint*."""
    return ConstraintDocument(
        argument=constraint.argument,
        operator=constraint.operator.value,
        values=_write_words(constraint.values),
    )


def write_field_constraint(constraint: FieldConstraint) -> FieldConstraintDocument:
    """Return the document of *constraint*."""
    return FieldConstraintDocument(
        field=list(constraint.field),
        operator=constraint.operator.value,
        values=_write_words(constraint.values),
    )


def _read_words(where: str, values: Sequence[str]) -> tuple[int, ...]:
    words = [_read_word(f"{where}.values[{index}]", text) for index, text in enumerate(values)]
    return tuple(sorted(words))


def _read_word(where: str, text: str) -> int:
    if not text.startswith("0x"):
        return read_amount(text, where, code=_BAD)
    if len(text) == _ADDRESS_DIGITS:
        return int.from_bytes(read_address(text, where, code=_BAD))
    if len(text) != _WORD_DIGITS:
        raise malformed(_BAD, where, "32 bytes, an address or a decimal integer", text)
    return int.from_bytes(read_bytes(text, where, code=_BAD))


def _write_words(values: Sequence[int]) -> list[str]:
    return [f"0x{value:064x}" for value in values]
