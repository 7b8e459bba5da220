"""A real server on a real local chain, and a browser that looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.stage import ALICE, Stage, staged
from tests.pages.browser import browsing, find_chromium
from valetkey.devchain import Deployment, Node, deploy, launch, pick
from valetkey.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser


@pytest.fixture(scope="session")
def page_node() -> Iterator[Node]:
    """Return the chain that this machine runs best."""
    find_chromium()
    with launch(pick()) as node:
        yield node


@pytest.fixture(scope="session")
def page_deployment(page_node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(page_node.rpc)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(page_node: Node, page_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a served world whose operator calls the token USDC and Alice the shop."""
    names = {page_deployment.token: "USDC", bytes.fromhex(ALICE[2:]): "The shop"}
    settings = Settings(reconcile_s=0, names=names)
    async with staged(page_node, page_deployment, settings) as made:
        made.clock.advance(5)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    async with browsing() as made:
        yield made
