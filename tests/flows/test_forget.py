"""What was kept to refuse replays goes when it is too old, without looking at the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.worlds import make_world
from valetkey.adapters.store.memory import MemoryStore
from valetkey.core.activity import SeenNonce
from valetkey.flows.forget import AT_ONCE, EVERY_S, MOST_S, forget_old

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.flows.world import World
    from valetkey.ports import T, Tx, View


class Counting:
    """A store that counts the nonces that bodies of reads have made something of."""

    def __init__(self) -> None:
        self._store = MemoryStore()
        self.write = self._store.write
        self.check = self._store.check
        self.open = self._store.open
        self.seen = 0

    async def read(self, body: Callable[[View], T]) -> T:
        """See `Store.read`."""
        made = await self._store.read(body)
        self.seen += len(made) if isinstance(made, list) else 0
        return made


async def _world(store: Counting) -> tuple[World, int]:
    await store.open()
    world = await make_world(chains={}, store=store)
    return world, world.clock.now()


async def _add(world: World, *forget_at: int) -> None:
    def body(tx: Tx) -> None:
        for number, second in enumerate(forget_at):
            tx.add(SeenNonce(f"ses_1/{second}/{number}", "", second))

    await world.store.write(body)


async def _left(world: World) -> list[int]:
    return sorted(one.forget_at for one in await world.store.read(lambda v: v.find(SeenNonce)))


async def test_at_first_all_that_is_too_old_goes_however_much_it_is() -> None:
    """Another process, or the one before, may have left it."""
    world, now = await _world(Counting())
    await _add(world, *(now - number for number in range(2 * AT_ONCE + 1)), now + 1, now + 2)
    await forget_old(world)
    assert await _left(world) == [now + 1, now + 2]


async def test_later_only_what_has_become_too_old_is_looked_at() -> None:
    """A round costs what goes in it, not what stays."""
    store = Counting()
    world, now = await _world(store)
    await forget_old(world)
    later = now + 2 * EVERY_S
    await _add(world, now + 1, now + EVERY_S, *[later] * 3 * AT_ONCE)
    store.seen = 0
    await forget_old(replace(world, clock=_At(now + EVERY_S)))
    assert store.seen == 2
    assert await _left(world) == [later] * 3 * AT_ONCE
    await forget_old(replace(world, clock=_At(later)))
    assert await _left(world) == []


async def test_it_is_done_every_while_and_not_each_second() -> None:
    """A write makes every process read anew what it knew: few and large ones cost least."""
    world, now = await _world(Counting())
    await forget_old(world)
    await _add(world, now + 1)
    await forget_old(replace(world, clock=_At(now + EVERY_S - 1)))
    assert await _left(world) == [now + 1]
    await forget_old(replace(world, clock=_At(now + EVERY_S)))
    assert await _left(world) == []


async def test_when_the_clock_was_set_all_seconds_are_looked_at() -> None:
    """Back or far ahead: what is too old by the new time goes, and nothing else."""
    world, now = await _world(Counting())
    await forget_old(world)
    await _add(world, now - 50, now - 200)
    await forget_old(replace(world, clock=_At(now - 100)))
    assert await _left(world) == [now - 50]
    ahead = now + MOST_S + 1
    await _add(world, now - 200, ahead, ahead + 1)
    await forget_old(replace(world, clock=_At(ahead)))
    assert await _left(world) == [ahead + 1]


class _At:
    """A clock that stands."""

    def __init__(self, second: int) -> None:
        self._second = second

    def now(self) -> int:
        """Return Unix seconds."""
        return self._second

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return self._second * 1000
