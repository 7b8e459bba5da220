"""Alerts: once, when a budget comes near its end, refusals pile up, or money for gas runs out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child
from tests.flows.scene import MALLORY, USDC
from tests.worlds import dump
from valetkey.core.audit import AuditLine
from valetkey.core.budget import BudgetLine
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.event import BUDGET_80, REFUSAL_BURST, RELAYER_BALANCE_LOW
from valetkey.core.permission.model import Cap, Window
from valetkey.core.session import Proof
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.core.webhook import Delivery
from valetkey.flows import budgets, funds, move, webhooks
from valetkey.flows.alerts import look_at_balances

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene

URL = "https://shop.example/"


async def alerts(scene: Scene, event: str) -> list[AuditLine]:
    """Return the alerts of that kind, oldest first, of the scene's organization."""
    owner = scene.founded.organization.id
    lines = await scene.world.store.read(lambda view: view.find(AuditLine, organization_id=owner))
    return [one for one in lines if one.event == event]


async def listen(scene: Scene, *events: str) -> str:
    """Return the id of a webhook for *events*."""
    webhook, _ = await webhooks.add_webhook(
        scene.world, scene.principal, scene.request(), url=URL, events=events, label=""
    )
    return webhook.id


async def open_bound(scene: Scene, **permission: object) -> Held:
    """Return a session that binds the relayer, of a wallet of its own."""
    bound = scene.permission(relayer=scene.world.relayer_address, **permission)  # type: ignore[arg-type]
    return await scene.open(await scene.wallet(), permission=bound)


async def refuse(scene: Scene, held: Held) -> None:
    """Try to pay somebody who is not among the recipients."""
    with pytest.raises(Forbidden) as refused:
        await scene.run(held, scene.transfer(1, to=MALLORY))
    assert refused.value.code is Code.RECIPIENT_NOT_ALLOWED


async def test_eighty_percent_of_a_cap_is_told_once_a_window(scene: Scene) -> None:
    """At 80 %, not before; not again in the same window; again in the next."""
    caps = (Cap(scene.token, 6, window=Window(10 * USDC, 60)),)
    held = await open_bound(scene, caps=caps)
    await scene.run(held, scene.transfer(8 * USDC - 1))
    assert await alerts(scene, BUDGET_80) == []
    await scene.run(held, scene.transfer(1))
    (told,) = await alerts(scene, BUDGET_80)
    assert told.subject_id == held.session.id
    assert told.facts == {
        "asset": f"0x{scene.token.hex()}",
        "cap": told.facts["cap"],
        "limit": str(10 * USDC),
        "used": str(8 * USDC),
    }
    await scene.run(held, scene.transfer(USDC))
    assert len(await alerts(scene, BUDGET_80)) == 1
    scene.clock.advance(60)
    await scene.run(held, scene.transfer(9 * USDC))
    assert len(await alerts(scene, BUDGET_80)) == 2


async def test_eighty_percent_of_the_calls_is_told_once(scene: Scene) -> None:
    """The number of calls is a cap as well."""
    held = await open_bound(scene, max_calls=5)
    for _ in range(5):
        await scene.run(held, scene.transfer(1))
    (told,) = await alerts(scene, BUDGET_80)
    assert told.facts == {"cap": "calls", "limit": "5", "used": "4"}


async def test_eighty_percent_of_a_wallet_is_told_again_when_its_limit_changed(
    scene: Scene,
) -> None:
    """Another limit has an end of its own; what a refused run would have used counts nowhere."""
    held = await open_bound(scene)
    wallet = held.holding.wallet.id
    asset = f"0x{scene.token.hex()}"

    async def limit(amount: int) -> None:
        command = budgets.SetBudget(wallet, asset, amount, 0)
        await budgets.set_budget(scene.world, scene.principal, scene.request(), command)

    await limit(5 * USDC)
    with pytest.raises(Limited):
        await scene.run(held, scene.transfer(6 * USDC))
    assert await alerts(scene, BUDGET_80) == []
    await scene.run(held, scene.transfer(4 * USDC))
    await scene.run(held, scene.transfer(USDC))
    (told,) = await alerts(scene, BUDGET_80)
    assert (told.subject_id, told.facts["used"]) == (wallet, str(4 * USDC))
    await limit(6 * USDC)
    await scene.run(held, scene.transfer(1))
    assert [one.facts["limit"] for one in await alerts(scene, BUDGET_80)] == [
        str(5 * USDC),
        str(6 * USDC),
    ]


async def test_what_a_holder_could_spend_past_us_counts_as_used(scene: Scene) -> None:
    """A session that binds no relayer holds all it can move when it is opened."""
    holding = await scene.wallet()
    command = budgets.SetBudget(holding.wallet.id, f"0x{scene.token.hex()}", 24 * USDC, 0)
    await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
    await scene.open(holding, proof=Proof.CHAIN)
    (told,) = await alerts(scene, BUDGET_80)
    assert (told.subject_id, told.facts["used"]) == (holding.wallet.id, str(20 * USDC))


