"""What a transaction should offer, from what the last blocks took."""

from __future__ import annotations

from dataclasses import dataclass

from valetkey.adapters.chain.evm import answers
from valetkey.core.chain import Fees
from valetkey.core.errors import ChainRejected, Code, Unavailable

_GWEI = 10**9
HISTORY_BLOCKS = 5
HISTORY_PERCENTILE = 50


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """
    The bounds of what we offer, in wei per gas.

    Args:
        priority_floor_wei: Offered even where nobody offers anything.
        priority_ceiling_wei: Never offered more, whatever others do.
        max_fee_floor_wei: The least ceiling, for chains whose base fee has fallen to nothing.
        max_fee_ceiling_wei: A dearer chain is not used at all.
        base_fee_factor: The ceiling covers this many times the next base fee. It can grow by an
            eighth per block, so 2 holds for six full blocks.
    """

    priority_floor_wei: int = 1_000_000
    priority_ceiling_wei: int = 5 * _GWEI
    max_fee_floor_wei: int = 10_000_000
    max_fee_ceiling_wei: int = 500 * _GWEI
    base_fee_factor: int = 2

    def offer(self, history: object) -> Fees:
        """
        Return what to offer after *history*, an answer to ``eth_feeHistory``.

        Raises:
            ChainRejected: The next block costs more than the ceiling.
            Unavailable: *history* has another form.
        """
        base_fees = answers.items(answers.member(history, "baseFeePerGas"), "baseFeePerGas")
        if not base_fees:
            raise Unavailable(Code.CHAIN_UNREACHABLE, "the node has no fee history")
        next_base_wei = answers.quantity(base_fees[-1], "baseFeePerGas")
        priority_wei = self._priority_wei(history)
        if next_base_wei + priority_wei > self.max_fee_ceiling_wei:
            raise ChainRejected(
                Code.CHAIN_REJECTED,
                f"gas costs {next_base_wei} wei now, above the ceiling of"
                f" {self.max_fee_ceiling_wei} wei",
                base_fee_wei=next_base_wei,
                ceiling_wei=self.max_fee_ceiling_wei,
            )
        max_fee_wei = max(
            self.base_fee_factor * next_base_wei + priority_wei, self.max_fee_floor_wei
        )
        return Fees(
            max_fee_wei=min(max_fee_wei, self.max_fee_ceiling_wei), priority_fee_wei=priority_wei
        )

    def _priority_wei(self, history: object) -> int:
        """Return the middle of what the last blocks' middle transactions paid, within bounds."""
        rewards = answers.items(answers.member(history, "reward"), "reward")
        paid = sorted(
            answers.quantity(block[0], "reward")
            for block in (answers.items(entry, "reward") for entry in rewards)
            if block
        )
        middle = paid[len(paid) // 2] if paid else 0
        return min(max(middle, self.priority_floor_wei), self.priority_ceiling_wei)
