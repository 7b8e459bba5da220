"""Transactions that wait for a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eth.abc import SignedTransactionAPI

    from valetkey.devchain.pyevm.ledger import Ledger

_PER_SENDER = 64
_BUMP_PERCENT = 10


class Refused(Exception):
    """A transaction is not taken. The words are those of go-ethereum where it has some."""


class Pool:
    """What waits, by sender and nonce."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, dict[int, SignedTransactionAPI]] = {}

    def add(self, transaction: SignedTransactionAPI, *, next_nonce: int) -> None:
        """
        Let *transaction* wait.

        Raises:
            Refused: It is known, too late, too far ahead, or offers too little more than the one
                that it would replace.
        """
        mine = self._waiting.setdefault(transaction.sender, {})
        waiting = mine.get(transaction.nonce)
        if waiting is not None and waiting.hash == transaction.hash:
            raise Refused("already known")
        if transaction.nonce < next_nonce:
            raise Refused(f"nonce too low: next nonce {next_nonce}, tx nonce {transaction.nonce}")
        if transaction.nonce >= next_nonce + _PER_SENDER:
            raise Refused("nonce too high")
        if waiting is not None and not _outbids(transaction, waiting):
            raise Refused("replacement transaction underpriced")
        mine[transaction.nonce] = transaction

    def find(self, tx_hash: bytes) -> SignedTransactionAPI | None:
        """Return the waiting transaction with *tx_hash*."""
        for mine in self._waiting.values():
            for transaction in mine.values():
                if transaction.hash == tx_hash:
                    return transaction
        return None

    def next_nonce(self, sender: bytes, mined: int) -> int:
        """Return the first nonce that *sender* has neither mined nor waiting."""
        nonce = mined
        while nonce in self._waiting.get(sender, {}):
            nonce += 1
        return nonce

    def take_ready(self, ledger: Ledger) -> list[SignedTransactionAPI]:
        """Take out, sender by sender, what the next block can hold in the order of nonces."""
        state = ledger.state(-1)
        ready: list[SignedTransactionAPI] = []
        for sender, mine in self._waiting.items():
            nonce = state.get_nonce(sender)
            for late in [each for each in mine if each < nonce]:
                del mine[late]
            while nonce in mine and mine[nonce].max_fee_per_gas >= ledger.next_base_fee_wei:
                ready.append(mine.pop(nonce))
                nonce += 1
        return ready


def _outbids(new: SignedTransactionAPI, old: SignedTransactionAPI) -> bool:
    """Say whether *new* offers a tenth more than *old* in both fees."""
    pairs = (
        (new.max_fee_per_gas, old.max_fee_per_gas),
        (new.max_priority_fee_per_gas, old.max_priority_fee_per_gas),
    )
    return all(after * 100 >= before * (100 + _BUMP_PERCENT) for after, before in pairs)
