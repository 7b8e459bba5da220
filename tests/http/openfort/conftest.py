"""One game on one chain for the tests of each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.http.openfort.game import Game, make_game
from tests.http.openfort.stage import staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def game(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Game]:
    """Give a served game."""
    async with staged(live_node, live_deployment) as stage:
        yield await make_game(stage, live_node, live_deployment)
