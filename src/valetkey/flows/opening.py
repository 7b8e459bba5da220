"""What a new session leaves in the store, unless a budget above it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Malformed
from valetkey.flows.record import begin, write_down
from valetkey.flows.watch import watch

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session, Usage
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def write_opened(
    world: World, tx: Tx, principal: Principal, request: Request, opened: tuple[Session, Usage]
) -> None:
    """
    Write a new session down, with all that belongs to it.

    Raises:
        Malformed: Its holder could spend past a budget that only a server can count.
    """
    session, usage = opened
    _refuse_past_budgets(tx, session)
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


def _refuse_past_budgets(view: View, session: Session) -> None:
    """Refuse a session whose holder could spend past a budget that only a server can count."""
    permission = session.permission
    if permission is None or permission.relayer is not None:
        return
    for scope in (session.wallet_id, session.user_id):
        for line in view.find(BudgetLine, scope_id=scope) if scope else ():
            if line.asset != FEES:
                detail = f"budget {line.id}: only a server can count it; bind the relayer"
                raise Malformed(Code.NOT_ON_CHAIN, detail, caveat="relayer")
