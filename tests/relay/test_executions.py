"""Calls that are signed afterwards, on a chain with a pool of transactions of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import ask, authorization_of, hold, sign
from tests.flows.registering import registered
from tests.flows.scene import ALICE, USDC
from tests.worlds import CHAIN, with_bounds
from valetkey.core.activity import ActivityState
from valetkey.core.permission.model import Call
from valetkey.core.session import State
from valetkey.core.wallet import Clones, OwnerKey
from valetkey.flows import accounts, reconcile, relay

if TYPE_CHECKING:
    from tests.flows.people import Holding
    from tests.flows.scene import Scene

OUTSIDE = OwnerKey.OUTSIDE
KINDS = ["delegated", "clone"]


async def _account(scene: Scene, kind: str) -> Holding:
    """Return an account that has no code yet, of either kind."""
    if kind == "delegated":
        return await scene.wallet(OUTSIDE, is_delegated=False)
    deployed = scene.deployment
    clones = Clones(deployed.clone_factory, deployed.clone_implementation)
    scene.world = replace(scene.world, clones=clones)
    return await scene.wallet(OUTSIDE, clone=accounts.AsClone(personal=True))


async def _start(scene: Scene, holding: Holding) -> None:
    """Let the owner's first act bring the account its code."""
    delegated = holding.account.clone is None
    given = authorization_of(scene, holding, chain=CHAIN) if delegated else None
    asked = await ask(scene, holding, scene.transfer(USDC), authorization=given)
    done = await sign(scene, asked, holding.secret, personal=not delegated)
    assert done.state is ActivityState.DONE, done.outcome


@pytest.mark.parametrize("kind", KINDS)
async def test_an_owner_and_a_session_key_sign_on_a_live_chain(scene: Scene, kind: str) -> None:
    """From an account without code to calls of its session key, in both forms."""
    holding = await _account(scene, kind)
    await _start(scene, holding)
    held = await hold(scene, holding, is_signed=False)
    personal = kind == "clone"
    if personal:
        told = await registered(scene, holding, held.session)
        assert told.session.state is State.OPEN, told.activity.outcome
    else:
        assert holding.secret is not None
        await scene.sign_grant(held.session, holding.secret)
    for personal in (True, False):
        asked = await ask(scene, holding, scene.transfer(USDC))
        done = await sign(scene, asked, held.secret, personal=personal)
        assert done.state is ActivityState.DONE, done.outcome
        assert done.session_id == held.id
    empty = await sign(scene, await ask(scene, holding), held.secret, personal=True)
    assert empty.state is ActivityState.DONE, empty.outcome
    assert await scene.balance(ALICE) == 3 * USDC


@pytest.mark.parametrize("kind", KINDS)
async def test_many_are_under_way_at_once(scene: Scene, kind: str) -> None:
    """Signed in reverse order while nothing is mined, by owner and session key: all are made."""
    holding = await _account(scene, kind)
    await _start(scene, holding)
    held = await hold(scene, holding)
    asked = [await ask(scene, holding, scene.transfer(USDC)) for _ in range(6)]
    scene.rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    scene.world = with_bounds(scene.world, wait_s=0)
    keys = [holding.secret, held.secret] * 3
    both = list(zip(reversed(asked), keys, strict=True))
    sent = await asyncio.gather(*(sign(scene, one, key) for one, key in both))
    again = await asyncio.gather(*(sign(scene, one, key) for one, key in both))
    assert {one.state for one in (*sent, *again)} == {ActivityState.SENDING}
    scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
    scene.rpc.ask("evm_mine")
    for _ in range(3):
        await reconcile.reconcile(scene.world)
    for one in asked:
        ended = await relay.read_activity(scene.world, one.id)
        assert ended.state is ActivityState.DONE, ended.outcome
    assert await scene.balance(ALICE) == 7 * USDC


async def test_value_leaves_by_the_owners_word_alone(scene: Scene) -> None:
    """The key of a session without a cap for it sends none, and the owner any."""
    holding = await _account(scene, "clone")
    asked = await ask(scene, holding, Call(ALICE, 5, b""))
    before = await scene.chain.balance(ALICE)
    done = await sign(scene, asked, holding.secret, personal=True)
    assert done.state is ActivityState.DONE, done.outcome
    assert await scene.chain.balance(ALICE) == before + 5
