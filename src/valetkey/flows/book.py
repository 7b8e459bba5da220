"""Check and count a run in one transaction, and write down what is to be signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.budget import BudgetLine, Entry, Reservation, ReservationState, book
from valetkey.core.chain import NONCE_REACH, Counter, GrantStage
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.permission.decide import Deny, decide
from valetkey.core.permission.effects import moved
from valetkey.core.plan import plan_run
from valetkey.core.session import Session, Usage, refusal
from valetkey.flows.alerts import note_budget, note_caps
from valetkey.flows.gate import forbid, present
from valetkey.flows.grant import granted
from valetkey.flows.holds import held_of_line, unbound
from valetkey.flows.named import note_named
from valetkey.flows.record import audit, begin, earlier, stepped
from valetkey.flows.settle import RECENT_NONCES, RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.activity import Request, RunPlan
    from valetkey.core.chain import GrantState
    from valetkey.core.permission.decide import Allow, Spent
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
    """What was read before the transaction: these cannot be changed by another one."""

    session: Session
    account: Account
    permission: Permission
    on_chain: GrantState


def book_run(world: World, tx: Tx, asked: Asked, facts: Facts) -> Activity:
    """
    Return the run, booked and waiting for the session key's signature.

    1. the session; 2. the permission; 3. budgets above it; 4. a nonce; 5. written down. Whatever
    refuses undoes all of it.

    Raises:
        Forbidden: The session or its permission refuses.
        Limited: A budget or the number of runs in flight is used up.
    """
    before = earlier(tx, asked.principal, asked.request)
    if before is not None:
        return before
    now = world.clock.now()
    session = present(tx.get(Session, facts.session.id), "session")
    usage = present(tx.get(Usage, session.id), "session")
    denied = refusal(session, usage, now=now)  # 1
    if denied is not None:
        raise forbid(denied)
    refuse_stopped(facts.on_chain)
    held = held_of(tx, usage, facts.on_chain)
    known = learn(usage.spent, facts.on_chain, held)
    allowed = decide(  # 2
        asked.calls, facts.permission, known, now=now, account=facts.account.address
    )
    if isinstance(allowed, Deny):
        raise forbid(allowed)
    entries, until = _book_budgets(tx, session, asked.calls, now=now)  # 3
    plan = plan_run(  # 4
        granted(session),
        facts.account,
        facts.permission,
        asked.calls,
        rules=allowed.rules,
        nonce=_free_nonce(facts.on_chain, held, usage),
        deadline=min(allowed.valid_until, *until, now + world.bounds.run_deadline_s),
    )
    activity = _planned(world, asked, facts, plan)  # 5
    tx.add(activity)
    last_used_at = max(now, usage.last_used_at)
    tx.put(replace(usage, spent=allowed.after, last_used_at=last_used_at))
    note_named(tx, session, asked.calls)
    tx.add(_reservation(activity, plan, allowed, entries))
    _note(world, tx, activity, plan)
    note_caps(tx, session, allowed.after, now=now)
    return activity


def _reservation(
    activity: Activity, plan: RunPlan, allowed: Allow, entries: tuple[Entry, ...]
) -> Reservation:
    return Reservation(
        id=activity.id,
        organization_id=activity.organization_id,
        session_id=activity.subject_id,
        state=ReservationState.RESERVED,
        nonce=plan.nonce,
        deadline=plan.deadline,
        calls=allowed.calls,
        amounts=allowed.amounts,
        windows=tuple(counter.window for counter in allowed.after.counters),
        entries=entries,
        rate_window=allowed.after.rate.window,
    )


def refuse_stopped(on_chain: GrantState) -> None:
    """Raise `Forbidden` if the account's contract says that the grant is revoked or frozen."""
    if on_chain.stage is GrantStage.REVOKED:
        raise Forbidden(Code.SESSION_REVOKED, "the account's contract says that it is revoked")
    if on_chain.stage is GrantStage.FROZEN:
        raise Forbidden(Code.SESSION_FROZEN, "the account's contract says that it is frozen")


def held_of(view: View, usage: Usage, on_chain: GrantState) -> list[Reservation]:
    """Return what a session has reserved, and what was committed after *on_chain* was looked at."""
    held = view.find(Reservation, session_id=usage.id, state=ReservationState.RESERVED)
    if any(on_chain.is_nonce_free(nonce) for nonce in usage.recent_nonces):
        held += view.find(
            Reservation,
            session_id=usage.id,
            state=ReservationState.COMMITTED,
            limit=RECENT_NONCES,
            newest_first=True,
        )
    return held


def learn(booked: Spent, on_chain: GrantState, held: Sequence[Reservation]) -> Spent:
    """
    Return what counts as spent: the ledger, or the chain and what it does not show, if more.

    A holder may bring runs to the chain without us; those are known from the chain alone. With a
    rate they may not: it binds the relayer, so the ledger's count is all there is.

    Args:
        held: By `held_of`; what *on_chain* has used the nonce of is among its own counts.
    """
    held = [one for one in held if on_chain.is_nonce_free(one.nonce)]
    calls = max(booked.calls, on_chain.calls + sum(one.calls for one in held))
    counters = []
    for index, (ours, theirs) in enumerate(zip(booked.counters, on_chain.counters, strict=True)):
        window = max(ours.window, theirs.window)
        waiting = sum(one.amounts[index] for one in held if one.windows[index] == window)
        mine = ours.spent if ours.window == window else 0
        chain = theirs.spent if theirs.window == window else 0
        counters.append(Counter(max(mine, chain + waiting), window))
    return replace(booked, calls=calls, counters=tuple(counters))


def _book_budgets(
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
    Give each budget above *session* that *calls* move something of, and how much.

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


def _free_nonce(on_chain: GrantState, held: Sequence[Reservation], usage: Usage) -> int:
    taken = {one.nonce for one in held} | set(usage.recent_nonces)
    for nonce in range(on_chain.nonce_base, on_chain.nonce_base + NONCE_REACH + 1):
        if nonce not in taken and on_chain.is_nonce_free(nonce):
            return nonce
    detail = f"expected at most {NONCE_REACH} runs in flight; wait for one to be included"
    raise Limited(Code.TOO_MANY_IN_FLIGHT, detail)


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
