"""Sessions of accounts that a factory makes: from before the account is there to their end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.people import WHOLE
from tests.flows.scene import ALICE, BOB, CAP, USDC
from tests.worlds import CHAIN, dump
from valetkey.core.activity import ActivityState
from valetkey.core.budget import BudgetLine
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.core.session import Proof, State
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import DevKey, fund
from valetkey.devchain.transact import transact
from valetkey.flows import (
    account_state,
    accounts,
    delegation,
    freeze,
    leave_code,
    reads,
    reconcile,
    relay,
    stop,
    undelegate,
)
from valetkey.flows.grant import granted
from valetkey.spec.clone import transfer_ownership_calldata
from valetkey.spec.permission_bytes import raise_epoch_calldata
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from tests.flows.people import Held, Holding
    from tests.flows.scene import Scene
    from valetkey.ports import Tx

PLAIN, PERSONAL = accounts.AsClone(), accounts.AsClone(personal=True)
PROOFS = (Proof.CHAIN, Proof.STAMP)


@pytest.mark.parametrize("clone", [PLAIN, PERSONAL], ids=["plain", "personal"])
@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("owner_key", WHOLE)
async def test_the_first_use_makes_the_account(
    scene: Scene, owner_key: OwnerKey, proof: Proof, clone: accounts.AsClone
) -> None:
    """Nothing is there when the session is opened; then it is used, and its caps hold."""
    holding = await scene.wallet(owner_key, clone=clone)
    held = await scene.open(holding, proof=proof)
    assert held.session.state is State.OPEN
    assert not await scene.chain.has_code(holding.account.address)
    done = await scene.run(held, scene.transfer(5 * USDC))
    assert done.state is ActivityState.DONE, done.outcome
    assert await scene.chain.has_code(holding.account.address)
    again = await scene.run(held, scene.transfer(CAP - 5 * USDC))
    assert again.state is ActivityState.DONE, again.outcome
    assert await scene.balance(ALICE) == CAP
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.CAP_EXCEEDED


@pytest.mark.parametrize("proof", PROOFS)
async def test_first_acts_that_are_planned_at_once_are_both_done(
    scene: Scene, proof: Proof
) -> None:
    """Each was planned before the account was there: whichever comes first makes it."""
    holding = await scene.wallet(clone=PLAIN)
    both = [await scene.open(holding, proof=proof) for _ in range(2)]
    scene.line.refused["eth_sendRawTransaction"] = "not now"
    waiting = [await scene.run(held, scene.transfer(USDC)) for held in both]
    assert not any(one.state is ActivityState.DONE for one in waiting)
    assert await scene.balance(ALICE) == 0
    del scene.line.refused["eth_sendRawTransaction"]
    for _ in range(4):
        await reconcile.reconcile(scene.world)
    for one in waiting:
        ended = await relay.read_activity(scene.world, one.id)
        assert ended.state is ActivityState.DONE, ended.outcome
    assert await scene.balance(ALICE) == 2 * USDC


async def test_an_account_that_cannot_be_made_fails_the_run_that_needs_it(scene: Scene) -> None:
    """With its reason; nothing of the session is spent."""
    holding = await scene.wallet(clone=PLAIN)
    held = await scene.open(holding)
    await empty_fund(scene)
    failed = await scene.run(held, scene.transfer(USDC))
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.SPONSORSHIP_EXCEEDED
    assert failed.outcome.detail.startswith("the account could not be made: ")
    assert not await scene.chain.has_code(holding.account.address)


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("is_made", [True, False], ids=["there", "not there yet"])
@pytest.mark.parametrize("owner_key", WHOLE)
async def test_a_revocation_ends_it_on_chain_before_and_after_the_account_is_there(
    scene: Scene, owner_key: OwnerKey, proof: Proof, *, is_made: bool
) -> None:
    """The kill note makes the account if need be: nobody can open the grant there later."""
    holding = await scene.wallet(owner_key, clone=PERSONAL)
    held = await scene.open(holding, proof=proof)
    if is_made:
        await scene.run(held, scene.transfer(USDC))
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert await stage(scene, held) is GrantStage.REVOKED
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_REVOKED


@pytest.mark.parametrize("is_made", [True, False], ids=["there", "not there yet"])
async def test_freezing_and_unfreezing_go_by_the_owners_word(
    scene: Scene, *, is_made: bool
) -> None:
    """Also of a clone that is not there; the freeze slot is the same in every epoch."""
    holding = await scene.wallet(clone=PLAIN)
    held = await scene.open(holding, proof=Proof.CHAIN)
    if is_made:
        await scene.run(held, scene.transfer(USDC))
    frozen = await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    assert frozen.activity.state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.FROZEN
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_FROZEN
    thawed = await freeze.unfreeze(
        scene.world, scene.principal, scene.request(), session_id=held.id
    )
    assert thawed.session.state is State.OPEN
    done = await scene.run(held, scene.transfer(USDC))
    assert done.state is ActivityState.DONE, done.outcome


@pytest.mark.parametrize("act", ["raise the epoch", "hand it on"])
async def test_what_ends_all_sessions_on_chain_ends_them_here(scene: Scene, act: str) -> None:
    """The owner hands the account on, or raises the epoch, past us: the next look sees it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PLAIN)
    held = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    assert await stage(scene, held) is GrantStage.OPEN
    data = raise_epoch_calldata() if act == "raise the epoch" else transfer_ownership_calldata(BOB)
    by_owner(scene, holding, data)
    assert await stage(scene, held) is GrantStage.REVOKED
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1))
    assert refused.value.code is Code.SESSION_REVOKED
    scene.clock.advance(scene.world.bounds.watch_s)
    await reconcile.reconcile(scene.world)
    session = (await reads.session(scene.world, scene.principal, session_id=held.id)).session
    assert session.state is State.REVOKED
    if act == "raise the epoch":
        again = await scene.open(holding, proof=Proof.CHAIN)
        assert granted(again.session).epoch == 1
        done = await scene.run(again, scene.transfer(USDC))
        assert done.state is ActivityState.DONE, done.outcome
        assert await stage(scene, again) is GrantStage.OPEN
        assert await stage(scene, held) is GrantStage.REVOKED
    else:
        with pytest.raises(Conflict, match="it was handed on"):
            await scene.open(holding, proof=Proof.CHAIN)


