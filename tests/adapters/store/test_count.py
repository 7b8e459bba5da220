"""Every store counts what it would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.core.organization import User
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.ports import Store, Tx, Value


async def test_all_are_counted_however_many_there_are(store: Store) -> None:
    """Also behind the most that one question finds, and what a write has just added."""

    def add(tx: Tx) -> int:
        for number in range(MAX_FOUND + 1):
            tx.add(User(f"u{number}", "o" if number else "p", "", 1))
        return tx.count(User)

    assert await store.write(add) == MAX_FOUND + 1
    counts = await store.read(
        lambda view: [view.count(User, organization_id=owner) for owner in ("o", "p", "q")]
    )
    assert counts == [MAX_FOUND, 1, 0]
    assert await store.read(lambda view: view.count(User)) == MAX_FOUND + 1
    assert await store.read(lambda view: view.count(User, reference=2**70)) == 0


@pytest.mark.parametrize("name", ["created_at", "id", "body", "nonsense"])
async def test_only_by_indexed_attributes(store: Store, name: str) -> None:
    """As with what is found."""
    where: dict[str, Value] = {"reference": "x", name: 1}
    with pytest.raises(ValueError, match=name):
        await store.read(lambda view: view.count(User, **where))
