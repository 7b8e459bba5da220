"""Processes that a test starts end with it, also where it fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, AnyStr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from subprocess import Popen


@contextmanager
def reaped(child: Popen[AnyStr]) -> Iterator[Popen[AnyStr]]:
    """Give *child*; after the block it is gone, and so are its pipes: no later test is blamed."""
    with child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
