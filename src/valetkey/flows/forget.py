"""What is too old to be of use, dropped a few at a time: nonces, visits and the like."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import SeenNonce
from valetkey.core.hand_off import HandOff
from valetkey.core.review import Review
from valetkey.core.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.flows.world import World
    from valetkey.ports import Tx, Value, View

EVERY_S: Final = 30  # each write makes all processes forget what they have read
AT_ONCE: Final = 250  # read, or dropped in one transaction: whoever asks meanwhile waits so long
Old = SeenNonce | Visit | Review | HandOff
Kind = type[Old]
KINDS: Final[tuple[Kind, ...]] = (SeenNonce, Visit, Review, HandOff)
MOST_S: Final = 600  # seconds that are asked for one by one; after more all there is is looked at


async def forget_old(world: World) -> None:
    """
    Drop nonces, visits, reviews and hand-offs that are too old, if that was not done just now.

    There may be as many as signed requests in two minutes, so those that stay are not looked at.

    1. Of each second that has passed since the last time. 2. At first, and when the clock was set,
    of all seconds: others may have left some.
    """
    now, until = world.clock.now(), world.forgotten.until
    if until is not None and until <= now < until + EVERY_S:
        return
    for kind in KINDS:
        if until is not None and 0 <= now - until <= MOST_S:
            for second in range(until + 1, now + 1):  # 1
                await _drop_late(world, kind, now, forget_at=second)
        else:
            await _drop_late(world, kind, now)  # 2
    world.forgotten.until = now


async def _drop_late(world: World, kind: Kind, now: int, **where: Value) -> None:
    after, is_more = "", True
    while is_more:
        page = await world.store.read(partial(_page, kind, after, where))
        late = [one.id for one in page if one.forget_at <= now]
        if late:
            await world.store.write(partial(_drop, kind, late))
        is_more = len(page) == AT_ONCE
        after = page[-1].id if page else ""


def _page(kind: Kind, after: str, where: dict[str, Value], view: View) -> Sequence[Old]:
    return view.find(kind, after=after, limit=AT_ONCE, newest_first=False, **where)


def _drop(kind: Kind, ids: Sequence[str], tx: Tx) -> None:
    for one in ids:
        tx.drop(kind, one)
