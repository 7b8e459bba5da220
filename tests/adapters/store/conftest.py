"""Each test of the port runs on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name the file of a store."""
    return tmp_path / "store.db"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    """Open an empty store, one implementation after the other."""
    made = MemoryStore() if request.param == "memory" else SqliteStore(path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def sqlite_store(path: Path) -> AsyncIterator[SqliteStore]:
    """Open an empty file."""
    made = SqliteStore(path)
    await made.open()
    yield made
    await made.close()


Store = MemoryStore | SqliteStore
