"""An organization that sponsors, and runs that name a sponsorship."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.flows.scene import USDC
from tests.worlds import CHAIN
from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import BudgetLine
from valetkey.core.session import Proof
from valetkey.core.sponsor_limit import Interval, Limit, LimitKind
from valetkey.core.sponsoring import About, Clause, Sponsored
from valetkey.flows import rulebooks, sponsorship_rules, sponsorships
from valetkey.flows.gate import present
from valetkey.flows.rulebooks import Draft
from valetkey.flows.sponsoring import count_sponsored, sponsor_of
from valetkey.flows.sponsorship_rules import Says
from valetkey.flows.sponsorships import Promise

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flows.scene import Held, Scene
    from valetkey.core.principal import Principal
    from valetkey.core.sponsoring import Rulebook, Sponsorship, SponsorshipRule
    from valetkey.flows.sponsoring import Sponsor
    from valetkey.flows.world import World
    from valetkey.ports import Tx

CALLS: Final = Says(clause=Clause(pays=True, about=About.CALLS))
EVERYTHING: Final = Clause(pays=True, about=About.BOTH)
PROJECT: Final = Draft("project", ((EVERYTHING, "{}"),))
ACCOUNT: Final = Says(clause=Clause(pays=True, about=About.ACCOUNT))


def times(most: int, interval: Interval = Interval.MINUTE) -> Says:
    """Return a limit of uses."""
    return Says(limit=Limit(LimitKind.COUNT_PER_INTERVAL, most, interval))


def gas(most_wei: int, kind: LimitKind = LimitKind.GAS_PER_INTERVAL) -> Says:
    """Return a limit of gas."""
    return Says(limit=Limit(kind, most_wei, Interval.MINUTE))


async def sponsorship(scene: Scene, *rules: Says, **changed: str) -> Sponsorship:
    """Return a sponsorship with these rules."""
    promise = replace(Promise("till"), **changed)
    made = await sponsorships.add_sponsorship(
        scene.world, scene.principal, scene.request(), promise
    )
    for says in rules:
        await rule(scene, made.sponsorship, says)
    return made.sponsorship


async def shown(world: World, who: Principal, sponsorship_id: str) -> Sponsor:
    """Return a sponsorship of *who*'s organization, with its rules."""
    owner = who.organization_id
    return await world.store.read(lambda view: sponsor_of(view, owner, sponsorship_id))


async def rule(scene: Scene, one: Sponsorship, says: Says) -> SponsorshipRule:
    """Return one more rule of a sponsorship."""
    return await sponsorship_rules.add_rule(
        scene.world, scene.principal, scene.request(), sponsorship_id=one.id, says=says
    )


async def holder(scene: Scene) -> Held:
    """Return a session whose holder signs, and whose runs come from our relayer alone."""
    limits = scene.permission(relayer=scene.world.relayer_address)
    return await scene.open(await scene.wallet(), proof=Proof.CHAIN, permission=limits)


def asked(held: Held, activity: Activity) -> Sponsored:
    """Return what a run asks a sponsorship for."""
    account, calls = held.holding.account, activity.run.calls if activity.run else ()
    return Sponsored(CHAIN, account.id, account.address, calls=calls)


async def planned(scene: Scene, held: Held, one: Sponsorship) -> Activity:
    """Return a run that names a sponsorship and waits for its signature."""
    run = await scene.ask(held, scene.transfer(USDC))
    assert run.state is ActivityState.AWAITING
    named = replace(run, sponsorship_id=one.id)
    await scene.world.store.write(lambda tx: tx.put(named))
    return named


async def counted(scene: Scene, held: Held, activity: Activity) -> Activity:
    """Return the run, counted as it is in the transaction that makes it ready."""

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        ready = count_sponsored(scene.world, tx, fresh, asked(held, fresh))
        tx.put(ready)
        return ready

    return await scene.world.store.write(body)


async def used(scene: Scene, says: SponsorshipRule) -> int:
    """Return what a rule has counted in the window that it has reached."""
    lines = await scene.world.store.read(lambda view: view.find(BudgetLine, scope_id=says.id))
    return lines[0].counter.spent if lines else 0


async def book(scene: Scene, draft: Draft = PROJECT) -> Rulebook:
    """Return a new rulebook."""
    return await rulebooks.add_rulebook(scene.world, scene.principal, scene.request(), draft)


async def change(scene: Scene, key: str, how: Callable[[Draft], Draft]) -> Rulebook:
    """Return a rulebook, changed."""
    return await rulebooks.change_rulebook(
        scene.world, scene.principal, scene.request(), rulebook_id=key, change=how
    )
