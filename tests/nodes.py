"""A local chain of either engine, for as long as a fixture lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.devchain import Engine, Node, choose, launch

if TYPE_CHECKING:
    from collections.abc import Iterator


def running(engine: Engine) -> Iterator[Node]:
    """Give a new chain of *engine*, or skip what asks for it."""
    choice = choose(engine)
    if choice is None:
        pytest.skip(f"{engine} is not installed")
    with launch(choice) as node:
        yield node
