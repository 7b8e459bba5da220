"""The process around a test: variables and a working directory, put back afterwards."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def surroundings(*, folder: Path | None = None, **variables: str) -> Iterator[None]:
    """Set *variables* and, if given, the working directory while the block runs."""
    before = dict(os.environ)
    os.environ |= variables
    try:
        with contextlib.chdir(folder or "."):
            yield
    finally:
        os.environ.clear()
        os.environ |= before
