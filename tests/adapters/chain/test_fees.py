"""What is offered, from what the last blocks took."""

from __future__ import annotations

import pytest

from valetkey.adapters.chain.evm import FeePolicy
from valetkey.core.chain import Fees
from valetkey.core.errors import ChainRejected, Code, Unavailable

GWEI = 10**9
POLICY = FeePolicy(
    priority_floor_wei=10,
    priority_ceiling_wei=1000,
    max_fee_floor_wei=100,
    max_fee_ceiling_wei=10_000,
)


def history(next_base_wei: int, *tips_wei: int) -> dict[str, object]:
    """Return an answer to ``eth_feeHistory``."""
    return {
        "baseFeePerGas": [hex(1)] * len(tips_wei) + [hex(next_base_wei)],
        "reward": [[hex(tip)] for tip in tips_wei],
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (history(200, 20, 40, 30), Fees(max_fee_wei=430, priority_fee_wei=30)),
        (history(200), Fees(max_fee_wei=410, priority_fee_wei=10)),  # nobody paid: the floor
        (history(200, 0, 0), Fees(max_fee_wei=410, priority_fee_wei=10)),
        (history(200, 5000), Fees(max_fee_wei=1400, priority_fee_wei=1000)),  # never above
        (history(0, 20), Fees(max_fee_wei=100, priority_fee_wei=20)),  # gas costs nothing: floor
        (history(8000, 20), Fees(max_fee_wei=10_000, priority_fee_wei=20)),  # never above
        (
            {"baseFeePerGas": ["0x1"], "reward": [[], ["0x14"]]},
            Fees(max_fee_wei=100, priority_fee_wei=20),
        ),
    ],
)
def test_an_offer_stays_within_bounds(given: dict[str, object], expected: Fees) -> None:
    """Twice the next base fee and the middle tip, each between its floor and its ceiling."""
    assert POLICY.offer(given) == expected


def test_a_chain_above_the_ceiling_is_not_used() -> None:
    """Rather than a transaction that would never be mined."""
    with pytest.raises(ChainRejected, match="above the ceiling") as refused:
        POLICY.offer(history(9_995, 20))
    assert refused.value.code is Code.CHAIN_REJECTED
    assert refused.value.facts == {"base_fee_wei": 9_995, "ceiling_wei": 10_000}


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"baseFeePerGas": [], "reward": []},
        {"baseFeePerGas": ["0x1"]},
        {"baseFeePerGas": "0x1", "reward": []},
        {"baseFeePerGas": [1], "reward": []},
        {"baseFeePerGas": ["0x1"], "reward": ["0x1"]},
        {"baseFeePerGas": ["0x1"], "reward": [["-0x1"]]},
    ],
)
def test_a_history_of_another_form_makes_the_node_unusable(given: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(Unavailable) as unusable:
        POLICY.offer(given)
    assert unusable.value.code is Code.CHAIN_UNREACHABLE
