"""What is refused of sponsorships, rules and rulebooks; nothing is changed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.family import make_stranger
from tests.flows.sponsors import CALLS, EVERYTHING, PROJECT, book, change, rule, shown, times
from tests.flows.sponsors import sponsorship as make
from tests.worlds import dump
from valetkey.core.errors import Conflict, Forbidden, Limited, Malformed, NotFound
from valetkey.core.scope import ROLES, Role
from valetkey.core.sponsor_limit import MAX_INTERVALS, Interval, Limit, LimitKind
from valetkey.core.sponsoring import MAX_RULES
from valetkey.flows import rulebooks, sponsorship_rules, sponsorships
from valetkey.flows.rulebooks import MAX_TEXT_CHARS, Draft
from valetkey.flows.sponsorship_rules import Says
from valetkey.flows.sponsorships import Promise

if TYPE_CHECKING:
    from tests.flows.scene import Scene


LONG: Final = "x" * (MAX_TEXT_CHARS + 1)
MALFORMED: Final = [
    Promise(LONG),
    Promise("till", description=LONG),
    Promise("till", chain="eip155:5"),
]


@pytest.mark.parametrize("promise", MALFORMED)
async def test_a_sponsorship_out_of_bounds_is_not_made(scene: Scene, promise: Promise) -> None:
    """Nothing is changed."""
    before = await dump(scene.world)
    with pytest.raises(Malformed):
        await sponsorships.add_sponsorship(scene.world, scene.principal, scene.request(), promise)
    assert await dump(scene.world) == before


BAD_LIMITS: Final = [
    Limit(LimitKind.COUNT_PER_INTERVAL, -1),
    Limit(LimitKind.GAS_PER_INTERVAL, 2**128),
    Limit(LimitKind.COUNT_PER_INTERVAL, 1, Interval.DAY, 0),
    Limit(LimitKind.COUNT_PER_INTERVAL, 1, Interval.DAY, MAX_INTERVALS + 1),
]


@pytest.mark.parametrize("limit", BAD_LIMITS)
async def test_a_limit_out_of_bounds_is_not_taken(scene: Scene, limit: Limit) -> None:
    """Neither as a new rule nor in place of one."""
    one = await make(scene)
    kept = await rule(scene, one, times(1))
    before = await dump(scene.world)
    with pytest.raises(Malformed):
        await rule(scene, one, Says(limit=limit))
    with pytest.raises(Malformed):
        await sponsorship_rules.change_rule(
            scene.world,
            scene.principal,
            scene.request(),
            rule_id=kept.id,
            says=Says(limit=limit),
        )
    assert await dump(scene.world) == before


BAD_DRAFTS: Final = [
    Draft("project", ((EVERYTHING, "{}"),) * (MAX_RULES + 1)),
    Draft("project", ((EVERYTHING, "x" * (rulebooks.MAX_CLAUSE_CHARS + 1)),)),
    Draft("project", (), description=LONG),
]


@pytest.mark.parametrize("draft", BAD_DRAFTS)
async def test_a_rulebook_out_of_bounds_is_not_taken(scene: Scene, draft: Draft) -> None:
    """Neither as a new one nor in place of one."""
    kept = await book(scene)
    before = await dump(scene.world)
    with pytest.raises(Malformed):
        await book(scene, draft)
    with pytest.raises(Malformed):
        await change(scene, kept.id, lambda _: draft)
    assert await dump(scene.world) == before


async def test_there_are_only_so_many(stored: Scene) -> None:
    """Sponsorships and rulebooks together, and rules of each."""
    stored.with_bounds(sponsorships=2)
    one = await make(stored)
    await book(stored)
    for refused in (make(stored), book(stored)):
        with pytest.raises(Limited) as told_why:
            await refused
        assert told_why.value.facts["quota"] == "sponsorships"
    for _ in range(MAX_RULES):
        await rule(stored, one, times(1))
    with pytest.raises(Conflict, match="at most 64 rules"):
        await rule(stored, one, times(1))


async def test_only_those_who_may_spend_make_them(scene: Scene) -> None:
    """An auditor's key reads them, and makes, changes and deletes none."""
    one, rules = await make(scene, CALLS), await book(scene)
    says = await rule(scene, one, times(1))
    who = scene.principal._replace(scopes=ROLES[Role.AUDITOR])
    world, request = scene.world, scene.request
    assert (await shown(world, who, one.id)).sponsorship == one
    before = await dump(world)
    for asked in (
        sponsorships.add_sponsorship(world, who, request(), Promise("x")),
        sponsorships.change_sponsorship(
            world, who, request(), sponsorship_id=one.id, change=lambda now: now
        ),
        sponsorships.switch_sponsorship(
            world, who, request(), sponsorship_id=one.id, is_enabled=False
        ),
        sponsorships.remove_sponsorship(world, who, request(), sponsorship_id=one.id),
        sponsorship_rules.add_rule(world, who, request(), sponsorship_id=one.id, says=CALLS),
        sponsorship_rules.change_rule(world, who, request(), rule_id=says.id, says=CALLS),
        sponsorship_rules.remove_rule(world, who, request(), rule_id=says.id),
        rulebooks.add_rulebook(world, who, request(), PROJECT),
        rulebooks.change_rulebook(
            world, who, request(), rulebook_id=rules.id, change=lambda now: now
        ),
        rulebooks.remove_rulebook(world, who, request(), rulebook_id=rules.id),
    ):
        with pytest.raises(Forbidden) as refused:
            await asked
        assert refused.value.facts == {"scope": "sponsorships:write"}
    assert await dump(world) == before


async def test_nobody_else_reaches_them(scene: Scene) -> None:
    """For another organization there is no such thing."""
    who = (await make_stranger(scene)).principal
    one, rules = await make(scene, CALLS), await book(scene)
    says = await rule(scene, one, times(1))
    world, request = scene.world, scene.request
    before = await dump(world)
    for asked in (
        shown(world, who, one.id),
        sponsorships.remove_sponsorship(world, who, request(), sponsorship_id=one.id),
        sponsorships.add_sponsorship(world, who, request(), Promise("x", rulebook_id=rules.id)),
        sponsorship_rules.add_rule(world, who, request(), sponsorship_id=one.id, says=CALLS),
        sponsorship_rules.change_rule(world, who, request(), rule_id=says.id, says=CALLS),
        sponsorship_rules.remove_rule(world, who, request(), rule_id=says.id),
        rulebooks.remove_rulebook(world, who, request(), rulebook_id=rules.id),
    ):
        with pytest.raises(NotFound):
            await asked
    assert await dump(world) == before
