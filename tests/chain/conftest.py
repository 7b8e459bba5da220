"""The two local chains with the contracts deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner
from tests.chain.world import World
from tests.nodes import running
from valetkey.devchain import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=list(Engine), ids=str)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a chain of each engine that this machine can run."""
    for node in running(request.param):
        yield World(node.rpc)


@pytest.fixture
def owner(world: World) -> Owner:
    """Return a new account that nobody has granted anything on."""
    return Owner.delegated(world)


@pytest.fixture(scope="module")
def factory(world: World) -> Factory:
    """Return a factory of the module's own."""
    return Factory.on(world)


@pytest.fixture(params=["delegate", "clone", "personal clone"])
def account(request: pytest.FixtureRequest, world: World, factory: Factory) -> Owner:
    """Return a new account of each kind."""
    if request.param == "delegate":
        return Owner.delegated(world)
    return Clone.deployed(factory, personal=request.param == "personal clone")
