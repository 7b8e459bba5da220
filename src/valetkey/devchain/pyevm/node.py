"""A node over the ledger: takes transactions, makes blocks at once, answers what was mined."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from eth_utils.exceptions import ValidationError

from valetkey.devchain.pyevm import gas
from valetkey.devchain.pyevm.clock import BlockClock
from valetkey.devchain.pyevm.ledger import BLOCK_GAS_LIMIT, Ledger, Mined
from valetkey.devchain.pyevm.pool import Pool, Refused
from valetkey.devchain.pyevm.render import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from eth.abc import ComputationAPI, SignedTransactionAPI

    from valetkey.devchain.pyevm.ledger import Question

_TYPES = frozenset({0, 2, 4})


class Reverted(Exception):
    """A tried call ended with an error; *computation* has it."""

    def __init__(self, computation: ComputationAPI) -> None:
        super().__init__(str(computation.error))
        self.error = computation.error
        self.output: bytes = computation.output


class LocalNode:
    """
    A chain, its clock and what waits for a block.

    Args:
        balances: Wei by address, at genesis.
        now: Unix seconds.
    """

    def __init__(
        self, chain_id: int, balances: Mapping[bytes, int], now: Callable[[], int]
    ) -> None:
        self.chain_id = chain_id
        self.clock = BlockClock(now)
        self.ledger = Ledger(chain_id, balances, at=now())
        self.pool = Pool()
        self.mined: dict[bytes, Mined] = {}
        self.is_automining = True

    def send(self, raw: bytes) -> bytes:
        """
        Take *raw*, and make a block of it if it is its turn.

        Returns:
            Its hash.

        Raises:
            Refused: It is not taken.
        """
        transaction = self._decode(raw)
        state = self.ledger.state(-1)
        self._check(transaction, balance_wei=state.get_balance(transaction.sender))
        self.pool.add(transaction, next_nonce=state.get_nonce(transaction.sender))
        if self.is_automining:
            self.mine_waiting()
        tx_hash: bytes = transaction.hash
        return tx_hash

    def mine_waiting(self) -> None:
        """Make blocks, one for each transaction that is ready, until none is."""
        while ready := self.pool.take_ready(self.ledger):
            for transaction in ready:
                self._mine([transaction])

    def mine(self) -> None:
        """Make one block of all that is ready, and be it nothing."""
        ready = self.pool.take_ready(self.ledger)
        while not self._mine(ready):
            ready.pop()

    def attempt(self, question: Question, *, number: int | None) -> ComputationAPI:
        """
        Return how *question* goes after block *number*; with None, in the next block.

        Raises:
            Refused: It cannot even begin.
        """
        at = self.clock.peek(self.ledger.newest.timestamp)
        try:
            return self.ledger.attempt(question, number=number, at=at)
        except ValidationError as error:
            raise Refused(f"insufficient funds or an invalid transaction: {error}") from None

    def estimate(self, question: Question, *, number: int | None) -> int:
        """
        Return the gas limit that *question* needs.

        Raises:
            Refused: It cannot even begin.
            Reverted: It fails with any.
        """
        found = gas.needed(question, lambda asked: self.attempt(asked, number=number))
        if isinstance(found, int):
            return found
        raise Reverted(found)

    def median_tip_wei(self, number: int) -> int:
        """Return what the middle transaction of block *number* paid above the base fee, per gas."""
        tips = [each.tip_wei for each in self.ledger.blocks[number].mined]
        return statistics.median_low(tips) if tips else 0

    def _mine(self, transactions: Sequence[SignedTransactionAPI]) -> bool:
        """Make a block; say False, and change nothing, if one of *transactions* is impossible."""
        newest_at = self.ledger.newest.timestamp
        try:
            block = self.ledger.mine(transactions, at=self.clock.peek(newest_at))
        except ValidationError:
            return False
        self.clock.take(newest_at)
        for each in block.mined:
            self.mined[each.transaction.hash] = each
        return True

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            transaction = self.ledger.decode(raw)
            transaction.validate()
            transaction.check_signature_validity()
        except Exception:  # noqa: BLE001 - py-evm and rlp have many, and all mean this
            raise Refused("failed to decode transaction") from None
        if type_of(transaction) not in _TYPES:
            raise Refused("transaction type not supported")
        if transaction.chain_id != self.chain_id:
            raise Refused("invalid chain id for signer")
        return transaction

    def _check(self, transaction: SignedTransactionAPI, *, balance_wei: int) -> None:
        """Refuse what could not be in the next block, in go-ethereum's words."""
        least = max(transaction.intrinsic_gas, gas.floor(transaction.data))
        if transaction.gas > BLOCK_GAS_LIMIT:
            raise Refused("exceeds block gas limit")
        if transaction.gas < least:
            raise Refused("intrinsic gas too low")
        if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
            raise Refused("max priority fee per gas higher than max fee per gas")
        if transaction.max_fee_per_gas < self.ledger.next_base_fee_wei:
            raise Refused("max fee per gas less than block base fee")
        if balance_wei < transaction.gas * transaction.max_fee_per_gas + transaction.value:
            raise Refused("insufficient funds for gas * price + value")
