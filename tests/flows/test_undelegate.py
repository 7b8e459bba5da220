"""An account leaves our code: its sessions end on chain first, and do not come back with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.flows.chainside import bring
from tests.flows.crash import Crash, CrashAt
from tests.flows.family import make_child, make_stranger
from tests.flows.looks import again, fund_line, stage, state
from tests.flows.people import WHOLE
from tests.flows.scene import ALICE, MALLORY, USDC, Held, Holding, Scene
from tests.flows.test_watch import kill_past_us
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound, Unauthenticated
from valetkey.core.plan import delegation_digest
from valetkey.core.principal import ANONYMOUS
from valetkey.core.session import Proof, State
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import NodeError
from valetkey.devchain.keys import DevKey
from valetkey.devchain.transact import delegate
from valetkey.flows import open_session
from valetkey.flows.leave_code import NO_CODE, undelegation
from valetkey.flows.leftovers import alive_grants
from valetkey.flows.reconcile import reconcile
from valetkey.flows.undelegate import WAITS_S, Undelegated, undelegate
from valetkey.spec import secp256k1


async def leave(
    scene: Scene, holding: Holding, *, to: bytes = NO_CODE, signature: bytes | None = None
) -> Undelegated:
    """Ask to undelegate."""
    return await undelegate(
        scene.world,
        scene.principal,
        scene.request(),
        account_id=holding.account.id,
        delegate=to,
        signature=signature,
    )


async def sign(scene: Scene, holding: Holding, *, to: bytes = NO_CODE) -> bytes:
    """Sign what the owner is shown."""
    wanted = await undelegation(
        scene.world, scene.principal, account_id=holding.account.id, delegate=to
    )
    assert wanted.digest is not None
    return secp256k1.sign_digest(wanted.digest, holding.secret or b"")


async def code_of(scene: Scene, holding: Holding) -> bytes | None:
    """Return what the account runs."""
    return await scene.chain.delegate_of(holding.account.address)


async def opened(scene: Scene, holding: Holding) -> list[Held]:
    """Return two sessions: one that was used on chain, and one that was not."""
    held = [await scene.open(holding, proof=Proof.CHAIN) for _ in range(2)]
    await scene.run(held[0], scene.transfer(USDC))
    return held


@pytest.mark.parametrize("owner_key", WHOLE)
async def test_no_session_of_before_works_when_the_account_comes_back(
    scene: Scene, owner_key: OwnerKey
) -> None:
    """Whether it was ever used on chain: each is revoked there before our code goes."""
    holding = await scene.wallet(owner_key)
    held = await opened(scene, holding)
    left = await leave(scene, holding)
    if owner_key is OwnerKey.OUTSIDE:
        assert (left.activity.state, left.alive) == (ActivityState.AWAITING, ())
        assert await code_of(scene, holding) == scene.deployment.implementation
        left = await leave(scene, holding, signature=await sign(scene, holding))
    assert left.activity.state is ActivityState.DONE
    assert await code_of(scene, holding) is None
    assert (await scene.delegate(holding)).state is ActivityState.DONE
    account_id = holding.account.id
    assert await alive_grants(scene.world, scene.principal, account_id=account_id) == ()
    for number, one in enumerate(held):
        assert await stage(scene, one) is GrantStage.REVOKED
        assert await state(scene, one.id) is State.REVOKED
        with pytest.raises(NodeError):
            bring(scene, one, one.session, scene.transfer(1), nonce=1 - number)


async def test_without_the_revocation_sessions_come_back_and_are_listed(scene: Scene) -> None:
    """The attack: the owner is made to undelegate past the server, and delegates again."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await opened(scene, holding)
    owner = DevKey(holding.secret or b"", holding.account.address)
    delegate(scene.rpc, scene.deployment.deployer, owner, NO_CODE)
    assert await code_of(scene, holding) is None
    found = await alive_grants(scene.world, scene.principal, account_id=holding.account.id)
    assert {one.session.id for one in found} == {one.id for one in held}
    with pytest.raises(Conflict, match="runs our code"):  # nothing can be revoked there now
        await leave(scene, holding)
    assert (await scene.delegate(holding)).state is ActivityState.DONE
    before = await scene.balance(ALICE)
    for number, one in enumerate(held):
        bring(scene, one, one.session, scene.transfer(1), nonce=1 - number)
    assert await scene.balance(ALICE) == before + 2