async def test_eighty_percent_of_a_fund_for_gas_is_told(scene: Scene) -> None:
    """Money of the sponsor comes to its end as caps do."""
    held = await open_bound(scene)
    owner = scene.founded.organization.id
    key = fund_line_id(owner, Fund.RUNS)
    await scene.run(held, scene.transfer(1))
    assert await alerts(scene, BUDGET_80) == []
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    much = line.counter.spent * 6
    await funds.top_up(scene.world, organization_id=owner, fund=Fund.RUNS, limit_wei=much)
    for _ in range(12):
        await scene.run(held, scene.transfer(1))
    (told,) = await alerts(scene, BUDGET_80)
    assert (told.facts["asset"], told.facts["limit"]) == ("fees", str(much))


async def test_a_burst_of_refusals_is_told_once(scene: Scene) -> None:
    """At the number that the operator set, within the time; beyond it nothing is written."""
    scene.with_bounds(refusals=3, refusals_s=60)
    await listen(scene, REFUSAL_BURST)
    held, other = await open_bound(scene), await open_bound(scene)
    await refuse(scene, held)
    await refuse(scene, held)
    await refuse(scene, other)
    assert await alerts(scene, REFUSAL_BURST) == []
    await refuse(scene, held)
    (told,) = await alerts(scene, REFUSAL_BURST)
    assert told.subject_id == held.session.id
    assert told.facts == {
        "refusals": "3",
        "window_s": "60",
        "last_code": "recipient_not_allowed",
    }
    before = await dump(scene.world)
    await refuse(scene, held)
    assert await dump(scene.world) == before


async def test_refusals_far_apart_are_no_burst(scene: Scene) -> None:
    """The count starts anew when the time is over."""
    scene.with_bounds(refusals=2, refusals_s=60)
    await listen(scene, "alert:*")
    held = await open_bound(scene)
    await refuse(scene, held)
    scene.clock.advance(60)
    await refuse(scene, held)
    assert await alerts(scene, REFUSAL_BURST) == []
    scene.clock.advance(59)
    await refuse(scene, held)
    assert len(await alerts(scene, REFUSAL_BURST)) == 1


async def test_a_refusal_that_nobody_wants_to_hear_of_leaves_nothing(scene: Scene) -> None:
    """Whoever tries at random does not make the store grow."""
    scene.with_bounds(refusals=1)
    await listen(scene, "session:*")
    held = await open_bound(scene)
    before = await dump(scene.world)
    await refuse(scene, held)
    assert await dump(scene.world) == before


async def test_little_money_for_gas_is_told_once_to_those_on_top(scene: Scene) -> None:
    """Once for each key and chain, until there was more in between; children are not told."""
    child = await make_child(scene)
    key = await listen(scene, RELAYER_BALANCE_LOW)
    await look_at_balances(scene.world)
    assert await alerts(scene, RELAYER_BALANCE_LOW) == []
    full = scene.world.bounds.low_balance_wei
    for _ in range(2):
        scene.with_bounds(low_balance_wei=10**24)
        await look_at_balances(scene.world)
        await look_at_balances(scene.world)
        scene.with_bounds(low_balance_wei=full)
        await look_at_balances(scene.world)
    told = await alerts(scene, RELAYER_BALANCE_LOW)
    assert [one.facts["role"] for one in told] == ["relayer", "stopper"] * 2
    assert told[0].subject_id == f"0x{scene.world.relayer_address.hex()}"
    assert told[0].facts["threshold_wei"] == str(10**24)
    lines = await scene.world.store.read(
        lambda view: view.find(AuditLine, organization_id=child.organization.id)
    )
    assert RELAYER_BALANCE_LOW not in {one.event for one in lines}
    waiting = await scene.world.store.read(lambda view: view.find(Delivery, webhook_id=key))
    assert len(waiting) == 4


async def test_a_chain_that_does_not_answer_has_no_balance(scene: Scene) -> None:
    """Silence is not poverty."""
    scene.with_bounds(low_balance_wei=10**24)
    scene.line.is_cut = True
    world = replace(scene.world)
    await look_at_balances(world)
    scene.line.is_cut = False
    assert await alerts(scene, RELAYER_BALANCE_LOW) == []


async def test_an_organization_that_has_left_is_told_nothing_more(scene: Scene) -> None:
    """Its log ends with its leaving: the archive that was made of it goes on elsewhere."""
    await move.leave(scene.world, scene.founded.organization.id, import_key=bytes(32))
    scene.with_bounds(low_balance_wei=10**24)
    await look_at_balances(scene.world)
    assert await alerts(scene, RELAYER_BALANCE_LOW) == []
