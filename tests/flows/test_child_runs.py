"""Runs of child sessions: made under the root's grant, and counted against all above."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash, CrashAt
from tests.flows.looks import again, reserved, set_budget, spent
from tests.flows.scene import ALICE, BOB, CAP, HOUR_S, USDC
from tests.flows.tree import open_child
from tests.worlds import dump
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import BudgetLine, ReservationState, line_id
from valetkey.core.errors import Code, Forbidden, Limited, Malformed, NotFound
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import Cap, Rate, Window
from valetkey.core.session import State
from valetkey.core.wallet import OwnerKey
from valetkey.flows import freeze, lists, preview, reads, reconcile, stop

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.permission.verdict import Spent


async def test_a_run_of_a_child_is_booked_on_every_session_above_it(stored: Scene) -> None:
    """It reaches the chain under the root's grant, signed by the key that is here."""
    root = await stored.open(await stored.wallet())
    child = await open_child(stored, root, permission=stored.permission(cap=5 * USDC))
    below = await open_child(stored, child, permission=stored.permission(cap=3 * USDC))
    done = await stored.run(below, stored.transfer(2 * USDC))
    assert (done.state, done.session_id) == (ActivityState.DONE, below.id)
    assert await stored.moved() == 2 * USDC
    for one in (root, child, below):
        booked = await spent(stored, one)
        assert (booked.calls, booked.counters[0].spent) == (1, 2 * USDC)
    refused = await _refused(stored, below, 2 * USDC)
    assert (refused.code, refused.facts["caveat"]) == (Code.CAP_EXCEEDED, "caps[0].lifetime")
    await stored.run(child, stored.transfer(2 * USDC))
    refused = await _refused(stored, below, USDC + 1)
    assert refused.code is Code.CAP_EXCEEDED
    await stored.run(root, stored.transfer(CAP - 4 * USDC))
    refused = await _refused(stored, below, USDC)
    assert refused.facts["caveat"] == f"{root.id}/caps[0].lifetime"
    assert await stored.moved() == CAP


