"""What has become of a session between its key's signature and the chain."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.executing import act, ask, hold, sign
from tests.flows.scene import ALICE, CAP, USDC
from valetkey.core.activity import ActivityState
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import Code, Forbidden
from valetkey.core.execution import plan_execution, session_intent, signers_of
from valetkey.core.plan import plan_run
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, reads, reconcile, relay, stop
from valetkey.flows.grant import granted
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from tests.flows.people import Held
    from tests.flows.scene import Scene
    from valetkey.core.activity import Activity

OUTSIDE = OwnerKey.OUTSIDE


async def _stop(scene: Scene, held: Held, how: str) -> None:
    stopping = freeze.freeze if how == "freeze" else stop.revoke
    await stopping(scene.world, scene.principal, scene.request(), session_id=held.id)


async def _crash_while_signing(scene: Scene, held: Held, asked: Activity, point: str) -> None:
    """Let the process end at *point* while it takes the session key's signature."""
    sane = scene.world
    scene.world = replace(sane, checkpoint=CrashAt(point))
    with pytest.raises(Crash):
        await sign(scene, asked, held.secret, personal=True)
    scene.world = sane


async def _spent(scene: Scene, held: Held) -> tuple[int, int]:
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    return shown.usage.spent.calls, shown.usage.spent.counters[0].spent


@pytest.mark.parametrize("how", ["freeze", "revoke"])
@pytest.mark.parametrize(
    "point", ["execution:after_book", "relay:before_plan", "relay:after_plan", "relay:after_sign"]
)
async def test_what_was_signed_is_not_sent_after_a_stop(scene: Scene, how: str, point: str) -> None:
    """It lapses, what it held is given back, and the same signature does not bring it again."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    scene.with_bounds(wait_s=0)  # the stop waits behind the nonce of the run
    asked = await ask(scene, held.holding, scene.transfer(USDC))
    await _crash_while_signing(scene, held, asked, point)
    assert await _spent(scene, held) == (1, USDC)
    await _stop(scene, held, how)
    for _ in range(3):
        scene.clock.advance(2)
        await reconcile.reconcile(scene.world)
    lapsed = await sign(scene, asked, held.secret, personal=True)
    assert lapsed.state is ActivityState.LAPSED
    assert await scene.moved() == 0
    scene.clock.advance(scene.world.bounds.run_deadline_s)
    await reconcile.reconcile(scene.world)
    assert await _spent(scene, held) == (0, 0)


@pytest.mark.parametrize("point", ["execution:before_book", "execution:after_book"])
async def test_a_process_that_ends_while_it_books_leaves_one_of_two_states(
    scene: Scene, point: str
) -> None:
    """Still waiting, or ready: the next one brings it to the chain once."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    asked = await ask(scene, held.holding, scene.transfer(USDC))
    await _crash_while_signing(scene, held, asked, point)
    await reconcile.reconcile(scene.world)
    done = await sign(scene, asked, held.secret)
    assert done.state is ActivityState.DONE
    assert await scene.balance(ALICE) == USDC
    assert await _spent(scene, held) == (1, USDC)


@pytest.mark.parametrize("how", ["freeze", "revoke"])
async def test_a_stop_and_a_signature_at_once_are_one_after_the_other(
    scene: Scene, how: str
) -> None:
    """Either it was made before, or it is refused; what moved is what is counted."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    asked = [await ask(scene, held.holding, scene.transfer(USDC)) for _ in range(4)]
    signing = [sign(scene, one, held.secret) for one in asked]
    ended = await asyncio.gather(
        *signing[:2], _stop(scene, held, how), *signing[2:], return_exceptions=True
    )
    for one in ended:
        assert not isinstance(one, BaseException) or isinstance(one, Forbidden), one
    for _ in range(3):
        scene.clock.advance(scene.world.bounds.run_deadline_s)
        await reconcile.reconcile(scene.world)
    states = [(await relay.read_activity(scene.world, one.id)).state for one in asked]
    done = states.count(ActivityState.DONE)
    assert await scene.moved() == done * USDC
    assert await _spent(scene, held) == (done, done * USDC)
    with pytest.raises(Forbidden):
        await act(scene, held, scene.transfer(1))


async def _bring_past_the_store(scene: Scene, held: Held, amount: int) -> None:
    """Let the relayer's key bring what the store has not booked: another copy of the server."""
    account, session = held.holding.account, held.session
    shown = await reads.session(scene.world, scene.principal, session_id=session.id)
    grant, permission = granted(shown.session), shown.session.permission
    assert permission is not None
    calls, until = (scene.transfer(amount),), scene.clock.now() + 60
    plan = plan_execution(account, calls, nonce_key=b"\7" * 24, deadline=until)
    run = plan_run(grant, account, permission, calls, rules=(0,), nonce=7, deadline=until)
    made = secp256k1.sign_digest(plan.digest, held.secret)
    taken = signers_of(plan.digest, made)[0].signature
    intent = session_intent(grant, account, plan, run, signature=taken, first_use=True)
    sender = scene.world.relayer_address
    draft = Transaction(
        sender=sender,
        nonce=await scene.chain.transaction_count(sender),
        to=intent.to,
        value_wei=0,
        data=intent.data,
        gas_limit=500_000,
        fees=Fees(10**10, 10**9),
    )
    key = scene.world.payers.key_of(sender)
    signature = await scene.world.vault.sign(key, scene.chain.digest(draft))
    await scene.chain.send(scene.chain.seal(draft, signature).raw)


async def test_the_chains_refusal_names_the_caveat(scene: Scene) -> None:
    """What the ledger did not know when it booked, the simulation says: nothing is sent or kept."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    asked = await ask(scene, held.holding, scene.transfer(CAP))
    await _crash_while_signing(scene, held, asked, "execution:after_book")
    await _bring_past_the_store(scene, held, 1)
    await reconcile.reconcile(scene.world)
    failed = await sign(scene, asked, held.secret)
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.CAP_EXCEEDED
    assert failed.outcome.detail.startswith("caps[0].lifetime: ")
    assert await scene.moved() == 1
    reserved = ReservationState.RESERVED
    assert not await scene.world.store.read(lambda view: view.find(Reservation, state=reserved))
