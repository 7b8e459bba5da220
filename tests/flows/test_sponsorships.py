"""Sponsorships, their rules and rulebooks: made, changed, switched off, deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.movers import sides
from tests.flows.sponsors import (
    ACCOUNT,
    CALLS,
    EVERYTHING,
    PROJECT,
    book,
    change,
    counted,
    gas,
    holder,
    planned,
    rule,
    shown,
    times,
    used,
)
from tests.flows.sponsors import sponsorship as make
from tests.worlds import CHAIN
from valetkey.core.audit import AuditLine
from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Conflict, Forbidden, NotFound
from valetkey.core.quota import Quota
from valetkey.core.sponsoring import Rulebook, Sponsored
from valetkey.flows import quotas, rulebooks, sponsorship_rules, sponsorships
from valetkey.flows.sponsoring import expect_sponsored
from valetkey.flows.sponsorships import Promise

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows.scene import Scene


async def asks(scene: Scene, one: str, *, account_id: str = "acc_1") -> None:
    """Ask whether a session's registration is paid."""
    wanted = Sponsored(CHAIN, account_id, bytes(20), "registering a session")
    owner, now = scene.principal.organization_id, scene.clock.now()
    await scene.world.store.read(lambda view: expect_sponsored(view, owner, one, wanted, now=now))


async def told(scene: Scene) -> list[str]:
    """Return what the log says of sponsorships and rulebooks, in order."""
    lines = await scene.world.store.read(lambda view: view.find(AuditLine))
    return [one.event for one in lines if one.event.startswith(("sponsorship:", "rulebook:"))]


async def count(scene: Scene) -> int:
    """Return how many of them are counted."""
    key = scene.principal.organization_id
    found = await quotas.usage(scene.world, scene.world.bounds, scene.principal, key=key)
    return next(one.current for one in found if one.quota is Quota.SPONSORSHIPS)


async def test_a_sponsorship_is_made_changed_switched_and_deleted(stored: Scene) -> None:
    """Each of it once, written down, and shown as it is."""
    world, who = stored.world, stored.principal
    request = stored.request()
    for _ in range(2):
        made = await sponsorships.add_sponsorship(world, who, request, Promise("till", CHAIN))
    one = made.sponsorship
    assert (one.name, one.chain, one.is_enabled, made.rules) == ("till", CHAIN, True, ())

    def renamed(now: Promise) -> Promise:
        return replace(now, name="shop", chain=None)

    changed = await sponsorships.change_sponsorship(
        world, who, stored.request(), sponsorship_id=one.id, change=renamed
    )
    assert (changed.sponsorship.name, changed.sponsorship.chain) == ("shop", None)
    off = await sponsorships.switch_sponsorship(
        world, who, stored.request(), sponsorship_id=one.id, is_enabled=False
    )
    assert not off.sponsorship.is_enabled
    assert await count(stored) == 1
    request = stored.request()
    for _ in range(2):
        gone = await sponsorships.remove_sponsorship(world, who, request, sponsorship_id=one.id)
    assert gone.sponsorship.is_deleted
    assert await count(stored) == 0
    assert await shown(world, who, one.id) == gone
    with pytest.raises(Conflict, match="not deleted"):
        await sponsorships.change_sponsorship(
            world, who, stored.request(), sponsorship_id=one.id, change=renamed
        )
    with pytest.raises(Conflict, match="not deleted"):
        await rule(stored, one, CALLS)
    assert await told(stored) == [
        "sponsorship:added",
        "sponsorship:changed",
        "sponsorship:changed",
        "sponsorship:removed",
    ]


