"""The keys that sign tokens follow each other, whatever the clock says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.test_split_sessions import make_client
from tests.flows.test_split_stopped import OTHER
from valetkey.core.errors import Code, Conflict, ValetkeyError
from valetkey.core.session import Session
from valetkey.core.session_token import key_id_of
from valetkey.core.surface import Surface
from valetkey.core.units import DAY_S
from valetkey.flows.issue_token import ensure_token_key, issue_token, rotate_token_key, token_keys

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.ports import Tx


async def test_keys_change_although_the_clock_was_ahead(stored: Scene) -> None:
    """A key that was made tomorrow, by a clock that was wrong, is not the one that signs today."""
    await ensure_token_key(stored.world)
    stored.clock.advance(DAY_S)
    await rotate_token_key(stored.world)
    stored.clock.advance(-DAY_S)
    for _ in range(3):
        new = await rotate_token_key(stored.world)
        keys = await token_keys(stored.world)
        assert key_id_of(keys[0]) == new
        assert len(keys) == 2


async def test_a_rotation_that_is_answered_signs(stored: Scene) -> None:
    """Of two at the same time, one is told of the key that signs, the others of that or of none."""
    await ensure_token_key(stored.world)
    told = await asyncio.gather(
        *(rotate_token_key(stored.world) for _ in range(4)), return_exceptions=True
    )
    news = [one for one in told if isinstance(one, str)]
    assert all(isinstance(one, (str, Conflict)) for one in told)
    keys = [key_id_of(key) for key in await token_keys(stored.world)]
    assert keys[0] in news
    assert len(keys) == 2


async def test_no_token_is_made_for_the_key_that_a_session_had() -> None:
    """The token would name the new key to whoever has proven the old one."""
    client = await make_client()
    world, principal = client.splits.world, await client.session(Surface.NATIVE)
    await ensure_token_key(world)

    def rotate(tx: Tx) -> None:
        session = tx.get(Session, principal.subject_id)
        assert session is not None
        tx.put(replace(session, key=OTHER))

    said = {"issuer": "https://keys.example", "audience": "https://shop.example"}
    assert (await issue_token(world, principal, life_s=None, **said)).token
    await world.store.write(rotate)
    with pytest.raises(ValetkeyError) as refused:
        await issue_token(world, principal, life_s=None, **said)
    assert refused.value.code is Code.PROOF_REFUSED
