"""A budget holds over sessions too that go to the chain past the server."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.chainside import bring
from tests.flows.crash import Crash, CrashAt
from tests.flows.looks import set_budget
from tests.flows.scene import HOUR_S, USDC, Held, make_scene
from tests.flows.truth import check_books, every
from valetkey.core.budget import Hold
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Limited, Malformed
from valetkey.core.permission.model import ANYTHING, Cap, WideRule, Window
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import NodeError
from valetkey.flows import open_session, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene

BUDGET: Final = 10 * USDC


async def unbound(scene: Scene, holding: Holding, cap: int, **changed: object) -> Held:
    """Return a session that binds no relayer and may move *cap*."""
    limits = scene.permission(cap=cap, **changed)
    return await scene.open(holding, proof=Proof.CHAIN, permission=limits)


async def revoke(scene: Scene, held: Held) -> None:
    """Revoke a session, and let the server look at what its chain says."""
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    await reconcile.reconcile(scene.world)


async def test_sessions_are_opened_as_far_as_the_budget_goes(stored: Scene) -> None:
    """Their caps together are the budget, to the last unit; the refusal says what is held."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    await set_budget(stored, holding.wallet.id, BUDGET)
    await unbound(stored, holding, 4 * USDC)
    await unbound(stored, holding, 6 * USDC)
    with pytest.raises(Limited, match=f"{10 * USDC} held") as refused:
        await unbound(stored, holding, 1)
    assert refused.value.code is Code.BUDGET_EXCEEDED


async def test_what_is_held_is_not_there_for_others(stored: Scene) -> None:
    """A session that the server stands before finds the rest, and no more."""
    holding = await stored.wallet()
    await set_budget(stored, holding.wallet.id, BUDGET)
    await unbound(stored, holding, 8 * USDC)
    bound = await stored.open(holding, proof=Proof.STAMP)
    with pytest.raises(Limited):
        await stored.run(bound, stored.transfer(3 * USDC))
    await stored.run(bound, stored.transfer(2 * USDC))
    with pytest.raises(Limited):
        await unbound(stored, holding, 1)


async def test_runs_through_the_server_are_not_counted_twice(scene: Scene) -> None:
    """All that the session can move is held already."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, holding.wallet.id, BUDGET)
    held = await unbound(scene, holding, BUDGET)
    await scene.run(held, scene.transfer(BUDGET))
    assert await scene.moved() == BUDGET


async def test_a_stop_gives_back_what_was_not_moved(stored: Scene) -> None:
    """As the chain counts it, runs past the server among them; what was moved stays."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    await set_budget(stored, holding.wallet.id, BUDGET)
    held = await unbound(stored, holding, BUDGET)
    bring(stored, held, held.session, stored.transfer(3 * USDC), nonce=0)
    with pytest.raises(Limited):
        await unbound(stored, holding, 1)
    await revoke(stored, held)
    with pytest.raises(Limited):
        await unbound(stored, holding, 7 * USDC + 1)
    await unbound(stored, holding, 7 * USDC)


async def test_a_session_that_is_stopped_here_alone_is_still_held(scene: Scene) -> None:
    """Refused here and alive on chain: its holder can still go there."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, holding.wallet.id, BUDGET)
    held = await unbound(scene, holding, BUDGET)
    scene.line.is_cut = True
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    scene.line.is_cut = False
    with pytest.raises(Limited):
        await unbound(scene, holding, 1)
    for _ in range(2):
        await reconcile.reconcile(scene.world)
    await unbound(scene, holding, BUDGET)


async def test_time_gives_back_what_was_not_moved(scene: Scene) -> None:
    """When the chain itself is past the end; not when our clock alone is."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, holding.wallet.id, BUDGET)
    held = await unbound(scene, holding, BUDGET)
    bring(scene, held, held.session, scene.transfer(USDC), nonce=0)
    scene.clock.advance(HOUR_S)
    await reconcile.reconcile(scene.world)
    with pytest.raises(Limited):
        await unbound(scene, holding, 9 * USDC)
    scene.rpc.ask("evm_mine")
    scene.clock.advance(scene.world.bounds.watch_s)
    await reconcile.reconcile(scene.world)
    await unbound(scene, holding, 9 * USDC)


async def test_a_new_budget_holds_what_is_alive(stored: Scene) -> None:
    """One below it is refused and names the sessions; so is lowering it."""
    holding = await stored.wallet(OwnerKey.OUTSIDE)
    held = await unbound(stored, holding, 8 * USDC)
    with pytest.raises(Conflict, match=held.id) as refused:
        await set_budget(stored, holding.wallet.id, 8 * USDC - 1)
    assert refused.value.facts["sessions"] == [held.id]
    await set_budget(stored, holding.wallet.id, 8 * USDC)
    with pytest.raises(Limited):
        await unbound(stored, holding, 1)
    await set_budget(stored, holding.wallet.id, 9 * USDC)
    with pytest.raises(Conflict):
        await set_budget(stored, holding.wallet.id, 8 * USDC - 1)
    await revoke(stored, held)
    await set_budget(stored, holding.wallet.id, 0)