async def test_rules_come_change_and_go(stored: Scene) -> None:
    """What a limit has counted stays with it, and goes with it."""
    held = await holder(stored)
    one = await make(stored, CALLS)
    limit = await rule(stored, one, times(5))
    await counted(stored, held, await planned(stored, held, one))
    world, who = stored.world, stored.principal
    less = await sponsorship_rules.change_rule(
        world, who, stored.request(), rule_id=limit.id, says=times(1)
    )
    assert await used(stored, less) == 1
    with pytest.raises(Forbidden) as refused:
        await counted(stored, held, await planned(stored, held, one))
    assert refused.value.code is Code.SPONSORSHIP_EXCEEDED
    request = stored.request()
    for _ in range(2):
        await sponsorship_rules.remove_rule(world, who, request, rule_id=limit.id)
    assert await world.store.read(lambda view: view.find(BudgetLine, scope_id=limit.id)) == []
    kept = (await shown(world, who, one.id)).rules
    assert [rule.clause for rule in kept] == [CALLS.clause]
    await counted(stored, held, await planned(stored, held, one))
    with pytest.raises(NotFound):
        await sponsorship_rules.remove_rule(world, who, stored.request(), rule_id=limit.id)
    assert (await told(stored))[-2:] == ["sponsorship:rule_changed", "sponsorship:rule_removed"]


async def test_a_rulebook_is_followed_and_asked_first(scene: Scene) -> None:
    """Changed, switched off and deleted, it is so for each that follows it."""
    rules = await book(scene)
    one = await make(scene, rulebook_id=rules.id)
    await asks(scene, one.id)
    nothing = ((replace(EVERYTHING, pays=False), "{}"),)
    await change(scene, rules.id, lambda now: replace(now, clauses=nothing))
    await rule(scene, one, ACCOUNT)
    with pytest.raises(Forbidden, match="a rule of the sponsorship refuses"):
        await asks(scene, one.id)
    await change(scene, rules.id, lambda now: replace(now, clauses=()))
    await asks(scene, one.id)
    changed = await change(
        scene, rules.id, lambda now: replace(now, is_enabled=False, priority=3, description="x")
    )
    assert (changed.priority, changed.description, changed.clauses) == (3, "x", ())
    with pytest.raises(Forbidden, match="are disabled"):
        await asks(scene, one.id)
    gone = await rulebooks.remove_rulebook(
        scene.world, scene.principal, scene.request(), rulebook_id=rules.id
    )
    assert await scene.world.store.read(lambda view: view.get(Rulebook, rules.id)) == gone
    with pytest.raises(Forbidden, match="were deleted"):
        await asks(scene, one.id)
    with pytest.raises(Conflict):
        await change(scene, rules.id, lambda now: now)
    with pytest.raises(NotFound):
        await make(scene, rulebook_id=rules.id)
    assert await count(scene) == 1


async def test_a_rulebook_for_one_account_is_for_no_other(scene: Scene) -> None:
    """And only for one that is there, of the organization itself."""
    holding = await scene.wallet()
    rules = await book(scene, replace(PROJECT, account_id=holding.account.id))
    one = await make(scene, rulebook_id=rules.id)
    await asks(scene, one.id, account_id=holding.account.id)
    with pytest.raises(Forbidden, match="another account"):
        await asks(scene, one.id)
    with pytest.raises(NotFound):
        await book(scene, replace(PROJECT, account_id="acc_none"))


async def test_they_move_with_their_organization(scene: Scene, tmp_path: Path) -> None:
    """Rules, rulebooks and what is counted; there they go on where they were."""
    held = await holder(scene)
    rules = await book(scene)
    one = await make(scene, CALLS, gas(10**18), rulebook_id=rules.id)
    limit = await rule(scene, one, times(5))
    run = await planned(scene, held, one)
    await counted(scene, held, run)
    await scene.sign(held, run)
    here, there = await sides(scene, tmp_path)
    key = scene.principal.organization_id
    await there.take(await here.export(key, there), signer=here.signer)
    scene.world = there.world
    found = await shown(scene.world, scene.principal, one.id)
    assert (len(found.rules), found.rulebook) == (3, rules)
    assert await used(scene, limit) == 1
    assert await count(scene) == 2
    scene.world = here.world