async def test_an_owner_outside_signs_nothing_while_a_session_is_alive(scene: Scene) -> None:
    """Neither is there anything to sign, nor is a signature taken that was made anyway."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(holding, proof=Proof.CHAIN)
    early = await sign_anyway(scene, holding)
    asked = await undelegation(scene.world, scene.principal, account_id=holding.account.id)
    assert (asked.nonce, asked.digest) == (None, None)
    assert [one.session.id for one in asked.alive] == [held.id]
    before = await dump(scene.world)
    with pytest.raises(Conflict) as refused:
        await leave(scene, holding, signature=early)
    assert refused.value.code is Code.SESSION_STATE
    assert await dump(scene.world) == before
    await leave(scene, holding)
    with pytest.raises(Malformed):
        await leave(scene, holding, signature=bytes(65))
    assert (await leave(scene, holding, signature=early)).activity.state is ActivityState.DONE


async def sign_anyway(scene: Scene, holding: Holding) -> bytes:
    """Sign as an owner does who does not ask."""
    nonce = await scene.chain.transaction_count(holding.account.address)
    digest = authorization(scene, NO_CODE, nonce)
    return secp256k1.sign_digest(digest, holding.secret or b"")


def authorization(scene: Scene, code: bytes, nonce: int) -> bytes:
    """Return what is signed to run *code*."""
    return delegation_digest(chain=scene.chain.chain, delegate=code, nonce=nonce)


async def test_an_owner_outside_moves_to_other_code_the_same_way(scene: Scene) -> None:
    """And this server signs for no code but its own, whatever it is asked."""
    outside = await scene.wallet(OwnerKey.OUTSIDE)
    held = await scene.open(outside, proof=Proof.CHAIN)
    await leave(scene, outside, to=ALICE)
    left = await leave(scene, outside, to=ALICE, signature=await sign(scene, outside, to=ALICE))
    assert left.activity.state is ActivityState.DONE
    assert await code_of(scene, outside) == ALICE
    assert await stage(scene, held) is GrantStage.REVOKED
    sealed = await scene.wallet(OwnerKey.SEALED)
    with pytest.raises(Forbidden, match="for its own code"):
        await leave(scene, sealed, to=MALLORY)
    with pytest.raises(Malformed, match="ours"):
        await leave(scene, sealed, to=scene.deployment.implementation)


async def test_no_session_begins_while_an_account_leaves(scene: Scene) -> None:
    """It would be alive when our code goes; and nothing waits for an owner for ever."""
    holding = await scene.wallet(OwnerKey.OUTSIDE)
    left = await leave(scene, holding)
    with pytest.raises(Conflict, match=left.activity.id):
        await open_session.open_session(
            scene.world, scene.principal, scene.request(), scene.command(holding, proof=Proof.CHAIN)
        )
    with pytest.raises(Conflict, match=left.activity.id):
        await scene.delegate(holding)
    second = await leave(scene, holding)
    assert (await again(scene, left.activity)).state is ActivityState.LAPSED
    scene.clock.advance(WAITS_S - 1)
    await reconcile(scene.world)
    assert (await again(scene, second.activity)).state is ActivityState.AWAITING
    scene.clock.advance(1)
    await reconcile(scene.world)
    assert (await again(scene, second.activity)).state is ActivityState.LAPSED
    assert (await scene.open(holding, proof=Proof.CHAIN)).session.state is State.OPEN


async def test_a_session_that_cannot_be_killed_keeps_the_code_where_it_is(scene: Scene) -> None:
    """Refused here, alive there: our code stays until its end is in a block."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    line = await fund_line(scene, Fund.STOPS)
    await scene.world.store.write(lambda tx: tx.put(replace(line, limit=0)))
    left = await leave(scene, holding)
    assert left.activity.state is ActivityState.AWAITING
    assert [one.session.id for one in left.alive] == [held.id]
    await scene.world.store.write(lambda tx: tx.put(line))
    for _ in range(3):
        scene.clock.advance(scene.world.bounds.watch_s)
        await reconcile(scene.world)
    assert (await again(scene, left.activity)).state is ActivityState.DONE
    assert await stage(scene, held) is GrantStage.REVOKED
    assert await code_of(scene, holding) is None


