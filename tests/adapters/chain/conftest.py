"""The adapter, connected to each local chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.adapters.chain.evm import EvmChain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment


@pytest.fixture
async def chain(deployment: Deployment) -> AsyncIterator[EvmChain]:
    """Return the port over the local chain."""
    chain = EvmChain(
        deployment.rpc_url,
        chain_id=deployment.chain_id,
        implementation=deployment.implementation,
        allow_private=True,
    )
    yield chain
    await chain.close()
