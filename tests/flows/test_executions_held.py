"""Calls that a session key signs, though nobody knew that it would: runs under its session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import act, ask, bring, hold, publishable, sign, signature_of
from tests.flows.scene import ALICE, CAP, HOUR_S, MALLORY, USDC
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.execution import LIFE_S
from valetkey.core.permission.model import Anything, Call, Cap, WideRule, Window
from valetkey.core.surface import Surface
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, reads, stop

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.session import Usage

OUTSIDE = OwnerKey.OUTSIDE


async def _usage(scene: Scene, held: Held) -> Usage:
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    return shown.usage


async def _refused(scene: Scene, held: Held, *calls: Call) -> Forbidden:
    """Expect that nothing changes when the session's key signs *calls*, and return why."""
    asked = await ask(scene, held.holding, *calls)
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await sign(scene, asked, held.secret, personal=True)
    assert await dump(scene.world) == before
    return refused.value


@pytest.mark.parametrize("personal", [True, False])
async def test_a_session_key_signs_what_its_session_may(scene: Scene, *, personal: bool) -> None:
    """The same digest in either form; first use or not, it is a run, booked and counted as one."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    for count in (1, 2):
        done = await act(scene, held, scene.transfer(USDC), scene.transfer(USDC), personal=personal)
        assert done.state is ActivityState.DONE
        assert done.session_id == held.id
        assert done.run is not None
        assert done.run.nonce == count - 1
        assert await scene.balance(ALICE) == 2 * count * USDC
    usage = await _usage(scene, held)
    assert (usage.spent.calls, usage.spent.counters[0].spent) == (4, 4 * USDC)
    assert usage.last_used_at == scene.clock.now()


async def test_nothing_at_all_is_one_use(scene: Scene) -> None:
    """An empty batch is not free: it uses one call and one nonce."""
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=scene.permission(max_calls=1))
    assert (await act(scene, held)).state is ActivityState.DONE
    assert (await _usage(scene, held)).spent.calls == 1
    assert (await _refused(scene, held)).code is Code.SESSION_EXHAUSTED


async def test_what_the_permission_does_not_allow_stays_unsigned(scene: Scene) -> None:
    """Each refusal names its caveat; the same plan can still be signed, by the owner."""
    limits = scene.permission(max_calls=3)
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=limits)
    plain = scene.transfer(USDC)
    for calls, code in (
        ([Call(MALLORY, 0, plain.data)], Code.TARGET_NOT_ALLOWED),
        ([scene.transfer(1, MALLORY)], Code.RECIPIENT_NOT_ALLOWED),
        ([Call(scene.token, 1, plain.data)], Code.VALUE_NOT_ALLOWED),
        ([scene.transfer(CAP), scene.transfer(1)], Code.CAP_EXCEEDED),
        ([plain] * 4, Code.TOO_MANY_CALLS),
    ):
        refused = await _refused(scene, held, *calls)
        assert refused.code is code
        assert refused.facts["caveat"]
    asked = await ask(scene, held.holding, scene.transfer(1, MALLORY))
    with pytest.raises(Forbidden):
        await sign(scene, asked, held.secret)
    assert (await sign(scene, asked, held.holding.secret)).state is ActivityState.DONE
    assert await scene.balance(MALLORY) == 1


async def test_no_key_sends_value_without_a_cap(scene: Scene) -> None:
    """The widest permission carries none, unless it says how much."""
    wide = scene.permission(
        rules=(), caps=(), recipients=Anything(), wide_rules=(WideRule(Anything()),)
    )
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=wide)
    refused = await _refused(scene, held, Call(MALLORY, 1, b""))
    assert refused.code is Code.VALUE_NOT_ALLOWED
    done = await act(scene, held, Call(MALLORY, 0, b"\x01\x02\x03\x04"))
    assert done.state is ActivityState.DONE


async def test_a_key_signs_for_its_own_account(scene: Scene) -> None:
    """Neither a stranger, nor the session of another account or of another surface."""
    holding, other = await scene.wallet(OUTSIDE), await scene.wallet(OUTSIDE)
    elsewhere = await hold(scene, other)
    native = await hold(scene, holding, surface=Surface.NATIVE)
    asked = await ask(scene, holding, scene.transfer(USDC))
    before = await dump(scene.world)
    for key in (elsewhere.secret, native.secret, scene.new_key()):
        for personal in (False, True):
            with pytest.raises(Malformed) as refused:
                await sign(scene, asked, key, personal=personal)
            assert refused.value.code is Code.MALFORMED_SIGNATURE
    assert await dump(scene.world) == before


async def test_an_owner_with_a_session_of_its_own_key_is_the_owner(scene: Scene) -> None:
    """Who can sign everything is not held to less."""
    holding = await scene.wallet(OUTSIDE)
    held = await hold(scene, holding, secret=holding.secret)
    done = await act(scene, held, scene.transfer(1, MALLORY), personal=False)
    assert (done.state, done.run, done.session_id) == (ActivityState.DONE, None, None)
    assert (await _usage(scene, held)).spent.calls == 0


@pytest.mark.parametrize("how", ["revoke", "freeze", "pending", "expire", "before"])
async def test_a_session_that_is_not_in_use_signs_nothing(scene: Scene, how: str) -> None:
    """Whatever has become of it since the calls were asked for; they still wait."""
    holding = await scene.wallet(OUTSIDE)
    now = scene.clock.now()
    starts_at = now + 60 if how == "before" else now
    limits = scene.permission(starts_at=starts_at, expires_at=now + 600)
    held = await hold(scene, holding, permission=limits, is_signed=how != "pending")
    asked = await ask(scene, holding, scene.transfer(USDC))
    if how == "revoke":
        await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    elif how == "freeze":
        await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=held.id)
    elif how == "expire":
        scene.clock.advance(600)
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await sign(scene, asked, held.secret)
    assert (
        refused.value.code
        is {
            "revoke": Code.SESSION_REVOKED,
            "freeze": Code.SESSION_FROZEN,
            "pending": Code.SESSION_PENDING,
            "expire": Code.SESSION_EXPIRED,
            "before": Code.SESSION_NOT_STARTED,
        }[how]
    )
    assert await dump(scene.world) == before
    assert await scene.moved() == 0


async def test_the_same_signature_twice_is_one_run(scene: Scene) -> None:
    """From several at once, in both forms, and again when all is over: also for a dead session."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    asked = await ask(scene, held.holding, scene.transfer(USDC))
    page = await publishable(scene)
    forms = [signature_of(asked, held.secret, personal=one) for one in (True, False, True)]
    done = await asyncio.gather(*(bring(scene, asked, one, principal=page) for one in forms))
    await stop.revoke(scene.world, scene.principal, scene.request(), session_id=held.id)
    done.append(await bring(scene, asked, forms[0], principal=page))
    assert {one.id for one in done} == {asked.id}
    assert done[-1].state is ActivityState.DONE
    assert len(done[-1].attempts) == 1
    assert await scene.balance(ALICE) == USDC
    assert (await _usage(scene, held)).spent.calls == 1


