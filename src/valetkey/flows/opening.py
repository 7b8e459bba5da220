"""What a new session leaves in the store, unless a budget above it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Conflict
from valetkey.core.session import Session, State, Usage, state_of
from valetkey.flows.due import watch
from valetkey.flows.gate import present
from valetkey.flows.holds import hold_for_session
from valetkey.flows.leaving import expect_staying
from valetkey.flows.record import begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx

_OVER = frozenset({State.REVOKED, State.EXPIRED, State.CLOSED})


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


def refuse_shared_key(world: World, tx: Tx, session: Session) -> None:
    """
    Let pass unless the key of *session* holds a session of another account that is not over.

    Raises:
        Conflict: It does.
    """
    if session.key_index is None:
        return
    now = world.clock.now()
    for other in tx.find(Session, key_index=session.key_index, newest_first=True):
        usage = present(tx.get(Usage, other.id), "session")
        alive = state_of(other, usage, now=now) not in _OVER
        if not alive:
            continue
        is_same = other.key == session.key  # the same bytes may be a point on either curve
        if is_same and other.account_id != session.account_id:
            detail = "this key holds a session of another account; take a new key for each account"
            raise Conflict(Code.SESSION_KEY_IN_USE, detail)
