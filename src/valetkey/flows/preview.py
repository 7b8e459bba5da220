"""What a run would be answered, without booking anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from valetkey.core.budget import book
from valetkey.core.child_session import decide_in_line, refusal_in_line
from valetkey.core.errors import Code, Forbidden
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.lower import lower
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.book import budgets_of
from valetkey.flows.gate import expect_known, expect_reach, present
from valetkey.flows.grant import granted
from valetkey.flows.holds import held_of_line
from valetkey.flows.known import held_of, learn, refuse_stopped
from valetkey.flows.line import line_of, root_of
from valetkey.flows.standing import grant_state_of, runs_our_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.chain import GrantState
    from valetkey.core.permission.decide import Allow
    from valetkey.core.permission.model import Call, Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.ports import View


async def preview(
    world: Sight, principal: Principal, *, session_id: str, calls: Sequence[Call]
) -> Allow | Deny:
    """
    Say what a run of *calls* would be answered now; the next moment may be another.

    The same questions as a run, in the same order: 1. the account runs our code; 2. the session;
    3. the permission; 4. budgets above it. How many runs are in flight is not asked. Of a child
    session all above it are asked as well.
    """
    expect_known(principal)
    root, account, permission = await world.store.read(
        lambda view: _facts(view, principal, session_id)
    )
    chain = world.chain(account.chain)
    on_chain, is_ours = await asyncio.gather(
        grant_state_of(chain, account, granted(root), counters=len(lower(permission).limits)),
        runs_our_code(chain, account),
    )
    if not is_ours:  # 1
        detail = f"{account.caip10} does not run 0x{chain.implementation.hex()}; delegate it first"
        return Deny(Code.NOT_DELEGATED, "account", detail)
    now = world.clock.now()
    return await world.store.read(
        lambda view: _decide(view, account, on_chain, session_id, calls, now=now)
    )


def _facts(
    view: View, principal: Principal, session_id: str
) -> tuple[Session, Account, Permission]:
    session = present(view.get(Session, session_id), "session")
    if principal.kind is PrincipalKind.SESSION and principal.subject_id != session_id:
        present(None, "session")
    if principal.kind is PrincipalKind.PUBLISHABLE:
        raise Forbidden(Code.NOT_ALLOWED, "a publishable key reads the consent of a session only")
    expect_reach(view, principal, session.organization_id, "session")
    root = root_of(view, session)
    if session.permission is None or root.permission is None:
        detail = "expected a session with a permission, got one that only reads"
        raise Forbidden(Code.READ_ONLY, detail)
    account = present(view.get(Account, session.account_id or ""), "account")
    return root, account, root.permission


def _decide(
    view: View,
    account: Account,
    on_chain: GrantState,
    session_id: str,
    calls: Sequence[Call],
    *,
    now: int,
) -> Allow | Deny:
    session = present(view.get(Session, session_id), "session")
    line = line_of(view, session)
    denied = refusal_in_line(line, now=now)  # 2
    if denied is not None:
        return denied
    try:
        refuse_stopped(on_chain)
    except Forbidden as forbidden:
        return Deny(forbidden.code, "state", forbidden.detail)
    root, usage = line[-1]
    known = learn(usage.spent, on_chain, held_of(view, usage, on_chain))
    verdict = decide_in_line(calls, line, known, now=now, account=account.address)  # 3
    if isinstance(verdict, Deny):
        return verdict
    return _over_budget(view, root, calls, now=now) or verdict[0]  # 4


def _over_budget(view: View, session: Session, calls: Sequence[Call], *, now: int) -> Deny | None:
    for line, amount in budgets_of(view, session, calls):
        result = book(line, amount, now=now, held=held_of_line(view, line, now=now))
        if isinstance(result, Deny):
            return result
    return None
