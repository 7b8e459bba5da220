"""ERC-7710: redeeming sessions as delegations, sent by the session key itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from valetkey.spec.keccak import keccak256

__all__ = [
    "BATCH",
    "SINGLE",
    "Execution",
    "Redemption",
    "batch",
    "permission_context",
    "redeem_calldata",
    "single",
]

SINGLE: Final = bytes(32)
"""ERC-7579: one call, revert on failure."""
BATCH: Final = b"\1".ljust(32, b"\0")
"""ERC-7579: several calls, revert on failure."""

_WORD: Final = 32
_FIRST_USE: Final = 1 << 15


@dataclass(frozen=True, slots=True)
class Execution:
    """
    One call that the redeemer asks for, in full.

    Attributes:
        target: 20 bytes.
        value_wei: Native value.
        data: Its input, selector included.
    """

    target: bytes
    value_wei: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Redemption:
    """
    One session's part of a redemption.

    Attributes:
        context: From `permission_context`.
        mode: `SINGLE` or `BATCH`.
        data: From `single` or `batch`.
    """

    context: bytes
    mode: bytes
    data: bytes


def permission_context(
    grant: bytes, rules: Sequence[int], *, owner_signature: bytes | None = None
) -> bytes:
    """
    Return what proves the redeemer's authority.

    Args:
        grant: Packed, in the open form if its rules are in a tree.
        rules: For each call, the index of the rule that it is under.
        owner_signature: 65 bytes over the grant, when this may be its first use.
    """
    head = len(grant) | (_FIRST_USE if owner_signature is not None else 0)
    return head.to_bytes(2, "big") + grant + bytes(rules) + (owner_signature or b"")


def single(execution: Execution) -> bytes:
    """Return the execution data of one call."""
    return execution.target + execution.value_wei.to_bytes(_WORD, "big") + execution.data


def batch(executions: Sequence[Execution]) -> bytes:
    """Return the execution data of several calls."""
    rows = [(one.target, one.value_wei, one.data) for one in executions]
    return encode(["(address,uint256,bytes)[]"], [rows])


def redeem_calldata(redemptions: Sequence[Redemption]) -> bytes:
    """Return the calldata with which a session key makes the calls of *redemptions* or none."""
    columns = (
        [one.context for one in redemptions],
        [one.mode for one in redemptions],
        [one.data for one in redemptions],
    )
    selector = keccak256(b"redeemDelegations(bytes[],bytes32[],bytes[])")[:4]
    return selector + encode(["bytes[]", "bytes32[]", "bytes[]"], columns)
