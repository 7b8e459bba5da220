"""Beside the server: webhooks are told, and the balances of the server's keys looked at."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from valetkey.flows.alerts import look_at_balances
from valetkey.flows.deliver import deliver_next, forget_old
from valetkey.http.dialects.table import TELLERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from valetkey.flows.world import World
    from valetkey.telemetry.journal import Journal

RECEIVERS_AT_ONCE: Final = 16
KEEPING_S: Final = 60.0  # between looks at balances and at what is too old
GRACE_S: Final = 3.0  # for attempts that were begun; what takes longer is made again later


@contextlib.asynccontextmanager
async def delivering(world: World, pause_s: float, journal: Journal) -> AsyncIterator[None]:
    """
    Send what waits for webhooks while the block runs.

    Args:
        pause_s: Between two looks while nothing waits; 0 is never.
    """
    stop = asyncio.Event()
    works: list[tuple[Callable[[], Awaitable[bool]], float]] = []
    if pause_s > 0:
        works = [(lambda: deliver_next(world, TELLERS), pause_s)] * RECEIVERS_AT_ONCE
        works.append((lambda: _keep(world), KEEPING_S))
    tasks = {asyncio.create_task(_again(work, s, stop, journal)) for work, s in works}
    try:
        yield
    finally:
        stop.set()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(world: World) -> bool:
    await look_at_balances(world)
    await forget_old(world)
    return False


async def _again(
    work: Callable[[], Awaitable[bool]], pause_s: float, stop: asyncio.Event, journal: Journal
) -> None:
    """Do *work* at once while there is some, else after a pause; an error does not end it."""
    while not stop.is_set():
        try:
            if await work():
                continue
        except Exception as error:  # noqa: BLE001 - the loop outlives whatever one round meets
            journal.unforeseen(error, during="webhooks")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await stop.wait()
