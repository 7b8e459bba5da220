"""What tests hold to be a whole world is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.worlds import dump, make_world
from valetkey.core.activity import SeenNonce
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.ports import Tx


async def test_a_dump_has_what_stands_behind_the_first_page() -> None:
    """Two that are equal say that nothing changed, also where there is much."""
    world = await make_world()
    names = [f"nonce-{number:05d}" for number in range(2 * MAX_FOUND + 1)]

    def body(tx: Tx) -> None:
        for name in names:
            tx.add(SeenNonce(name, "", 0))

    await world.store.write(body)
    seen = (await dump(world))["SeenNonce"]
    assert [one.id for one in seen if isinstance(one, SeenNonce)] == names