async def test_children_together_stay_within_what_is_above(scene: Scene) -> None:
    """Each may spend all of it; together they spend it once."""
    root = await scene.open(await scene.wallet())
    children = [await open_child(scene, root) for _ in range(3)]
    asked = [scene.run(one, scene.transfer(CAP // 4)) for one in (*children, root) * 2]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Forbidden) for one in made) == 4
    assert await scene.moved() == CAP


@pytest.mark.parametrize("limit", ["max_calls", "rate", "window"])
async def test_every_count_of_an_ancestor_holds(scene: Scene, limit: str) -> None:
    """Calls, calls in a window, and amounts in a window are shared."""
    limits = {
        "max_calls": scene.permission(max_calls=2),
        "rate": scene.permission(rate=Rate(2, 600)),
        "window": scene.permission(caps=(Cap(scene.token, 6, window=Window(2, 600)),)),
    }[limit]
    root = await scene.open(await scene.wallet(), permission=limits)
    one, other = await open_child(scene, root), await open_child(scene, root)
    await scene.run(one, scene.transfer(1))
    await scene.run(other, scene.transfer(1))
    codes = {
        "max_calls": Code.SESSION_EXHAUSTED,
        "rate": Code.RATE_EXCEEDED,
        "window": Code.CAP_EXCEEDED,
    }
    refused = await _refused(scene, one, 1)
    assert refused.code is codes[limit]
    assert str(refused.facts["caveat"]).startswith(root.id)


async def test_a_child_makes_no_run_that_its_own_permission_refuses(scene: Scene) -> None:
    """However much is left above it."""
    root = await scene.open(await scene.wallet())
    child = await open_child(scene, root, permission=scene.permission(recipients=(ALICE,)))
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await scene.run(child, scene.transfer(1, BOB))
    assert refused.value.code is Code.RECIPIENT_NOT_ALLOWED
    assert await dump(scene.world) == before
    assert (await scene.run(root, scene.transfer(1, BOB))).state is ActivityState.DONE


@pytest.mark.parametrize("how", ["freeze", "revoke", "close", "expire", "idle"])
@pytest.mark.parametrize("level", [0, 1])
async def test_no_run_is_made_below_what_is_not_in_use(scene: Scene, how: str, level: int) -> None:
    """Neither the parent nor one further up; nothing is booked, nothing is signed."""
    idle_s = 60 if how == "idle" else None
    root = await scene.open(await scene.wallet(), idle_s=idle_s if level == 0 else None)
    middle = await open_child(scene, root, idle_s=idle_s if level == 1 else None)
    child = await open_child(scene, middle)
    stopped = (root, middle)[level]
    if how == "freeze":
        await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=stopped.id)
    elif how == "revoke":
        await stop.revoke(scene.world, scene.principal, scene.request(), session_id=stopped.id)
    elif how == "close":
        await stop.close(scene.world, stopped.principal, scene.request())
    else:
        scene.clock.advance(HOUR_S if how == "expire" else 60)
    refused = await _refused(scene, child, 1)
    assert refused.code.value.startswith("session_")
    verdict = await preview.preview(
        scene.world, scene.principal, session_id=child.id, calls=[scene.transfer(1)]
    )
    assert isinstance(verdict, Deny)
    assert verdict.code is refused.code


async def test_a_run_that_is_planned_is_given_up_when_one_above_is_stopped(scene: Scene) -> None:
    """It was booked and signed; nobody had brought it to the chain yet."""
    root = await scene.open(await scene.wallet())
    child = await open_child(scene, await open_child(scene, root))
    scene.line.refused["eth_estimateGas"] = scene.line.refused["eth_call"] = "not now"
    planned = await scene.run(child, scene.transfer(USDC))
    assert planned.state is ActivityState.READY
    await freeze.freeze(scene.world, scene.principal, scene.request(), session_id=root.id)
    scene.line.refused.clear()
    await reconcile.reconcile(scene.world)
    outcome = (await again(scene, planned)).outcome
    assert outcome is not None
    assert outcome.code == "session_frozen"
    assert await reserved(scene, planned) is ReservationState.RELEASED
    assert await scene.moved() == 0


async def test_what_is_given_back_is_given_back_once_and_to_everybody(scene: Scene) -> None:
    """A run that the chain refuses costs nobody anything, however often it is settled."""
    root = await scene.open(await scene.wallet(), permission=scene.permission(max_calls=9))
    child = await open_child(scene, await open_child(scene, root))
    await scene.run(child, scene.transfer(USDC))
    scene.line.refused["eth_estimateGas"] = scene.line.refused["eth_call"] = "not now"
    planned = await scene.run(child, scene.transfer(2 * USDC))
    assert (await spent(scene, root)).counters[0].spent == 3 * USDC
    scene.clock.advance(scene.world.bounds.run_deadline_s)
    scene.line.refused.clear()
    scene.rpc.ask("evm_mine")
    for _ in range(3):
        await reconcile.reconcile(scene.world)
    assert await reserved(scene, planned) is ReservationState.RELEASED
    for one in await _line(scene, child):
        assert (one.calls, one.counters[0].spent) == (1, USDC)


async def test_budgets_and_fees_above_are_booked_once(scene: Scene) -> None:
    """A wallet's budget is the line's; a fee budget is each session's own."""
    holding = await scene.wallet()
    root = await scene.open(holding, permission=scene.permission(fee_budget_wei=10**17))
    small = scene.permission(fee_budget_wei=10**16)
    child = await open_child(scene, root, permission=small)
    await set_budget(scene, holding.wallet.id, 3 * USDC)
    await scene.run(child, scene.transfer(2 * USDC))
    key = line_id(holding.wallet.id, f"0x{scene.token.hex()}")
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    assert line.counter.spent == 2 * USDC
    with pytest.raises(Limited) as refused:
        await scene.run(child, scene.transfer(2 * USDC))
    assert refused.value.code is Code.BUDGET_EXCEEDED
    fees = await scene.world.store.read(
        lambda view: [view.get(BudgetLine, line_id(one.id, "fees")) for one in (root, child)]
    )
    booked = [one.counter.spent for one in fees if one is not None]
    assert len(booked) == 2
    assert booked[0] == booked[1] > 0


async def test_what_the_chain_says_of_the_root_counts_for_its_children(scene: Scene) -> None:
    """The owner ends or freezes the grant past us: no child runs, and all of them are over."""
    root = await scene.open(await scene.wallet(OwnerKey.OUTSIDE))
    child = await open_child(scene, root)
    await scene.run(child, scene.transfer(USDC))
    await scene.world.store.write(lambda tx: stop.note_killed(scene.world, tx, session_id=root.id))
    refused = await _refused(scene, child, 1)
    assert refused.code is Code.SESSION_REVOKED
    shown = await reads.session(scene.world, scene.principal, session_id=child.id)
    assert shown.state is State.REVOKED
    assert shown.session.steps[-1].plane == "chain"


async def test_a_holder_signs_no_run_of_a_child(scene: Scene) -> None:
    """Its key is not the one that the contract knows; the server's is."""
    root = await scene.open(await scene.wallet())
    child = await open_child(scene, root)
    world, request = scene.world, scene.request()
    scene.world = replace(world, checkpoint=CrashAt("run:after_book"))
    with pytest.raises(Crash):
        await scene.ask(child, scene.transfer(1), request=request)
    scene.world = world
    planned = (await _awaiting(scene))[0]
    for who, kind in ((child, Malformed), (root, NotFound)):
        with pytest.raises(kind):
            await scene.sign(who, planned)
    assert (await scene.ask(child, scene.transfer(1), request=request)).id == planned.id
    assert await scene.moved() == 1


async def test_no_tree_of_runs_spends_more_than_any_session_of_it_may(scene: Scene) -> None:
    """Drawn trees, drawn runs, many at once: no session's permission is passed by those below."""
    draw = random.Random(4)  # noqa: S311 - the same tree each time
    root = await scene.open(await scene.wallet(), permission=scene.permission(max_calls=40))
    caps = {root.id: CAP}
    tree = [root]
    for _ in range(8):
        parent = draw.choice([one for one in tree if one.session.depth < 3])
        cap = draw.randint(1, caps[parent.id] // USDC) * USDC
        limits = scene.permission(cap=cap, max_calls=draw.randint(1, 9))
        if (limits.max_calls or 0) > (parent.session.permission or limits).max_calls:  # type: ignore[operator]
            limits = replace(limits, max_calls=(parent.session.permission or limits).max_calls)
        tree.append(await open_child(scene, parent, permission=limits))
        caps[tree[-1].id] = cap
    for _ in range(6):
        runs = [
            scene.run(draw.choice(tree), scene.transfer(draw.randint(1, 4) * USDC))
            for _ in range(5)
        ]
        for one in await asyncio.gather(*runs, return_exceptions=True):
            assert not isinstance(one, BaseException) or isinstance(one, Forbidden | Limited)
    paid = {one.id: 0 for one in tree}
    lines = {one.id: await _ids(scene, one) for one in tree}
    done, _ = await lists.activities(
        scene.world, scene.principal, organization_id=scene.founded.organization.id
    )
    for activity in done:
        if activity.kind == "run" and activity.run and activity.session_id:
            amount = sum(int.from_bytes(call.data[36:68]) for call in activity.run.calls)
            for above in lines[activity.session_id]:
                paid[above] += amount
    assert sum(paid.values()) > 0
    assert all(paid[one.id] <= caps[one.id] for one in tree)
    assert await scene.moved() == paid[root.id]


async def _awaiting(scene: Scene) -> list[Activity]:
    return await scene.world.store.read(lambda view: view.find(Activity, settled=0))


async def _refused(scene: Scene, held: Held, amount: int) -> Forbidden:
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(amount))
    assert await dump(scene.world) == before
    return refused.value


async def _ids(scene: Scene, held: Held) -> list[str]:
    found: list[str] = []
    key: str | None = held.id
    while key is not None:
        found.append(key)
        key = (await reads.session(scene.world, scene.principal, session_id=key)).session.parent_id
    return found


async def _line(scene: Scene, held: Held) -> list[Spent]:
    return [
        (await reads.session(scene.world, scene.principal, session_id=one)).usage.spent
        for one in await _ids(scene, held)
    ]
