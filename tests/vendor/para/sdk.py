"""Para's server SDK in a process of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.vendor.driver import Driver as Sdk
from tests.vendor.driver import Refused, driven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["ALPHA_SDK", "HERE", "SERVER_SDK", "Refused", "Sdk", "sdk"]

HERE: Final = Path(__file__).parent
SERVER_SDK: Final = "@getpara/server-sdk"
ALPHA_SDK: Final = "para-alpha"


@asynccontextmanager
async def sdk(url: str, name: str = SERVER_SDK) -> AsyncIterator[Sdk]:
    """Run the package *name* against the server at *url*, and end it afterwards."""
    async with driven(HERE / "sdk.mjs", name, url, name="para sdk") as made:
        yield made
