"""Typed data whose effect on tokens is known, and the kinds of it that move value elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from valetkey.core.permission.model import TypedDataTemplate

_AUTHORIZATION: Final = (
    "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce"
)

# Signed for a token, it moves or approves that token and nothing else.
_OF_THE_TOKEN: Final = frozenset(
    (
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
        "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)",
        f"TransferWithAuthorization({_AUTHORIZATION})",
        f"ReceiveWithAuthorization({_AUTHORIZATION})",
    )
)

# Signed for a contract that was approved before, it moves whatever was: Permit2, exchanges.
_OF_APPROVALS: Final = frozenset(
    (
        "PermitSingle",
        "PermitBatch",
        "PermitTransferFrom",
        "PermitBatchTransferFrom",
        "PermitWitnessTransferFrom",
        "PermitBatchWitnessTransferFrom",
        "Order",
        "OrderComponents",
        "BulkOrder",
        "OrderStructure",
    )
)


def primary_type(template: TypedDataTemplate) -> str:
    """Return the name of the structure that is signed."""
    return template.type.partition("(")[0]


def moves_own_token(template: TypedDataTemplate) -> bool:
    """Say whether what is signed moves the token that it is signed for, and nothing else."""
    return template.type in _OF_THE_TOKEN


def moves_value(template: TypedDataTemplate) -> bool:
    """Say whether what is signed is known to move value; of any other it is not known."""
    return moves_own_token(template) or primary_type(template) in _OF_APPROVALS