async def test_nobody_signs_before_the_kills_are_final(scene: Scene) -> None:
    """What a block could still take back is no end: so many blocks later it is signed."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    scene.with_bounds(confirmations=3, wait_s=0)
    left = await leave(scene, holding)
    await reconcile(scene.world)
    assert await stage(scene, held) is GrantStage.REVOKED
    waits = await undelegation(scene.world, scene.principal, account_id=holding.account.id)
    assert [(one.session.id, one.stage) for one in waits.alive] == [(held.id, GrantStage.REVOKED)]
    assert (await again(scene, left.activity)).state is ActivityState.AWAITING
    scene.rpc.ask("evm_mine")
    scene.rpc.ask("evm_mine")
    for _ in range(3):
        await reconcile(scene.world)
        scene.rpc.ask("evm_mine")
    await reconcile(scene.world)
    assert (await again(scene, left.activity)).state is ActivityState.DONE
    assert await code_of(scene, holding) is None


async def test_a_session_that_only_the_server_has_ended_is_killed_too(scene: Scene) -> None:
    """Idle for too long is over here alone; and one that somebody killed past us is over there."""
    holding = await scene.wallet()
    limits = scene.permission(relayer=scene.world.relayer_address)
    idle = await scene.open(holding, permission=limits, idle_s=60)
    killed = await scene.open(holding)
    await kill_past_us(scene, killed)
    scene.clock.advance(60)
    assert await state(scene, idle.id) is State.EXPIRED
    left = await leave(scene, holding)
    for _ in range(3):
        await reconcile(scene.world)
    assert (await again(scene, left.activity)).state is ActivityState.DONE
    assert await stage(scene, idle) is GrantStage.REVOKED


@pytest.mark.parametrize(
    "point",
    [
        "undelegate:before_plan",
        "undelegate:after_plan",
        "undelegate:before_sign",
        "undelegate:after_sign",
        "stop:after_open",
        "relay:after_plan",
        "relay:before_send",
        "relay:after_send",
    ],
)
async def test_an_account_that_was_cut_off_leaves_after_its_sessions(
    scene: Scene, point: str
) -> None:
    """Written down is carried out, and what was not has changed nothing."""
    holding = await scene.wallet()
    held = await scene.open(holding)
    before = await dump(scene.world)
    broken = replace(scene, world=replace(scene.world, checkpoint=CrashAt(point)))
    with pytest.raises(Crash):
        await leave(broken, holding)
    if point == "undelegate:before_plan":
        assert await dump(scene.world) == before
        return
    for _ in range(3):
        await reconcile(scene.world)
    assert await code_of(scene, holding) is None
    assert await stage(scene, held) is GrantStage.REVOKED


async def test_the_same_request_undelegates_once(scene: Scene) -> None:
    """A repeated request finds the activity that it made."""
    holding = await scene.wallet()
    request = scene.request()
    account_id = holding.account.id
    first, second = [
        await undelegate(
            scene.world, scene.principal, request, account_id=account_id, signature=None
        )
        for _ in range(2)
    ]
    assert first == second
    assert first.activity.state is ActivityState.DONE


async def test_only_its_organization_lets_an_account_leave(scene: Scene) -> None:
    """Neither a session, nor a parent, nor a stranger, nor nobody; and nothing is revoked."""
    child = await make_child(scene)
    holding = await scene.wallet(principal=child.principal)
    stranger = await make_stranger(scene)
    own = await scene.open(await scene.wallet())
    before = await dump(scene.world)
    for who, error in (
        (scene.principal, Forbidden),
        (stranger.principal, NotFound),
        (own.principal, Forbidden),
        (ANONYMOUS, Unauthenticated),
    ):
        with pytest.raises(error):
            await undelegate(
                scene.world, who, scene.request(), account_id=holding.account.id, signature=None
            )
    assert await dump(scene.world) == before
