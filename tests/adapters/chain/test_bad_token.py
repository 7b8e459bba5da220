"""A token that does not answer as one costs a question, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from valetkey.core.errors import ChainRejected, Code
from valetkey.devchain import create

if TYPE_CHECKING:
    from valetkey.adapters.chain.evm import EvmChain
    from valetkey.devchain import Deployment, Node

pytest_plugins = ("tests.chains",)

LOOP: Final = bytes.fromhex("5b5f56")  # burns all gas that it is given
BOMB: Final = bytes.fromhex("622f00005ff3")  # answers with 3 MB, more than we read
HOLDER: Final = b"\x77" * 20


def making(runtime: bytes) -> bytes:
    """Return the code that creates a contract of *runtime*."""
    size = f"{len(runtime):02x}"
    return bytes.fromhex(f"60{size}600c60003960{size}6000f3") + runtime


@pytest.mark.parametrize("runtime", [LOOP, BOMB])
async def test_a_token_that_burns_or_floods_is_none(
    chain: EvmChain, deployment: Deployment, node: Node, runtime: bytes
) -> None:
    """What it does is its own word, not the node's: others are asked all the same."""
    token = create(node.rpc, deployment.deployer, making(runtime))
    assert await chain.token_decimals(token) is None
    with pytest.raises(ChainRejected) as refused:
        await chain.allowance(token, HOLDER, HOLDER)
    assert refused.value.code is Code.CALL_REVERTED
