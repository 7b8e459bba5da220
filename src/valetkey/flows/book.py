"""Check and count a run in one transaction, and write down what is to be signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import Booking, BudgetLine, Entry, Reservation, ReservationState, book
from valetkey.core.child_session import decide_in_line, refusal_in_line
from valetkey.core.errors import Limited
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.effects import moved
from valetkey.core.plan import plan_run
from valetkey.core.session import Session
from valetkey.flows.alerts import note_budget, note_caps
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import forbid, present
from valetkey.flows.grant import granted
from valetkey.flows.holds import held_of_line, unbound
from valetkey.flows.known import free_nonce, held_of, learn, refuse_stopped
from valetkey.flows.line import line_of
from valetkey.flows.named import note_named
from valetkey.flows.record import admit, audit, begin, stepped
from valetkey.flows.settle import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.activity import Request, RunPlan
    from valetkey.core.chain import GrantState
    from valetkey.core.child_session import Line
    from valetkey.core.permission.decide import Allow
    from valetkey.core.permission.model import Call, Permission
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which calls."""

    principal: Principal
    request: Request
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What was read before the transaction: these cannot be changed by another one.

    Args:
        permission: Of the root, as the chain knows it.
        on_chain: Of the root's grant.
    """

    session: Session
    account: Account
    permission: Permission
    on_chain: GrantState


@dataclass(frozen=True, slots=True)
class Decided:
    """
    A run that nothing refuses.

    Args:
        line: The session that asks, and all above it; the last is the root.
        allowed: What the permission of each has said.
        entries: What is booked to budgets above them.
        plan: Under the root's grant.
    """

    line: Line
    allowed: tuple[Allow, ...]
    entries: tuple[Entry, ...]
    plan: RunPlan


def book_run(world: World, tx: Tx, asked: Asked, facts: Facts) -> Activity:
    """
    Return the run, booked and waiting for the session key's signature; see `decide_run`.

    Raises:
        Forbidden: The session, one above it, or the permission of one refuses.
        Limited: A budget or the number of runs in flight is used up.
    """
    before = admit(world, tx, asked.principal, asked.request)
    if before is not None:
        return before
    until = world.clock.now() + world.bounds.run_deadline_s
    decided = decide_run(world, tx, facts, asked.calls, until=until)
    activity = _planned(world, asked, facts, decided.plan)
    add_activity(world, tx, activity)
    book_decided(world, tx, activity, decided)
    return activity


def decide_run(world: World, tx: Tx, facts: Facts, calls: Sequence[Call], *, until: int) -> Decided:
    """
    Return the run of *calls*; the budgets above it are booked, nothing else is yet.

    1. the session and all above it; 2. the permission of each; 3. budgets above them; 4. a nonce of
    the root's grant. Whatever refuses undoes all of it.

    Args:
        until: The first second at which the run must not be made any more; its deadline, unless a
            window that it is booked to ends before.

    Raises:
        Forbidden: The session, one above it, or the permission of one refuses.
        Limited: A budget or the number of runs in flight is used up.
    """
    now = world.clock.now()
    line = line_of(tx, present(tx.get(Session, facts.session.id), "session"))
    denied = refusal_in_line(line, now=now)  # 1
    if denied is not None:
        raise forbid(denied)
    refuse_stopped(facts.on_chain)
    root, usage = line[-1]
    held = held_of(tx, usage, facts.on_chain)
    known = learn(usage.spent, facts.on_chain, held)
    allowed = decide_in_line(calls, line, known, now=now, account=facts.account.address)  # 2
    if isinstance(allowed, Deny):
        raise forbid(allowed)
    entries, ends = book_budgets(tx, root, calls, now=now)  # 3
    ends += [one.valid_until for one in allowed]
    plan = plan_run(  # 4
        granted(root),
        facts.account,
        facts.permission,
        calls,
        rules=allowed[-1].rules,
        nonce=free_nonce(facts.on_chain, held, usage),
        deadline=min(*ends, until),
    )
    return Decided(line, allowed, entries, plan)


def book_decided(world: World, tx: Tx, activity: Activity, decided: Decided) -> None:
    """Book to the whole line what *activity*, which is written down, may use, and hold it."""
    now, plan = world.clock.now(), decided.plan
    book_line(tx, decided.line, plan.calls, decided.allowed, now=now)
    tx.add(_reservation(activity, decided))
    _note(world, tx, activity, plan)
    for (one, _), answer in zip(decided.line, decided.allowed, strict=True):
        note_caps(tx, one, answer.after, now=now)


def book_line(
    tx: Tx, line: Line, calls: Sequence[Call], allowed: Sequence[Allow], *, now: int
) -> None:
    """Book the run on the whole line; only the session that asks was in use by its holder."""
    for (session, usage), answer in zip(line, allowed, strict=True):
        used = replace(usage, spent=answer.after)
        if session is line[0][0]:
            used = replace(used, last_used_at=max(now, usage.last_used_at))
        tx.put(used)
        note_named(tx, session, calls)


def _reservation(activity: Activity, decided: Decided) -> Reservation:
    bookings = tuple(
        Booking(
            session_id=session.id,
            calls=answer.calls,
            amounts=answer.amounts,
            windows=tuple(counter.window for counter in answer.after.counters),
            rate_window=answer.after.rate.window,
        )
        for (session, _), answer in zip(decided.line, decided.allowed, strict=True)
    )
    return Reservation(
        id=activity.id,
        organization_id=activity.organization_id,
        session_id=bookings[-1].session_id,
        state=ReservationState.RESERVED,
        nonce=decided.plan.nonce,
        deadline=decided.plan.deadline,
        bookings=bookings,
        entries=decided.entries,
    )


def book_budgets(
    tx: Tx, session: Session, calls: Sequence[Call], *, now: int
) -> tuple[tuple[Entry, ...], list[int]]:
    """Return what is booked, and the ends of the windows that it is booked to."""
    entries: list[Entry] = []
    ends: list[int] = []
    for line, amount in budgets_of(tx, session, calls):
        held = held_of_line(tx, line, now=now)
        result = book(line, amount, now=now, held=held)
        if isinstance(result, Deny):
            raise Limited(result.code, result.detail, caveat=result.caveat)
        booked, entry = result
        tx.put(booked)
        note_budget(tx, booked, held=held, now=now)
        entries.append(entry)
        if line.window_s:
            ends.append(line.starts_at + (entry.window + 1) * line.window_s)
    return tuple(entries), ends


def budgets_of(
    view: View, session: Session, calls: Sequence[Call]
) -> Iterator[tuple[BudgetLine, int]]:
    """
    Give each budget above *session*, a root, that *calls* move something of, and how much.

    Of a session that may go past us, all that it can move is held already.
    """
    if unbound(session) is not None:
        return
    for asset, amount in moved(calls).items():
        name = "native" if asset is None else f"0x{asset.hex()}"
        for scope in (session.wallet_id, session.user_id):
            for line in view.find(BudgetLine, scope_id=scope) if scope else ():
                if line.asset == name:
                    yield line, amount


def _planned(world: World, asked: Asked, facts: Facts, plan: RunPlan) -> Activity:
    session = facts.session
    activity = begin(
        world,
        asked.principal,
        asked.request,
        RUN,
        organization_id=session.organization_id,
        subject_id=session.id,
    )
    activity = replace(
        activity,
        state=ActivityState.AWAITING,
        session_id=session.id,
        account_id=facts.account.id,
        run=plan,
    )
    return stepped(activity, "booked", at_ms=world.clock.now_ms())


def _note(world: World, tx: Tx, activity: Activity, plan: RunPlan) -> None:
    audit(
        tx,
        activity.organization_id,
        "run:booked",
        at=world.clock.now(),
        subject_id=activity.id,
        principal_id=activity.principal_id,
        session_id=activity.session_id or "",
        digest=f"0x{plan.digest.hex()}",
        deadline=str(plan.deadline),
    )
