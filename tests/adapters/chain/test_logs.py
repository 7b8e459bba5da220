"""What contracts say in transactions, as nodes tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.chain.kit import node as told_by
from tests.adapters.chain.kit import told_all
from tests.adapters.chain.test_receipts import RECEIPT, TX_HASH
from valetkey.core.chain import Log
from valetkey.core.errors import Unavailable
from valetkey.devchain import mint

if TYPE_CHECKING:
    from valetkey.adapters.chain.evm import EvmChain
    from valetkey.devchain import Deployment, Node

pytest_plugins = ("tests.chains",)

NOBODY = b"\x77" * 20
LOG = {
    "address": "0x" + "66" * 20,
    "topics": ["0x" + "77" * 32],
    "data": "0x88",
    "logIndex": "0x3",
}


async def read_logs(receipt: object) -> tuple[Log, ...]:
    """Return what the port makes of the logs in a node's *receipt*."""
    async with told_by(told_all({"eth_getTransactionReceipt": receipt})) as chain:
        return await chain.logs(TX_HASH)


async def test_logs_are_read_in_order_and_nothing_is_said_of_what_is_not_mined() -> None:
    """Each with who said it."""
    said = Log(b"\x66" * 20, (b"\x77" * 32,), b"\x88", 3)
    assert await read_logs({**RECEIPT, "logs": [LOG, LOG]}) == (said, said)
    assert await read_logs({**RECEIPT, "logs": []}) == ()
    assert await read_logs(None) == ()


@pytest.mark.parametrize(
    "logs",
    [
        None,
        "0x",
        [None],
        [{**LOG, "address": "0x66"}],
        [{**LOG, "topics": ["0x77"]}],
        [{**LOG, "topics": "0x"}],
        [{**LOG, "data": 5}],
        [{**LOG, "logIndex": 3}],
    ],
)
async def test_logs_of_another_form_make_the_node_unusable(logs: object) -> None:
    """Nothing is guessed here either."""
    with pytest.raises(Unavailable, match="another form"):
        await read_logs({**RECEIPT, "logs": logs})


async def test_what_a_contract_says_is_read(
    chain: EvmChain, node: Node, deployment: Deployment
) -> None:
    """A token says from whom to whom, and how much; a plain payment says nothing."""
    done = mint(node.rpc, deployment, NOBODY, 7)
    (said,) = await chain.logs(done.tx_hash)
    assert said.address == deployment.token
    assert said.topics[2] == NOBODY.rjust(32, b"\0")
    assert int.from_bytes(said.data) == 7
    assert await chain.logs(b"\x01" * 32) == ()
