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
from valetkey.core.wallet import Wallet
from valetkey.flows.funds import fund_of_scope, set_fund
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.holds import expect_above_holds, hold_for_line
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MAX_LINES: Final = 64  # all are looked at in each run and opening below them
_ASSET: Final = re.compile("native|fees|0x[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class SetBudget:
    """
    A limit above sessions.

    Args:
        scope_id: A wallet's or user's id; ``org_…:runs`` or ``org_…:stops`` for a child's fund.
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
    Return the budget of a wallet or user, or the fund of a child, its limit changed.

    What is booked stays booked.

    Raises:
        Malformed: Nothing would ever be booked to such a budget.
        Conflict: Sessions are open whose holders could spend past it; they are named. Or there are
            `MAX_LINES` of the wallet or user already.
    """
    expect_secret(principal)
    if _is_fund(command):
        limit = command.limit
        return await set_fund(world, principal, request, scope_id=command.scope_id, limit_wei=limit)
    _check(command)
    now = world.clock.now()

    def body(tx: Tx) -> BudgetLine:
        owner = _owner_of(tx, command.scope_id)
        expect_reach(tx, principal, owner, "wallet or user", widens=True)
        key = line_id(command.scope_id, command.asset, command.window_s)
        line = tx.get(BudgetLine, key)
        if admit(world, tx, principal, request) is not None and line is not None:
            return line
        is_new = line is None
        line = line or _new_line(tx, command, owner, now=now)
        line = replace(line, limit=command.limit)
        if command.asset != FEES:
            if is_new:
                hold_for_line(tx, line, now=now)
            expect_above_holds(tx, line, now=now)
        tx.put(line)
        activity = begin(
            world, principal, request, "budget:set", organization_id=owner, subject_id=key
        )
        write_down(world, tx, activity, "budget:set", limit=str(command.limit))
        return line

    return await world.store.write(body)


def _new_line(view: View, command: SetBudget, owner: str, *, now: int) -> BudgetLine:
    if len(view.find(BudgetLine, scope_id=command.scope_id, limit=MAX_LINES)) == MAX_LINES:
        detail = f"expected at most {MAX_LINES} budgets of one wallet or user, got one more"
        raise Conflict(Code.CONFLICT, detail)
    return BudgetLine(
        id=line_id(command.scope_id, command.asset, command.window_s),
        organization_id=owner,
        scope_id=command.scope_id,
        asset=command.asset,
        limit=command.limit,
        window_s=command.window_s,
        starts_at=now,
        counter=Counter(0, 0),
    )


def _is_fund(command: SetBudget) -> bool:
    is_fees = command.asset == FEES and not command.window_s
    return is_fees and fund_of_scope(command.scope_id) is not None


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


def _owner_of(view: View, scope_id: str) -> str:
    wallet = view.get(Wallet, scope_id)
    if wallet is not None:
        return wallet.organization_id
    return present(view.get(User, scope_id), "wallet or user").organization_id
