"""The two local chains with the contracts deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.session import Owner
from tests.chain.world import World
from valetkey.devchain import Engine, choose, launch

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=list(Engine), ids=str)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a chain of each engine that this machine can run."""
    choice = choose(request.param)
    if choice is None:
        pytest.skip(f"{request.param} is not installed")
    with launch(choice) as node:
        yield World(node.rpc)


@pytest.fixture
def owner(world: World) -> Owner:
    """Return a new account that nobody has granted anything on."""
    return Owner.delegated(world)
