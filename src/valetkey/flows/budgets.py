"""Budgets above sessions: what a wallet or user may move, whatever its sessions allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.budget import BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.organization import User
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import begin, earlier, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class SetBudget:
    """
    A limit above sessions.

    Args:
        scope_id: A wallet's or user's id.
        asset: ``native``, a token's address in hex, or ``fees``.
        window_s: 0 for the whole life.
    """

    scope_id: str
    asset: str
    limit: int
    window_s: int


async def set_budget(
    world: World, principal: Principal, request: Request, command: SetBudget
) -> BudgetLine:
    """
    Return the budget of a wallet or user, its limit changed.

    What is booked stays booked.
    """
    expect_secret(principal)
    now = world.clock.now()

    def body(tx: Tx) -> BudgetLine:
        owner = _owner_of(tx, command.scope_id)
        expect_reach(tx, principal, owner, "wallet or user", widens=True)
        key = line_id(command.scope_id, command.asset, command.window_s)
        line = tx.get(BudgetLine, key)
        if earlier(tx, principal, request) is not None and line is not None:
            return line
        line = line or BudgetLine(
            id=key,
            organization_id=owner,
            scope_id=command.scope_id,
            asset=command.asset,
            limit=command.limit,
            window_s=command.window_s,
            starts_at=now,
            counter=Counter(0, 0),
        )
        line = replace(line, limit=command.limit)
        tx.put(line)
        activity = begin(
            world, principal, request, "budget:set", organization_id=owner, subject_id=key
        )
        write_down(tx, activity, "budget:set", limit=str(command.limit))
        return line

    return await world.store.write(body)


def _owner_of(view: View, scope_id: str) -> str:
    wallet = view.get(Wallet, scope_id)
    if wallet is not None:
        return wallet.organization_id
    return present(view.get(User, scope_id), "wallet or user").organization_id
