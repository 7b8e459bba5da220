"""An anvil for each test of the relayer: time, base fee and blocks are moved about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import Scene
from tests.flows.truth import check_books
from tests.worlds import RunningClock, connect, make_live_world, make_organization
from valetkey.config import Bounds
from valetkey.devchain import Engine, choose, deploy, launch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from valetkey.devchain import Deployment, Node

PATIENCE = Bounds(wait_s=10, run_deadline_s=600)


@pytest.fixture
def node() -> Iterator[Node]:
    """Run anvil: it has a pool of transactions, a base fee that can be set, and reorganisations."""
    choice = choose(Engine.ANVIL)
    assert choice is not None, "anvil is not installed: run `make node`"
    with launch(choice) as running:
        yield running


@pytest.fixture
def deployment(node: Node) -> Deployment:
    """Deploy the contracts."""
    return deploy(node.rpc)


@pytest.fixture
async def scene(node: Node, deployment: Deployment) -> AsyncIterator[Scene]:
    """Give a world on the running chain, which mines each transaction until it is told not to."""
    chain = connect(deployment)
    clock = RunningClock(-2.0)  # a chain may simulate on a block that is a second old
    world = await make_live_world(node, deployment, chain, clock=clock, bounds=PATIENCE)
    founded = await make_organization(world)
    made = Scene(world, world.clock, None, node.rpc, deployment, founded)  # type: ignore[arg-type]
    yield made
    await check_books(world)
    await chain.close()
