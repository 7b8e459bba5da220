"""What a test looks up: in the store, and on the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.budget import BudgetLine, Reservation, ReservationState
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows import budgets, reads

if TYPE_CHECKING:
    from tests.flows.scene import Held, Scene
    from valetkey.core.activity import Activity
    from valetkey.core.chain import GrantStage
    from valetkey.core.permission.decide import Spent
    from valetkey.core.session import State


async def again(scene: Scene, activity: Activity) -> Activity:
    """Return the activity as it is now."""
    return await reads.activity(scene.world, scene.principal, activity_id=activity.id)


async def reserved(scene: Scene, activity: Activity) -> ReservationState:
    """Return what became of the activity's reservation."""
    found = await scene.world.store.read(lambda view: view.get(Reservation, activity.id))
    assert found is not None
    return found.state


async def spent(scene: Scene, held: Held) -> Spent:
    """Return what the ledger has booked to a session."""
    shown = await reads.session(scene.world, scene.principal, session_id=held.id)
    return shown.usage.spent


async def state(scene: Scene, session_id: str) -> State:
    """Return the state of a session, time and use in it."""
    return (await reads.session(scene.world, scene.principal, session_id=session_id)).state


async def stage(scene: Scene, held: Held) -> GrantStage:
    """Return what the chain says of a session's grant."""
    assert held.session.grant is not None
    found = await scene.chain.grant_state(
        held.holding.account.address, held.session.grant.grant_id, counters=0
    )
    return found.stage


async def fund_line(scene: Scene, fund: Fund) -> BudgetLine:
    """Return the line that holds a fund of the scene's organization."""
    key = fund_line_id(scene.founded.organization.id, fund)
    line = await scene.world.store.read(lambda view: view.get(BudgetLine, key))
    assert line is not None
    return line


async def set_budget(scene: Scene, scope_id: str, limit: int, *, window_s: int = 0) -> None:
    """Let a wallet or user move no more than *limit* of the token."""
    command = budgets.SetBudget(scope_id, f"0x{scene.token.hex()}", limit, window_s)
    await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
