"""What the server does beside answering: it settles, and looks after what it stands on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import ValetkeyError
from valetkey.flows.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.flows.world import World
    from valetkey.ports import Chain, Clock
    from valetkey.telemetry.journal import Journal
    from valetkey.telemetry.metrics import Metrics
    from valetkey.telemetry.telemetry import Telemetry

LOOK_S: Final = 60.0
MAX_JUMP_S: Final = 2.0


class Pulse:
    """When the reconcile loop has last come through, on a clock that nobody sets."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at = monotonic()

    def beat(self) -> None:
        """Note that a round has come through."""
        self._at = self._monotonic()

    @property
    def age_s(self) -> float:
        """Seconds since then; since the start if there was none."""
        return self._monotonic() - self._at


class ClockWatch:
    """Whether the time of day goes as fast as time does: expiry and deadlines depend on it."""

    def __init__(
        self, clock: Clock, telemetry: Telemetry, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._offset_s = self._offset()

    def look(self) -> float:
        """Return by how many seconds the clock was set since the last look; 0 if it was not."""
        offset_s = self._offset()
        jump_s, self._offset_s = offset_s - self._offset_s, offset_s
        if abs(jump_s) <= MAX_JUMP_S:
            return 0.0
        self._telemetry.journal.note("warning", "clock:jumped", by_s=round(jump_s, 3))
        if self._telemetry.metrics is not None:
            self._telemetry.metrics.clock_jumps.inc()
        return jump_s

    def _offset(self) -> float:
        return self._clock.now_ms() / 1000 - self._monotonic()


async def keep_settling(
    world: World, pause_s: float, telemetry: Telemetry, pulse: Pulse | None
) -> None:
    """Settle what is unfinished, again and again; an error in one round does not end the next."""
    watch = ClockWatch(world.clock, telemetry)
    while pause_s > 0:
        watch.look()
        if await settle(world, telemetry) and pulse is not None:
            pulse.beat()
        await asyncio.sleep(pause_s)


async def settle(world: World, telemetry: Telemetry) -> bool:
    """Do one round of `reconcile`, tell of it, and say whether it came through."""
    started = time.perf_counter()
    done = None
    try:
        done = await reconcile(world)
    except Exception as error:  # noqa: BLE001 - the loop outlives whatever one round meets
        telemetry.journal.unforeseen(error, during="reconcile")
    telemetry.reconciled(time.perf_counter() - started, done, now=world.clock.now())
    return done is not None


async def keep_looking(world: World, metrics: Metrics | None, journal: Journal) -> None:
    """Look after the chains, again and again, where that is kept."""
    while metrics is not None:
        await look_at_chains(world, metrics, journal)
        await asyncio.sleep(LOOK_S)


async def look_at_chains(world: World, metrics: Metrics, journal: Journal) -> None:
    """Note what the payers have, and how old the newest block is, on each chain."""
    looks = (_look(world, metrics, journal, chain) for chain in world.chains.values())
    await asyncio.gather(*looks)


async def _look(world: World, metrics: Metrics, journal: Journal, chain: Chain) -> None:
    payers = {"relayer": world.relayer_address, "stopper": world.stopper_address}
    try:
        head = await chain.head()
        metrics.head_age_s.labels(chain.chain).set(world.clock.now() - head.at)
        for name, address in payers.items():
            metrics.balance.labels(chain.chain, name).set(await chain.balance(address))
    except ValetkeyError:  # the log has it already, and the gauges keep what they had
        return
    except Exception as error:  # noqa: BLE001 - as for the other loop
        journal.unforeseen(error, during="look at chains")
