"""Typed data as values, and the grammar of its types."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ADDRESS_LENGTH",
    "ARRAY",
    "DOMAIN_FIELDS",
    "DOMAIN_NAME",
    "INTEGER",
    "MAX_DEPTH",
    "Field",
    "TypedData",
    "TypedDataError",
    "domain_fields",
    "is_atomic",
    "members_of",
    "name_of",
]

ADDRESS_LENGTH: Final = 20
MAX_DEPTH: Final = 32
ARRAY: Final = re.compile(r"(.+)\[([0-9]{0,9})\]\Z")
INTEGER: Final = re.compile(r"(u?int)([1-9][0-9]{0,2})\Z")
DOMAIN_NAME: Final = "EIP712Domain"
DOMAIN_FIELDS: Final = {
    "name": "string",
    "version": "string",
    "chainId": "uint256",
    "verifyingContract": "address",
    "salt": "bytes32",
}

_MAX_BITS: Final = 256
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_FIXED_BYTES: Final = re.compile(r"bytes([1-9]|[12][0-9]|3[0-2])\Z")


class TypedDataError(ValueError):
    """The typed data does not say what EIP-712 lets it say."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class TypedData:
    """
    A domain, a message and the types of both.

    Attributes:
        types: Struct name to members in order; ``EIP712Domain`` may be left out, it follows from
            the domain's keys.
        primary_type: The struct of *message*.
        domain: Any of ``name``, ``version``, ``chainId``, ``verifyingContract``, ``salt``.
        message: Values by field name; bytes and addresses as ``bytes``.
    """

    types: Mapping[str, Sequence[Field]]
    primary_type: str
    domain: Mapping[str, object]
    message: Mapping[str, object]


def domain_fields(typed: TypedData) -> tuple[Field, ...]:
    """
    Return the members of the domain's type, in the standard's order.

    Raises:
        TypedDataError: The domain, or its type where it is spelled out, has another field.
    """
    unknown = sorted(set(typed.domain) - set(DOMAIN_FIELDS))
    if unknown:
        raise TypedDataError(f"domain: expected fields of {sorted(DOMAIN_FIELDS)}, got {unknown}")
    implied = tuple(
        Field(name, kind) for name, kind in DOMAIN_FIELDS.items() if name in typed.domain
    )
    declared = typed.types.get(DOMAIN_NAME)
    if declared is not None and tuple(declared) != implied:
        names = [field.name for field in declared]
        raise TypedDataError(
            f"{DOMAIN_NAME}: expected {[field.name for field in implied]},"
            f" in this order and typed as in the standard, got {names}"
        )
    return implied


def members_of(name: str, types: Mapping[str, Sequence[Field]]) -> Sequence[Field]:
    """
    Return the members of struct *name*.

    Raises:
        TypedDataError: It is unknown, or a name in it is no identifier or stands twice.
    """
    if name not in types:
        raise TypedDataError(f"expected a type that is defined, got {name!r}")
    members = types[name]
    if not _IDENTIFIER.match(name) or not all(_IDENTIFIER.match(field.name) for field in members):
        raise TypedDataError(f"{name!r}: expected names that are identifiers")
    if len({field.name for field in members}) != len(members):
        raise TypedDataError(f"{name}: expected each field once, got one twice")
    return members


def is_atomic(kind: str) -> bool:
    """
    Say whether *kind* is one of the built-in types; any other is a struct's name.

    Raises:
        TypedDataError: It is an integer of a size that does not exist.
    """
    found = INTEGER.match(kind)
    if found:
        bits = int(found[2])
        if bits > _MAX_BITS or bits % 8:
            raise TypedDataError(f"expected an integer of 8 to 256 bits in steps of 8, got {kind}")
        return True
    return kind in {"bool", "address", "bytes", "string"} or bool(_FIXED_BYTES.match(kind))


def name_of(value: object) -> str:
    """Return the name of the type of *value*, for errors."""
    return type(value).__name__
