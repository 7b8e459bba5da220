"""Budgets above sessions: what a wallet or user may move, whatever its sessions allow."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.session import Session, State
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import begin, earlier, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

_ASSET: Final = re.compile("native|fees|0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class SetBudget:
    """
    A limit above sessions.

    Args:
        scope_id: A wallet's or user's id.
        asset: ``native``, a token's address in hex, or ``fees`` for what the sponsor pays: of a
            user and for the whole life only.
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

    Raises:
        Malformed: Nothing would ever be booked to such a budget.
        Conflict: A session is open whose holder could spend past it.
    """
    expect_secret(principal)
    _check(command)
    now = world.clock.now()

    def body(tx: Tx) -> BudgetLine:
        owner = _owner_of(tx, command.scope_id)
        expect_reach(tx, principal, owner, "wallet or user", widens=True)
        key = line_id(command.scope_id, command.asset, command.window_s)
        line = tx.get(BudgetLine, key)
        if earlier(tx, principal, request) is not None and line is not None:
            return line
        if line is None and command.asset != FEES:
            _refuse_past_it(tx, command.scope_id, now=now)
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


def _check(command: SetBudget) -> None:
    if not _ASSET.fullmatch(command.asset):
        expected = "native, fees, or 0x and 40 lower-case hex digits"
        raise _malformed("asset", expected, repr(command.asset[:48]))
    if command.limit < 0 or command.window_s < 0:
        got = f"{command.limit} and {command.window_s}"
        raise _malformed("limit, window_s", "0 or more", got)
    of_user = command.scope_id.startswith(f"{Prefix.USER}_")
    if command.asset == FEES and (command.window_s or not of_user):
        got = f"{command.scope_id[:32]!r} and {command.window_s}"
        raise _malformed("scope_id, window_s", "a user and 0 for a budget of fees", got)


def _malformed(where: str, expected: str, got: str) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected {expected}, got {got}")


def _refuse_past_it(view: View, scope_id: str, *, now: int) -> None:
    of_user = scope_id.startswith(f"{Prefix.USER}_")
    for state in (State.PENDING, State.OPEN, State.FROZEN):
        found = (
            view.find(Session, user_id=scope_id, state=state)
            if of_user
            else view.find(Session, wallet_id=scope_id, state=state)
        )
        for session in found:
            permission = session.permission
            is_alive = permission is not None and now < session.expires_at
            if is_alive and permission is not None and permission.relayer is None:
                detail = f"{session.id} does not bind the relayer: revoke it first"
                raise Conflict(Code.CONFLICT, f"expected sessions that stay within, {detail}")


def _owner_of(view: View, scope_id: str) -> str:
    wallet = view.get(Wallet, scope_id)
    if wallet is not None:
        return wallet.organization_id
    return present(view.get(User, scope_id), "wallet or user").organization_id
