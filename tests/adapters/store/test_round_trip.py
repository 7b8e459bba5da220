"""What is written is what is read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from tests.adapters.store.entities import entities
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.activity import NonceLine, SeenNonce
from valetkey.core.audit import AuditLine
from valetkey.ports import INDEXES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.store.conftest import Store
    from valetkey.ports import Entity

KINDS = [pytest.param(kind, id=kind.__name__) for kind in INDEXES]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_every_entity_survives(kind: type[Entity], path: Path) -> None:
    """Each store gives back an equal entity of the same type, whatever its fields hold."""
    stores: list[Store] = [MemoryStore(), SqliteStore(path)]

    @settings(max_examples=25, deadline=None)
    @given(entity=entities(kind))
    def check(entity: Entity) -> None:
        for store in stores:
            runner.run(store.write(lambda tx: tx.add(entity)))
            read = runner.run(store.read(lambda view: view.get(kind, entity.id)))
            assert read == entity
            assert type(read) is kind
            runner.run(store.write(lambda tx: tx.drop(kind, entity.id)))

    with asyncio.Runner() as runner:
        for store in stores:
            runner.run(store.open())
        check()
        for store in stores:
            runner.run(store.close())


@pytest.mark.parametrize("number", [0, 2**53 + 1, 2**63, 2**64, 2**256 - 1])
async def test_integers_keep_every_digit(store: Store, number: int) -> None:
    """Amounts are integers of 256 bits: no float and no 64-bit column ever touches them."""
    await store.write(lambda tx: tx.put(NonceLine("n", number)))
    read = await store.read(lambda view: view.get(NonceLine, "n"))
    assert read is not None
    assert (read.next_nonce, type(read.next_nonce)) == (number, int)


async def test_what_is_read_is_never_what_was_put(store: Store) -> None:
    """Changing a dictionary in memory after the write changes nothing in the store."""
    facts = {"a": "1"}
    line = AuditLine("o/1", "o", 1, 5, "x:y", "", "", facts, bytes(32), bytes(32))
    await store.write(lambda tx: tx.add(line))
    facts["a"] = "2"
    read = await store.read(lambda view: view.get(AuditLine, "o/1"))
    assert read is not None
    assert read.facts == {"a": "1"}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
async def test_an_index_refuses_integers_over_64_bits(store: Store, number: int) -> None:
    """Such a value is an error when it is written, and is found nowhere."""
    with pytest.raises(ValueError, match="64 bits"):
        await store.write(lambda tx: tx.add(SeenNonce("n", "", number)))
    assert await store.read(lambda view: view.find(SeenNonce, forget_at=number)) == []
    assert await store.read(lambda view: view.get(SeenNonce, "n")) is None


async def test_text_that_is_no_unicode_is_refused(store: Store) -> None:
    """Half a surrogate pair cannot be written; nothing is left of the attempt."""
    with pytest.raises(UnicodeEncodeError):
        await store.write(lambda tx: tx.add(SeenNonce("n", "\ud800", 1)))
    assert await store.read(lambda view: view.find(SeenNonce)) == []
