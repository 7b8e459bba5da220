"""What may be signed as the account: texts, and typed data of other people's contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valetkey.core.permission.model import Operator


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """
    A text that may be signed (EIP-191), with holes.

    Args:
        text: The fixed pieces, at least one. Between two pieces any one or more characters may
            stand, but no control characters, so no new line.
    """

    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldConstraint:
    """
    A limit on one field of typed data.

    Args:
        field: Names from the message down, such as ``("details", "amount")``.
        values: Words of ``encodeData`` as unsigned integers: a number, an address, or the Keccak-256
            of a string or of bytes. Exactly one unless the operator is ``ONE_OF``.
    """

    field: tuple[str, ...]
    operator: Operator
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TypedDataTemplate:
    """
    Typed data that may be signed (EIP-712): one structure of one contract.

    Args:
        name, version: Of the domain; None where the domain has none.
        verifying_contract: 20 bytes. The chain of the domain is the permission's.
        type: ``encodeType`` of the message, such as ``Order(address maker,uint256 amount)``.
        where: All of them must hold.
    """

    name: str | None
    version: str | None
    verifying_contract: bytes
    type: str
    where: tuple[FieldConstraint, ...] = ()


Template = MessageTemplate | TypedDataTemplate