async def test_a_clone_is_not_delegated(scene: Scene) -> None:
    """It has its code without; the refusal says so, and changes nothing."""
    holding = await scene.wallet(clone=PLAIN)
    account_id = holding.account.id
    asked = scene.world, scene.principal, scene.request()
    before = await dump(scene.world)
    for refused in (
        delegation.delegation_request(*asked[:2], account_id=account_id),
        delegation.delegate(*asked, account_id=account_id, signature=None),
        undelegate.undelegate(*asked, account_id=account_id, signature=None),
        leave_code.undelegation(*asked[:2], account_id=account_id),
    ):
        with pytest.raises(Conflict, match="it has its code without being delegated"):
            await refused
    assert await dump(scene.world) == before


async def test_the_state_of_a_clone_says_whose_it_is_and_whether_it_is_there(
    scene: Scene,
) -> None:
    """It is ready before it is there, for its first act makes it."""
    holding = await scene.wallet(OwnerKey.OUTSIDE, clone=PLAIN)
    account = holding.account
    assert account.clone is not None

    async def state() -> account_state.AccountState:
        return await account_state.account_state(
            scene.world, scene.principal, account_id=account.id, tokens=()
        )

    seen = await state()
    assert (seen.owner, seen.is_ready, seen.is_deployed) == (account.owner, True, False)
    held = await scene.open(holding, proof=Proof.CHAIN)
    await scene.run(held, scene.transfer(USDC))
    seen = await state()
    assert (seen.owner, seen.is_ready, seen.is_deployed) == (account.owner, True, True)
    by_owner(scene, holding, transfer_ownership_calldata(BOB))
    assert (await state()).owner == BOB


async def test_a_clone_needs_a_factory_and_a_salt_of_32_bytes(scene: Scene) -> None:
    """Nothing is made otherwise; another salt is another account of the same owner."""
    owner = address_of_key(scene.new_key())
    made = []
    for salt in (bytes(32), b"\x01" * 32):
        command = accounts.AddWallet(
            CHAIN, OwnerKey.OUTSIDE, owner, None, "", accounts.AsClone(salt=salt)
        )
        made.append(
            await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)
        )
    assert len({account.address for _, account in made}) == len(made)
    assert {account.owner for _, account in made} == {owner}
    with pytest.raises(Conflict):
        await accounts.add_wallet(scene.world, scene.principal, scene.request(), command)
    for world, clone, why in (
        (scene.world, accounts.AsClone(salt=b"\x01" * 31), "clone.salt: expected 32 bytes"),
        (replace(scene.world, clones=None), PLAIN, "clone: expected none, for no clone_factory"),
    ):
        command = accounts.AddWallet(CHAIN, OwnerKey.SEALED, None, None, "", clone)
        with pytest.raises(Malformed, match=why):
            await accounts.add_wallet(world, scene.principal, scene.request(), command)


async def stage(scene: Scene, held: Held) -> GrantStage:
    """Return how the chain has the grant of *held*."""
    grant = granted(held.session)
    state = await scene.chain.grant_state(
        held.holding.account.address, grant.grant_id, counters=0, epoch=grant.epoch
    )
    return state.stage


def by_owner(scene: Scene, holding: Holding, data: bytes) -> None:
    """Have the owner of the clone, whose key is outside, call it with *data*."""
    assert holding.secret is not None
    fund(scene.rpc, scene.deployment, holding.account.owner, 10**18)
    key = DevKey(holding.secret, holding.account.owner)
    transact(scene.rpc, key, holding.account.address, data=data)


async def empty_fund(scene: Scene) -> None:
    """Let nothing be left for runs."""
    key = fund_line_id(scene.principal.organization_id, Fund.RUNS)

    def body(tx: Tx) -> None:
        line = tx.get(BudgetLine, key)
        assert line is not None
        tx.put(replace(line, limit=0))

    await scene.world.store.write(body)
