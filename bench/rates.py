"""What counting requests costs a read and a write over HTTP. Use the ratios."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.telemetry import QUIET, measure
from valetkey.config import Rates
from valetkey.flows.organize import found
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.telemetry import Telemetry
from valetkey.wiring import make

UNCOUNTED: Final = Rates(address_per_s=0, caller_per_s=0, stop_per_s=0)
KINDS: Final = {
    "not counted": Settings(reconcile_s=0, rates=UNCOUNTED),
    "counted": QUIET,
}


async def main() -> None:
    """Measure on one store, the kinds in turn."""
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            wired = await stack.enter_async_context(make(Path(folder) / "home", "[chains]\n", {}))
            _, secret = await found(wired.world, name="bench")
            servings = {
                name: await stack.enter_async_context(
                    running(
                        wired.world,
                        settings=settings,
                        telemetry=Telemetry(Journal(bytes, level=Level.ERROR)),
                    )
                )
                for name, settings in KINDS.items()
            }
            await measure(servings, secret)


if __name__ == "__main__":
    asyncio.run(main())