async def test_what_has_no_bound_is_not_opened_under_a_budget(scene: Scene) -> None:
    """Nor is a budget set over it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    wide = scene.permission(wide_rules=(WideRule(b"\x55" * 20),), recipients=ANYTHING)
    held = await scene.open(holding, proof=Proof.CHAIN, permission=wide)
    with pytest.raises(Conflict, match=held.id):
        await set_budget(scene, holding.wallet.id, 1000 * USDC)
    other = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, other.wallet.id, 1000 * USDC)
    with pytest.raises(Malformed) as refused:
        await scene.open(other, proof=Proof.CHAIN, permission=wide)
    assert refused.value.code is Code.NOT_ON_CHAIN


async def test_a_budget_per_window_is_held_in_each_of_them(scene: Scene) -> None:
    """Also in the one in which the session ends; in the next it is free."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    await set_budget(scene, holding.wallet.id, BUDGET, window_s=600)
    caps = (Cap(scene.token, 6, window=Window(5 * USDC, 900)),)
    held = await unbound(scene, holding, 0, caps=caps)
    scene.clock.advance(700)
    with pytest.raises(Limited):
        await unbound(scene, holding, 1)
    await revoke(scene, held)
    with pytest.raises(Limited):
        await unbound(scene, holding, 1)
    scene.clock.advance(600)
    await unbound(scene, holding, BUDGET)
    assert len(await scene.world.store.read(lambda view: every(view, Hold))) == 1


async def test_a_clock_that_was_ahead_gives_nothing_back_for_good(scene: Scene) -> None:
    """What is set above a session after that is given back when its chain has ended it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await unbound(scene, holding, BUDGET)
    at = scene.clock.now()
    scene.clock.advance(2 * HOUR_S)
    await reconcile.reconcile(scene.world)
    scene.clock.set(at)
    await set_budget(scene, holding.wallet.id, BUDGET)
    with pytest.raises(Limited):
        await unbound(scene, holding, 1)
    await revoke(scene, held)
    await unbound(scene, holding, BUDGET)


async def test_what_is_signed_late_is_held_although_the_clock_was_ahead(scene: Scene) -> None:
    """The owner's key is here, a crash came before it signed; by the chain's clock it still may."""
    holding = await scene.wallet()
    await set_budget(scene, holding.wallet.id, BUDGET)
    at = scene.clock.now()
    dying = replace(scene.world, checkpoint=CrashAt("grant:before_sign"))
    limits = scene.permission(cap=BUDGET)
    command = scene.command(holding, proof=Proof.CHAIN, permission=limits)
    with pytest.raises(Crash):
        await open_session.open_session(dying, scene.principal, scene.request(), command)
    scene.clock.advance(2 * HOUR_S)
    await reconcile.reconcile(scene.world)
    scene.clock.set(at)
    await reconcile.reconcile(scene.world)
    with pytest.raises(Limited):
        await unbound(scene, holding, 1)


class Gambler:
    """Opens, stops, spends past the server and changes budgets, as the dice fall."""

    def __init__(self, scene: Scene, holding: Holding, seed: int) -> None:
        self.scene = scene
        self.holding = holding
        self.dice = random.Random(seed)  # noqa: S311 - tests repeat themselves on purpose
        self.limit = 0
        self.held: list[Held] = []
        self.nonces: dict[str, int] = {}

    async def step(self) -> None:
        """Do one of these things, and accept a refusal."""
        amount = self.dice.randrange(1, 12) * USDC
        match self.dice.randrange(5):
            case 0:
                await self._set(amount)
            case 1 | 2:
                await self._open(amount // 2)
            case 3:
                self.spend(amount // 4)
            case _:
                await self._stop()

    async def _set(self, amount: int) -> None:
        try:
            await set_budget(self.scene, self.holding.wallet.id, amount)
        except Conflict:
            return
        self.limit = amount

    async def _open(self, cap: int) -> None:
        try:
            self.held.append(await unbound(self.scene, self.holding, cap))
        except Limited:
            return

    async def _stop(self) -> None:
        if self.held:
            one = self.dice.choice(self.held)
            scene = self.scene
            await stop.revoke(scene.world, scene.principal, scene.request(), session_id=one.id)
        if self.dice.randrange(2):
            await reconcile.reconcile(self.scene.world)

    def spend(self, amount: int) -> None:
        """Bring runs of every session to the chain, also of stopped ones."""
        for one in self.held:
            nonce = self.nonces.get(one.id, 0)
            try:
                bring(self.scene, one, one.session, self.scene.transfer(amount), nonce=nonce)
            except NodeError:
                continue
            self.nonces[one.id] = nonce + 1

    async def reachable(self) -> int:
        """Return what was moved, and what the grants that are alive on chain still can."""
        total, alive = await self.scene.moved(), 0
        for one in self.held:
            assert one.session.grant is not None
            assert one.session.permission is not None
            address = self.holding.account.address
            state = await self.scene.chain.grant_state(
                address, one.session.grant.grant_id, counters=1
            )
            if state.stage is not GrantStage.REVOKED:
                alive += (one.session.permission.caps[0].lifetime or 0) - state.counters[0].spent
        return total + alive if alive else 0


@pytest.mark.parametrize("seed", range(6))
async def test_no_sequence_lets_the_reachable_sum_pass_the_budget(seed: int) -> None:
    """Whatever is opened, stopped, spent past us and changed: moved and movable stay within."""
    scene = await make_scene(seed=seed)
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    gambler = Gambler(scene, holding, seed)
    await set_budget(scene, holding.wallet.id, BUDGET)
    gambler.limit = BUDGET
    for _ in range(25):
        await gambler.step()
        assert await gambler.reachable() <= gambler.limit
    assert gambler.held
    await check_books(scene.world)
    await scene.chain.close()
    scene.rpc.close()
