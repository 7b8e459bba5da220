"""Flows run on what is in this process; no socket is ever opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.scene import make_scene
from tests.flows.truth import check_books
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.flows.scene import Scene


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Refuse every socket but the pair that an event loop wakes itself with."""


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Give a scene, and look afterwards whether its books are right and its log unbroken."""
    made = await make_scene()
    yield made
    await _leave(made)


@pytest.fixture(params=["memory", "sqlite"])
async def stored(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """Give a scene on each store."""
    store: MemoryStore | SqliteStore = MemoryStore()
    if request.param == "sqlite":
        store = SqliteStore(tmp_path / "store.db")
    await store.open()
    made = await make_scene(store=store)
    yield made
    await _leave(made)
    await store.close()


async def _leave(scene: Scene) -> None:
    await check_books(scene.world)
    await scene.chain.close()
    scene.rpc.close()
