"""Flows run on what is in this process; no socket is ever opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import make_scene
from tests.flows.truth import check_books

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.flows.scene import Scene


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Refuse every socket but the pair that an event loop wakes itself with."""


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Give a scene, and look afterwards whether its books are right and its log unbroken."""
    made = await make_scene()
    yield made
    await check_books(made.world)
    await made.chain.close()
    made.rpc.close()
