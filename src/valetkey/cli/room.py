"""How much room there is where a server writes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

_MIB: Final = 1024 * 1024


def expect_room(folder: Path, *, least_mib: int) -> int:
    """
    Return how many MiB are free on the disk of *folder*.

    Raises:
        Unavailable: Fewer than *least_mib*.
    """
    free = shutil.disk_usage(folder).free // _MIB
    if free < least_mib:
        detail = f"expected at least {least_mib} MiB free for {folder}, got {free}"
        raise Unavailable(Code.STORE_UNAVAILABLE, detail)
    return free
