"""Signatures that wait for their user, in an organization that leaves meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.splits import HELLO
from tests.flows.visitors import make_client
from tests.worlds import dump
from valetkey.core.errors import Code, ValetkeyError
from valetkey.core.organization import Organization
from valetkey.flows.reviews import approve, ask_for_approval, deny, expect_reviewed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.ports import Tx


async def test_nothing_is_decided_where_an_organization_acts_no_more() -> None:
    """Its log has left: a line here would be one that its owner never sees."""
    client = await make_client()
    await client.logged_in()
    seen = await client.seen()
    assert seen is not None
    wanted = {"wallet_id": "wal_1", "wanted": HELLO}
    review_id = await expect_reviewed(client.world, seen.principal, **wanted)  # type: ignore[arg-type]
    assert review_id is not None
    where = {"review_id": review_id, "lookup": client.lookup}
    await ask_for_approval(client.world, **where)
    code = client.codes[-1]

    def leave(tx: Tx) -> None:
        owner = tx.get(Organization, client.founded.organization.id)
        assert owner is not None
        tx.put(replace(owner, moved_at=1, moved_for=bytes(32)))

    await client.world.store.write(leave)
    before = await dump(client.world)
    askings: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: ask_for_approval(client.world, **where),
        lambda: approve(client.world, code=code, **where),
        lambda: deny(client.world, **where),
        lambda: expect_reviewed(client.world, seen.principal, **wanted),  # type: ignore[arg-type]
    )
    for asking in askings:
        with pytest.raises(ValetkeyError) as refused:
            await asking()
        assert refused.value.code is Code.ORGANIZATION_MOVED
    assert await dump(client.world) == before
    assert client.codes[-1] == code
