"""What may be signed as the account: texts with holes, and typed data."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, field

from valetkey.core.errors import Code
from valetkey.core.permission.check_signing import (
    MAX_DOMAIN_CHARS,
    MAX_FIELD_CONSTRAINTS,
    MAX_PIECES,
    MAX_TEMPLATE_CHARS,
    MAX_TYPE_CHARS,
)
from valetkey.core.permission.model import MessageTemplate, TypedDataTemplate
from valetkey.wire.base import Address, Asked, hexed, read_address
from valetkey.wire.constraint import (
    FieldConstraintDocument,
    read_field_constraint,
    write_field_constraint,
)

_BAD: Final = Code.MALFORMED_PERMISSION

Piece = Annotated[str, Meta(max_length=MAX_TEMPLATE_CHARS)]
DomainText = Annotated[str, Meta(max_length=MAX_DOMAIN_CHARS)]


class MessageDocument(Asked, frozen=True, kw_only=True):
    """
    A text that may be signed (EIP-191).

    Args:
        text: Its fixed pieces. Between two of them stand one or more printable characters.
    """

    text: Annotated[list[Piece], Meta(min_length=1, max_length=MAX_PIECES)]


class TypedDataDocument(Asked, frozen=True, kw_only=True):
    """
    Typed data that may be signed (EIP-712): one structure of one contract on the chain.

    Args:
        name, version: Of the domain; left out where the domain has none.
        type: As ``encodeType`` writes it, such as ``Order(address maker,uint256 amount)``.
    """

    name: DomainText | None = None
    version: DomainText | None = None
    verifying_contract: Address
    type: Annotated[str, Meta(max_length=MAX_TYPE_CHARS)]
    where: Annotated[list[FieldConstraintDocument], Meta(max_length=MAX_FIELD_CONSTRAINTS)] = field(
        default_factory=list
    )


def read_message(message: MessageDocument) -> MessageTemplate:
    """Return the text with holes that *message* writes."""
    return MessageTemplate(tuple(message.text))


def read_typed_data(where: str, typed: TypedDataDocument) -> TypedDataTemplate:
    """Return the template that *typed* writes, its constraints sorted."""
    constraints = [
        read_field_constraint(f"{where}.where[{index}]", one)
        for index, one in enumerate(typed.where)
    ]
    return TypedDataTemplate(
        name=typed.name,
        version=typed.version,
        verifying_contract=read_address(
            typed.verifying_contract, f"{where}.verifying_contract", code=_BAD
        ),
        type=typed.type,
        where=tuple(sorted(constraints, key=lambda one: one.key)),
    )


def write_message(message: MessageTemplate) -> MessageDocument:
    """Return the document of *message*."""
    return MessageDocument(text=list(message.text))


def write_typed_data(typed: TypedDataTemplate) -> TypedDataDocument:
    """Return the document of *typed*."""
    return TypedDataDocument(
        name=typed.name,
        version=typed.version,
        verifying_contract=hexed(typed.verifying_contract),
        type=typed.type,
        where=[write_field_constraint(one) for one in typed.where],
    )
