"""A real server on loopback, over a store in memory and a real local chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.cast import add_everybody
from tests.http.stage import Stage, staged
from valetkey.devchain import Deployment, Node, deploy, launch, pick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def live_node() -> Iterator[Node]:
    """Return the chain that this machine runs best."""
    with launch(pick()) as node:
        yield node


@pytest.fixture(scope="session")
def live_deployment(live_node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(live_node.rpc)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a served world that the tests of one module share; somebody of every kind is in it."""
    async with staged(live_node, live_deployment) as made:
        await add_everybody(made)
        yield made
