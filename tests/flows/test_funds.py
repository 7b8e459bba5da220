"""Who may say how much gas an organization may spend."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.looks import fund_line
from tests.worlds import dump
from valetkey.core.activity import ActivityState
from valetkey.core.budget import BudgetLine, book
from valetkey.core.chain import Counter
from valetkey.core.errors import Forbidden, Malformed, NotFound
from valetkey.core.permission.decide import Deny
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows import budgets, funds
from valetkey.flows.gate import present

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal
    from valetkey.ports import Tx


async def give(scene: Scene, who: Principal, scope_id: str, limit: int) -> BudgetLine:
    """Set a fund as the route does."""
    command = budgets.SetBudget(scope_id, "fees", limit, 0)
    return await budgets.set_budget(scene.world, who, scene.request(), command)


async def test_a_parent_gives_its_child_of_its_own(stored: Scene) -> None:
    """All that it has not spent, and no more; what it takes back it has again."""
    child = await make_child(stored)
    most = 2 * stored.world.bounds.runs_fund_wei
    scope = f"{child.organization.id}:runs"
    for limit in (5, most, 7):
        assert (await give(stored, stored.principal, scope, limit)).limit == limit
        assert (await fund_line(stored, Fund.RUNS)).limit == most - limit
        with pytest.raises(Malformed, match=f"expected 0 to {most}"):
            await give(stored, stored.principal, scope, most + 1)


async def test_no_family_spends_more_than_its_funds(stored: Scene) -> None:
    """
    A parent that holds a key of its child tops it up, lets it spend, and tops it up again.

    In the end both together have spent at most what both were given.
    """
    child = await make_child(stored)
    given = 2 * stored.world.bounds.runs_fund_wei
    scope = f"{child.organization.id}:runs"
    key = fund_line_id(child.organization.id, Fund.RUNS)
    for limit in (given // 3, 0, given // 2, given // 5, given, given):
        await give(stored, stored.principal, scope, limit)
        await stored.world.store.write(lambda tx: spend(tx, key, given // 4))
    line = await stored.world.store.read(lambda view: present(view.get(BudgetLine, key), "fund"))
    own = await fund_line(stored, Fund.RUNS)
    assert line.counter.spent == given
    assert max(line.limit, line.counter.spent) + own.limit == given
    with pytest.raises(Malformed):
        await give(stored, stored.principal, scope, given + 1)
    await stored.world.store.write(lambda tx: tx.put(replace(line, counter=Counter(0, 0))))


def spend(tx: Tx, key: str, amount: int) -> None:
    """Book to a fund what fits, as a transaction does."""
    line = present(tx.get(BudgetLine, key), "fund")
    booked = book(line, min(amount, max(line.limit - line.counter.spent, 0)), now=0)
    if not isinstance(booked, Deny):
        tx.put(booked[0])


async def test_nobody_raises_their_own_fund(scene: Scene) -> None:
    """The money is the operator's; neither child nor root, and no stranger."""
    child = await make_child(scene)
    stranger = await make_stranger(scene)
    before = await dump(scene.world)
    for who, organization_id, error in (
        (child.principal, child.organization.id, Forbidden),
        (scene.principal, scene.founded.organization.id, Forbidden),
        (stranger.principal, child.organization.id, NotFound),
        (child.principal, scene.founded.organization.id, NotFound),
    ):
        for fund in Fund:
            with pytest.raises(error):
                await give(scene, who, f"{organization_id}:{fund}", 1)
    assert await dump(scene.world) == before


async def test_a_parent_takes_no_stops_from_its_child(scene: Scene) -> None:
    """A fund for stops is only raised."""
    child = await make_child(scene)
    with pytest.raises(Malformed):
        await give(scene, scene.principal, f"{child.organization.id}:stops", 0)


@pytest.mark.parametrize("scope", ["org_x:nothing", "org_x", ":runs", "usr_x:runs"])
async def test_what_names_no_fund_is_none(scene: Scene, scope: str) -> None:
    """Nothing is made by a wrong name."""
    before = await dump(scene.world)
    with pytest.raises((NotFound, Malformed)):
        await give(scene, scene.principal, scope, 1)
    assert await dump(scene.world) == before


async def test_the_operator_gives_what_they_like(stored: Scene) -> None:
    """An empty fund runs nothing; topped up, it does; the log says who did it."""
    organization_id = stored.founded.organization.id
    held = await stored.open(await stored.wallet())
    await funds.top_up(stored.world, organization_id=organization_id, fund=Fund.RUNS, limit_wei=0)
    refused = await stored.run(held, stored.transfer(1))
    assert refused.state is ActivityState.FAILED
    await funds.top_up(
        stored.world, organization_id=organization_id, fund=Fund.RUNS, limit_wei=10**19
    )
    assert (await stored.run(held, stored.transfer(1))).state is ActivityState.DONE
    assert (await fund_line(stored, Fund.RUNS)).limit == 10**19
