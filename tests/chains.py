"""
The local chains, as fixtures: ``pytest_plugins = ("tests.chains",)``.

Nodes live as long as the session and are shared: a test takes a key of its own and moves no clock.
One that must have a chain of its own asks for `fresh_node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.nodes import running
from valetkey.devchain import Deployment, DevKey, Engine, Node, deploy, fund
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ETHER = 10**18


@pytest.fixture(scope="session")
def anvil_node() -> Iterator[Node]:
    """Return a running anvil."""
    yield from running(Engine.ANVIL)


@pytest.fixture(scope="session")
def pyevm_node() -> Iterator[Node]:
    """Return a running py-evm."""
    yield from running(Engine.PYEVM)


@pytest.fixture(scope="session", params=["anvil_node", "pyevm_node"])
def node(request: pytest.FixtureRequest) -> Node:
    """Return each local chain in turn."""
    found: Node = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def deployment(node: Node) -> Deployment:
    """Return our contracts on *node*."""
    return deploy(node.rpc)


@pytest.fixture(params=list(Engine), ids=str)
def fresh_node(request: pytest.FixtureRequest) -> Iterator[Node]:
    """Return each local chain in turn, new and for one test."""
    yield from running(request.param)


@pytest.fixture
def new_key(
    node: Node, deployment: Deployment, request: pytest.FixtureRequest
) -> Callable[[], DevKey]:
    """Return a maker of keys that no other test has, each with an ether."""
    made: list[DevKey] = []

    def make() -> DevKey:
        secret = keccak256(f"{request.node.nodeid} {len(made)}".encode())
        made.append(DevKey(secret, address_of_key(secret)))
        fund(node.rpc, deployment, made[-1].address, ETHER)
        return made[-1]

    return make