async def test_more_wait_than_could_be_in_flight(scene: Scene) -> None:
    """Nothing is held by what is only asked for; what is signed is in any order."""
    held = await hold(scene, await scene.wallet(OUTSIDE))
    asked = [await ask(scene, held.holding, scene.transfer(1)) for _ in range(40)]
    assert await _held(scene) == []
    for one in reversed(asked):
        assert (await sign(scene, one, held.secret)).state is ActivityState.DONE
    assert await scene.balance(ALICE) == 40


async def _held(scene: Scene) -> list[Reservation]:
    reserved = ReservationState.RESERVED
    return await scene.world.store.read(lambda view: view.find(Reservation, state=reserved))


async def test_a_cap_cannot_be_raced(scene: Scene) -> None:
    """So many plans signed at once as are over it: what is refused waits, what passes is within."""
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=scene.permission(cap=10))
    amounts = [3, 4, 2, 5, 1, 3, 2, 6]
    asked = [await ask(scene, held.holding, scene.transfer(one)) for one in amounts]
    ended = await asyncio.gather(
        *(sign(scene, one, held.secret) for one in asked), return_exceptions=True
    )
    done = [one for one in ended if not isinstance(one, BaseException)]
    refused = [one for one in ended if isinstance(one, Forbidden)]
    assert len(done) + len(refused) == len(amounts)
    assert refused
    assert {one.code for one in refused} == {Code.CAP_EXCEEDED}
    assert {one.state for one in done} == {ActivityState.DONE}
    moved = await scene.moved()
    assert moved == (await _usage(scene, held)).spent.counters[0].spent
    assert 10 - min(6, 10) < moved <= 10


async def test_a_reverting_call_burns_nothing(scene: Scene) -> None:
    """Neither a use nor a nonce nor an amount: it is given back at once."""
    limits = scene.permission(cap=10**12, max_calls=1)
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=limits)
    failed = await act(scene, held, scene.transfer(10**10))
    assert failed.state is ActivityState.FAILED
    assert failed.outcome is not None
    assert failed.outcome.code == Code.CALL_REVERTED
    assert failed.fees == ()
    assert await _held(scene) == []
    assert (await _usage(scene, held)).spent.calls == 0
    assert (await act(scene, held, scene.transfer(1))).state is ActivityState.DONE


async def test_a_run_never_outlives_its_window_nor_its_plan(scene: Scene) -> None:
    """The deadline of the run is the earliest of all: plan, window, and the operator's bound."""
    cap = Cap(scene.token, 6, window=Window(CAP, HOUR_S // 2))
    held = await hold(scene, await scene.wallet(OUTSIDE), permission=scene.permission(caps=(cap,)))
    deadline_s = scene.world.bounds.run_deadline_s
    done = await act(scene, held, scene.transfer(1))
    assert done.run is not None
    assert done.run.deadline == scene.clock.now() + deadline_s
    asked = await ask(scene, held.holding, scene.transfer(1))
    scene.clock.advance(HOUR_S // 2 - 10)
    done = await sign(scene, asked, held.secret)
    assert done.run is not None
    assert done.run.deadline == held.session.starts_at + HOUR_S // 2
    asked = await ask(scene, held.holding, scene.transfer(1))
    scene.clock.advance(LIFE_S - 5)
    done = await sign(scene, asked, held.secret)
    assert done.run is not None
    assert asked.execution is not None
    assert done.run.deadline == asked.execution.deadline
    assert done.state is ActivityState.DONE
