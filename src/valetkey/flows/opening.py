"""What every opening of a session has in common, and what it leaves in the store."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.child_session import OVER
from valetkey.core.errors import Code, Conflict, Limited
from valetkey.core.permission.decide import Spent, nothing_spent
from valetkey.core.permission.decimals import capped_tokens, check_decimals
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Proof, Session, State, Usage, state_of
from valetkey.core.token import TOKEN_BYTES, make_token
from valetkey.flows.counts import count_session
from valetkey.flows.due import watch
from valetkey.flows.gate import present
from valetkey.flows.holds import hold_for_session
from valetkey.flows.leaving import expect_staying
from valetkey.flows.paid_by import expect_in_use
from valetkey.flows.record import begin, write_down
from valetkey.flows.tree import add_branch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.activity import Activity, Request
    from valetkey.core.command import OpenSession
    from valetkey.core.permission.finding import Finding
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MOST_WAITING: Final = 16  # sessions of one account whose user's own client asks


@dataclass(frozen=True, slots=True)
class Opened:
    """
    A new session.

    Args:
        token: Its token, shown this once; None without one, and for repeats. It is bound to the
            session's key if there is one.
        findings: What its chain had to say on its permission; empty for repeats.
        link: Token of the link with which an owner outside signs it, shown this once.
    """

    session: Session
    usage: Usage
    token: str | None = field(repr=False)
    findings: tuple[Finding, ...] = ()
    link: str | None = None


def token_for(world: World, command: OpenSession) -> str | None:
    """Return a new token, if *command* asks for a session that has one."""
    if command.proof is not Proof.BEARER and not command.bound_token:
        return None
    return make_token(command.prefix, world.entropy.take(TOKEN_BYTES))


def unspent(permission: Permission | None) -> Spent:
    """Return the booking of a session that was never used."""
    return nothing_spent(permission) if permission else Spent(0, ())


async def findings_of(world: Sight, permission: Permission | None) -> tuple[Finding, ...]:
    """Ask each token of a cap what a whole unit of it is."""
    if permission is None:
        return ()
    chain, tokens = world.chain(permission.chain), capped_tokens(permission)
    told = await asyncio.gather(*(chain.token_decimals(token) for token in tokens))
    return check_decimals(permission, dict(zip(tokens, told, strict=True)))


def refuse_shared_key(world: World, tx: Tx, session: Session) -> None:
    """
    Let pass unless the key of *session* holds a session of another account that is not over.

    Raises:
        Conflict: It does.
    """
    now = world.clock.now()
    for other in _sharers(tx, session):
        usage = present(tx.get(Usage, other.id), "session")
        if other.account_id != session.account_id and state_of(other, usage, now=now) not in OVER:
            detail = "this key holds a session of another account; take a new key for each account"
            raise Conflict(Code.SESSION_KEY_IN_USE, detail)


def refuse_many_waiting(world: World, tx: Tx, principal: Principal, session: Session) -> None:
    """
    Let a user's own client pass unless the newest sessions of the account all wait for its owner.

    Sessions are counted for the whole organization: one guest is not to use up what all others may.

    Raises:
        Limited: They do.
    """
    if principal.kind is not PrincipalKind.SESSION or session.account_id is None:
        return
    newest = tx.find(Session, account_id=session.account_id, newest_first=True, limit=MOST_WAITING)
    now = world.clock.now()
    waiting = [one for one in newest if one.state is State.PENDING and now < one.expires_at]
    if len(waiting) == MOST_WAITING:
        most = f"expected at most {MOST_WAITING} sessions of one account that wait for its owner"
        detail = f"{most}, got one more: sign or revoke one"
        raise Limited(Code.QUOTA_EXCEEDED, detail, quota="sessions", limit=MOST_WAITING)


def _sharers(view: View, session: Session) -> Iterator[Session]:
    """Give the sessions whose holder has the key of *session*, known in full or by its address."""
    if session.key is not None:
        for other in view.find(Session, key_index=session.key_index, newest_first=True):
            if other.key == session.key:  # the same bytes may be a point on either curve
                yield other
    if session.grant is not None:
        found_by = session.grant_key_index
        yield from view.find(Session, grant_key_index=found_by, newest_first=True)


def opened_by(view: View, before: Activity | None) -> Opened | None:
    """Return the session that the activity of the same request opened, without its token."""
    if before is None:
        return None
    session = present(view.get(Session, before.subject_id), "session")
    return Opened(session, present(view.get(Usage, session.id), "session"), None)


def write_opened(
    world: World, tx: Tx, principal: Principal, request: Request, opened: tuple[Session, Usage]
) -> None:
    """
    Write a new session down, with all that belongs to it.

    Raises:
        Malformed, Limited: Its holder could spend past a budget above it; or too many sessions are
            in use beside it.
        Conflict: Its account is about to run other code; or its relayer is no longer in use.
    """
    session, usage = opened
    expect_staying(tx, session.account_id)
    hold_for_session(tx, session, now=world.clock.now())
    add_branch(world, tx, session)
    count_session(world, tx, session)
    tx.add(session)
    tx.add(usage)
    if session.grant is not None:
        expect_in_use(tx, session.permission.relayer if session.permission else None)
        watch(tx, session, due_at=world.clock.now() + world.bounds.watch_s)
    _add_fee_budget(tx, session)
    activity = begin(
        world,
        principal,
        request,
        "session:open",
        organization_id=session.organization_id,
        subject_id=session.id,
        session_id=session.id,
    )
    facts = {
        "proof": session.proof.value,
        "access": session.access.value,
        "state": session.state.value,
        "permission_id": session.permission_id or "",
    }
    if session.parent_id is not None:
        facts["parent_id"] = session.parent_id
    write_down(world, tx, activity, "session:opened", **facts)


def _add_fee_budget(tx: Tx, session: Session) -> None:
    permission = session.permission
    if permission is None or permission.fee_budget_wei is None:
        return
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
