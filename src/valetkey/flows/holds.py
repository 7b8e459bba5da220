"""
Budgets over sessions that no server stands before.

Such a session goes to the chain past us, so a budget above it holds all that it can move, from its
opening until its chain has shown that it can move nothing more. Then what it has moved stays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from valetkey.core.budget import FEES, BudgetLine, Hold, booked_in, hold_id
from valetkey.core.errors import Code, Conflict, Limited, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.permission.exposure import exposure, moved_at_most
from valetkey.core.session import Session, State, Watch
from valetkey.flows.alerts import note_budget
from valetkey.flows.due import watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.chain import GrantState
    from valetkey.core.permission.model import Permission
    from valetkey.ports import Tx, Value, View

PAGE: Final = 1000
_NAMED: Final = 5
E = TypeVar("E", Hold, Session)


def unbound(session: Session) -> Permission | None:
    """Return the permission of *session* if its holder can go past us, else None."""
    permission = session.permission
    is_past_us = permission is not None and session.grant is not None
    return permission if is_past_us and permission and permission.relayer is None else None


def held_of_line(view: View, line: BudgetLine, *, now: int) -> int:
    """Return what is held of *line* for sessions that may go past us."""
    return sum(one.amount for one in _holds(view, line, now=now))


def hold_for_session(tx: Tx, session: Session, *, now: int) -> None:
    """
    Hold all that a new *session* can move of each budget above it.

    Raises:
        Malformed: Nothing bounds what it can move.
        Limited: It does not fit beside what is booked and held already.
    """
    permission = unbound(session)
    if permission is None:
        return
    for scope in (session.wallet_id, session.user_id):
        for line in tx.find(BudgetLine, scope_id=scope) if scope else ():
            if line.asset == FEES:
                continue
            amount = _amount(permission, line)
            if amount is None:
                detail = f"budget {line.id}: only a server can count it; bind the relayer"
                raise Malformed(Code.NOT_ON_CHAIN, detail, caveat="relayer")
            _, booked = booked_in(line, now=now)
            others = held_of_line(tx, line, now=now)
            if amount and booked + others + amount > line.limit:
                detail = (
                    f"{line.limit} of {line.asset} allowed for {line.scope_id}, {booked} booked"
                )
                detail += f", {others} held for sessions that bind no relayer, {amount} asked for"
                raise Limited(Code.BUDGET_EXCEEDED, detail, caveat=f"budget {line.id}")
            _hold(tx, line, session, amount)
            _forget_past(tx, line, now=now)
            note_budget(tx, line, held=others + amount, now=now)


def hold_for_line(tx: Tx, line: BudgetLine, *, now: int) -> None:
    """
    Hold of a new *line* all that the sessions below it can move that may go past us.

    Raises:
        Conflict: Nothing bounds what one of them can move.
    """
    for session in _below(tx, line.scope_id):
        permission = unbound(session)
        if permission is None or not _is_alive(tx, session, now=now):
            continue
        amount = _amount(permission, line)
        if amount is None:
            detail = f"{session.id} does not bind the relayer: revoke it first"
            raise Conflict(Code.CONFLICT, f"expected sessions that stay within, {detail}")
        _hold(tx, line, session, amount)
        if amount and not _is_watched(tx, session):  # nobody else would say when it is over
            watch(tx, session, due_at=now)


def expect_above_holds(view: View, line: BudgetLine, *, now: int) -> None:
    """
    Let pass if *line* is not below what was moved and what may still be.

    Raises:
        Conflict: It is, because of these sessions: their holders could spend past it.
    """
    holds = _holds(view, line, now=now)
    alive = [one.session_id for one in holds if one.session_id and one.until is None]
    _, booked = booked_in(line, now=now)
    total = booked + sum(one.amount for one in holds)
    if alive and total > line.limit:
        names = ", ".join(alive[:_NAMED])
        detail = f"limit: expected at least {total}, got {line.limit}; first revoke some of {names}"
        raise Conflict(Code.CONFLICT, detail, sessions=alive)


def settle_holds(tx: Tx, session: Session, state: GrantState | None, *, now: int) -> None:
    """
    Hold only what *session* has moved: it can move nothing more.

    Args:
        state: Of its grant, with all counters; None if it was never signed.
    """
    permission = session.permission
    for one in tx.find(Hold, session_id=session.id):
        line = tx.get(BudgetLine, one.line_id)
        if line is None or permission is None:
            continue
        if line.window_s:
            window, _ = booked_in(line, now=now)
            end = line.starts_at + (window + 1) * line.window_s
            tx.put(replace(one, until=now if state is None else end))
            continue
        moved = 0 if state is None else moved_at_most(permission, _asset(line), state)
        tx.drop(Hold, one.id)
        together = tx.get(Hold, hold_id(line.id, "")) or Hold(hold_id(line.id, ""), line.id, "", 0)
        amount = one.amount if moved is None else min(moved, one.amount)
        tx.put(replace(together, amount=together.amount + amount))


def _hold(tx: Tx, line: BudgetLine, session: Session, amount: int) -> None:
    if amount:
        tx.put(Hold(hold_id(line.id, session.id), line.id, session.id, amount))


def _forget_past(tx: Tx, line: BudgetLine, *, now: int) -> None:
    for one in _all(tx, Hold, line_id=line.id):
        if one.until is not None and one.until <= now:
            tx.drop(Hold, one.id)


def _holds(view: View, line: BudgetLine, *, now: int) -> list[Hold]:
    found = _all(view, Hold, line_id=line.id)
    return [one for one in found if one.until is None or now < one.until]


def _amount(permission: Permission, line: BudgetLine) -> int | None:
    return exposure(permission, _asset(line), window_s=line.window_s)


def _asset(line: BudgetLine) -> bytes | None:
    return None if line.asset == "native" else bytes.fromhex(line.asset[2:])


def _below(view: View, scope_id: str) -> Iterator[Session]:
    of_user = scope_id.startswith(f"{Prefix.USER}_")
    yield from _all(view, Session, **{"user_id" if of_user else "wallet_id": scope_id})


def _is_alive(view: View, session: Session, *, now: int) -> bool:
    """Say whether *session* may move something: also one that its chain has not ended yet."""
    if session.state in {State.PENDING, State.OPEN, State.FROZEN} and now < session.expires_at:
        return True
    return _is_watched(view, session)


def _is_watched(view: View, session: Session) -> bool:
    return bool(view.find(Watch, session_id=session.id, limit=1))


def _all(view: View, kind: type[E], **where: Value) -> list[E]:
    found: list[E] = []
    while True:
        after = found[-1].id if found else ""
        page = view.find(kind, after=after, limit=PAGE, newest_first=False, **where)
        if not page:
            return found
        found += page
