"""What a chain shows and takes: transactions, receipts, fees and the state of a grant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GrantStage(StrEnum):
    """What the account's contract says about a grant. ``UNKNOWN`` was never enabled."""

    UNKNOWN = "unknown"
    OPEN = "open"
    FROZEN = "frozen"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Counter:
    """What one cap has counted; ``window`` is 0 for a lifetime cap."""

    spent: int
    window: int


@dataclass(frozen=True, slots=True)
class GrantState:
    """The slots of one grant, as the chain keeps them."""

    stage: GrantStage
    calls: int
    nonce_base: int
    nonce_bitmap: int
    counters: tuple[Counter, ...]
    freeze_sequence: int

    def is_nonce_free(self, nonce: int) -> bool:
        """Say whether a run may still use *nonce*."""
        ahead = nonce - self.nonce_base
        if ahead < 0 or ahead > NONCE_REACH:
            return False
        return ahead == 0 or not self.nonce_bitmap >> (ahead - 1) & 1


NONCE_REACH = 30


@dataclass(frozen=True, slots=True)
class CloneState:
    """Who a clone belongs to now (20 bytes), and the epoch in which its grants live."""

    owner: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block."""

    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Fees:
    """What a transaction has to offer now, in wei per gas (EIP-1559)."""

    max_fee_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True)
class Authorization:
    """An account's signed wish to run the code at *delegate* (EIP-7702)."""

    chain_id: int
    delegate: bytes
    nonce: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Transaction:
    """
    Everything of a transaction but its signature.

    Args:
        sender: 20 bytes, the relayer or the stopper.
        to: 20 bytes.
        fee: The ceiling that the sponsor reserved is ``gas_limit * max_fee_wei``.
        authorizations: Not empty makes it an EIP-7702 transaction.
    """

    sender: bytes
    nonce: int
    to: bytes
    value_wei: int
    data: bytes
    gas_limit: int
    fees: Fees
    authorizations: tuple[Authorization, ...] = ()

    def ceiling_wei(self) -> int:
        """Return the most that this transaction can cost its sender, value included."""
        return self.gas_limit * self.fees.max_fee_wei + self.value_wei


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The bytes to send, and the 32-byte hash under which the chain will know them."""

    raw: bytes
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """
    What a contract said in a transaction.

    Args:
        address: 20 bytes: which contract.
        topics: 32 bytes each.
        index: In its block.
    """

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a mined transaction ended. ``confirmations`` is at least 1."""

    tx_hash: bytes
    succeeded: bool
    block_number: int
    block_at: int
    gas_used: int
    fee_wei: int
    confirmations: int
