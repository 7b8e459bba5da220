"""A local chain for whatever is traced and logged to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.devchain import Deployment, Node, deploy, launch, pick

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Return the chain that this machine runs best."""
    with launch(pick()) as launched:
        yield launched


@pytest.fixture(scope="module")
def deployment(node: Node) -> Deployment:
    """Return our contracts on it."""
    return deploy(node.rpc)
