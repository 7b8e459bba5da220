"""What a node's receipt has to say to be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.chain.kit import node, told_all
from valetkey.core.errors import Unavailable

if TYPE_CHECKING:
    from valetkey.core.chain import Receipt

TX_HASH = b"\x22" * 32
RECEIPT = {
    "transactionHash": "0x" + TX_HASH.hex(),
    "blockNumber": "0x5",
    "blockHash": "0x" + "44" * 32,
    "status": "0x1",
    "gasUsed": "0x5208",
    "effectiveGasPrice": "0x2",
}
BLOCK = {"number": "0x5", "hash": "0x" + "44" * 32, "timestamp": "0x64"}


async def read_receipt(receipt: object, block: object = BLOCK) -> Receipt | None:
    """Return what the port makes of a node's *receipt* and *block*."""
    answers = {"eth_getTransactionReceipt": receipt, "eth_getBlockByNumber": block}
    async with node(told_all(answers)) as chain:
        return await chain.receipt(TX_HASH)


async def test_a_receipt_whose_block_was_replaced_is_none() -> None:
    """The block of that number has another hash: the transaction is not mined any more."""
    assert await read_receipt(RECEIPT) is not None
    assert await read_receipt(RECEIPT, {**BLOCK, "hash": "0x" + "55" * 32}) is None
    assert await read_receipt({**RECEIPT, "blockNumber": None}) is None


async def test_a_rollup_s_own_fee_is_part_of_the_fee() -> None:
    """OP-stack chains charge for data on layer 1 beside gas."""
    plain = await read_receipt(RECEIPT)
    rollup = await read_receipt({**RECEIPT, "l1Fee": "0x64"})
    assert plain
    assert rollup
    assert (plain.fee_wei, rollup.fee_wei) == (42_000, 42_100)


@pytest.mark.parametrize(
    "receipt",
    [
        "0x1",
        {**RECEIPT, "gasUsed": None},
        {name: value for name, value in RECEIPT.items() if name != "status"},
        {**RECEIPT, "l1Fee": "much"},
        {**RECEIPT, "blockNumber": 5},
        {**RECEIPT, "transactionHash": "0x" + "23" * 32},
    ],
    ids=["text", "no gas", "no status", "odd fee", "a number", "another"],
)
async def test_a_receipt_of_another_form_makes_the_node_unusable(receipt: object) -> None:
    """Nothing is guessed."""
    with pytest.raises(Unavailable, match="another form"):
        await read_receipt(receipt)
