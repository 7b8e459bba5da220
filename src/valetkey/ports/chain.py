"""What a flow needs from a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valetkey.core.chain import (
        CloneState,
        Fees,
        GrantState,
        Head,
        Log,
        Receipt,
        SignedTransaction,
        Transaction,
    )


class Chain(Protocol):
    """
    One EVM chain through its node.

    Every coroutine raises `Unavailable` (``chain_unreachable``) when the node does not answer in
    time, and `ChainRejected` when it answers no.
    """

    chain: str  # CAIP-2, such as ``eip155:31337``
    chain_id: int
    implementation: bytes  # 20 bytes: the deployed `Account`

    async def head(self, *, confirmations: int = 1) -> Head:
        """Return the newest block that has so many *confirmations*; the very newest has 1."""

    async def node_time(self) -> int | None:
        """Return what the node says the time is, in Unix seconds; None if it does not say."""

    async def fees(self) -> Fees:
        """Return what a transaction sent now should offer."""

    async def simulate(self, transaction: Transaction) -> int:
        """
        Return the gas that *transaction* would use on top of the newest block.

        Its ``nonce``, ``gas_limit`` and ``fees`` are not looked at.

        Raises:
            ChainRejected: It would revert; the code is the contract's refusal, or
                ``call_reverted`` with the target's own reason in the detail.
        """

    def digest(self, transaction: Transaction) -> bytes:
        """Return the 32 bytes that the sender signs."""

    def seal(self, transaction: Transaction, signature: bytes) -> SignedTransaction:
        """Put *signature* (65 bytes: r, s, recovery id 0 or 1) to *transaction*."""

    async def send(self, raw: bytes) -> None:
        """
        Hand *raw* to the node. Sending the same bytes again is no error.

        Raises:
            ChainRejected: ``nonce_used`` if the sender's nonce is already mined,
                ``chain_rejected`` otherwise (fee too low, no funds, …).
        """

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return how *tx_hash* ended, or None while it is not mined."""

    async def logs(self, tx_hash: bytes) -> tuple[Log, ...]:
        """Return what contracts said in *tx_hash*, in order; nothing while it is not mined."""

    async def transaction_count(self, address: bytes) -> int:
        """Return the number of mined transactions of *address*: its next nonce."""

    async def next_nonce(self, address: bytes) -> int:
        """Return the nonce behind those of *address* that are mined or wait at the node."""

    async def has_code(self, address: bytes) -> bool:
        """Say whether a contract, or a delegation to one, is at *address*."""

    async def grant_state(
        self, account: bytes, grant_id: bytes, *, counters: int, epoch: int | None = None
    ) -> GrantState:
        """
        Return the slots of *grant_id* on *account*, with *counters* cap counters (0 to 8).

        Args:
            epoch: Of a clone: the one that the grant is signed over. In a later one it is revoked.
        """

    async def clone_state(self, account: bytes) -> CloneState | None:
        """Return who the clone at *account* belongs to; None while nothing is there."""

    async def clones_of(self, factory: bytes) -> bytes | None:
        """Return the code (20 bytes) that clones of *factory* run; None if it makes none."""

    async def epoch(self, account: bytes) -> int:
        """Return the epoch that a grant of *account* is signed over; 0 without a delegation."""

    async def delegate_of(self, address: bytes) -> bytes | None:
        """Return the 20 bytes that *address* delegates to (EIP-7702), or None."""

    async def checks_p256(self) -> bool:
        """Say whether the chain can check signatures of P-256 keys (EIP-7951)."""

    async def balance(self, address: bytes) -> int:
        """Return the balance of *address* in wei."""

    async def call(self, to: bytes, data: bytes, *, gas: int) -> bytes:
        """
        Return what *to* answers to *data* on top of the newest block; nothing is changed.

        Raises:
            ChainRejected: ``call_reverted``: it reverts, or needs more *gas*.
        """

    async def token_balance(self, token: bytes, holder: bytes) -> int:
        """Return the ERC-20 balance of *holder*, in the token's smallest unit."""

    async def token_decimals(self, token: bytes) -> int | None:
        """Return what ``decimals()`` of *token* says, or None if it says nothing of the kind."""

    async def allowance(self, token: bytes, owner: bytes, spender: bytes) -> int:
        """
        Return how much of *token* *spender* may take from *owner*, in its smallest unit.

        Raises:
            ChainRejected: ``call_reverted``: it does not answer as an ERC-20.
        """
