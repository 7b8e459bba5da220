"""A server that speaks Portal's format on a real local chain, and a browser beside it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.dialect_stage import Spoken, spoken
from tests.pages.browser import browsing, find_chromium
from tests.worlds import connect
from valetkey.core.wallet import Clones
from valetkey.devchain import Deployment, Node, deploy, launch, pick

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def portal_node() -> Iterator[Node]:
    """Return the chain that this machine runs best."""
    with launch(pick()) as node:
        yield node


@pytest.fixture(scope="session")
def portal_deployment(portal_node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(portal_node.rpc)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(portal_deployment: Deployment) -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    chain = connect(portal_deployment)
    made_by = Clones(portal_deployment.clone_factory, portal_deployment.clone_implementation)
    async with spoken(chains={chain.chain: chain}, clones=made_by, seed=time.time_ns()) as made:
        yield made
    await chain.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    find_chromium()
    async with browsing() as made:
        yield made
