"""What a new session leaves in the store, unless a budget above it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.flows.due import watch
from valetkey.flows.holds import hold_for_session
from valetkey.flows.leaving import expect_staying
from valetkey.flows.record import begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session, Usage
    from valetkey.flows.world import World
    from valetkey.ports import Tx


def write_opened(
    world: World, tx: Tx, principal: Principal, request: Request, opened: tuple[Session, Usage]
) -> None:
    """
    Write a new session down, with all that belongs to it.

    Raises:
        Malformed, Limited: Its holder could spend past a budget above it.
        Conflict: Its account is about to run other code.
    """
    session, usage = opened
    expect_staying(tx, session.account_id)
    hold_for_session(tx, session, now=world.clock.now())
    tx.add(session)
    tx.add(usage)
    if session.grant is not None:
        watch(tx, session, due_at=world.clock.now() + world.bounds.watch_s)
    permission = session.permission
    if permission is not None and permission.fee_budget_wei is not None:
        line = BudgetLine(
            id=line_id(session.id, FEES),
            organization_id=session.organization_id,
            scope_id=session.id,
            asset=FEES,
            limit=permission.fee_budget_wei,
            window_s=0,
            starts_at=session.starts_at,
            counter=Counter(0, 0),
        )
        tx.add(line)
    activity = begin(
        world,
        principal,
        request,
        "session:open",
        organization_id=session.organization_id,
        subject_id=session.id,
    )
    facts = {
        "proof": session.proof.value,
        "access": session.access.value,
        "state": session.state.value,
        "permission_id": session.permission_id or "",
    }
    write_down(tx, replace(activity, session_id=session.id), "session:opened", **facts)
