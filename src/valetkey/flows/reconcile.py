"""After a crash, a restart or a slow chain: bring everything unfinished to its one end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from valetkey.core.activity import SETTLED, Activity, ActivityState
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.chain import NONCE_REACH
from valetkey.core.errors import Code, ValetkeyError
from valetkey.core.session import Session, State
from valetkey.core.wallet import Account
from valetkey.flows.delegation import sign_delegation
from valetkey.flows.forget import forget_old
from valetkey.flows.gate import present
from valetkey.flows.grant import granted, owner_key_of, sign_as_owner
from valetkey.flows.joining import let_lapse
from valetkey.flows.kill_note import ready_to_kill
from valetkey.flows.paid_by import refresh
from valetkey.flows.paying import is_stop
from valetkey.flows.relay import drive, look
from valetkey.flows.reprice import reprice
from valetkey.flows.run import sign_here
from valetkey.flows.settle import DELEGATE, ENDINGS, STOPS, UNDELEGATE, commit, lapse, release
from valetkey.flows.standing import grant_state_of
from valetkey.flows.switch import sign_switch
from valetkey.flows.tickets import forget_tickets
from valetkey.flows.undelegate import advance
from valetkey.flows.unsigned import lapse_late
from valetkey.flows.watch import look_at_sessions
from valetkey.ports import doing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from valetkey.flows.world import World
    from valetkey.ports import Tx, Value, View

PAGE = 500
LINE_S = 30  # a chain that takes longer for all that waits goes on in the next round
_FINISH = {DELEGATE: sign_delegation} | dict.fromkeys(ENDINGS, ready_to_kill)
E = TypeVar("E", bound="Activity | Reservation | Session")


@dataclass(frozen=True, slots=True)
class Reconciled:
    """
    How many of each were brought to an end in one round.

    Args:
        waiting: Activities that the round found unfinished.
        oldest_at: When the oldest of them was asked for; None if there was none.
    """

    activities: int
    reservations: int
    sessions: int
    waiting: int
    oldest_at: int | None


async def reconcile(world: World) -> Reconciled:
    """
    Settle what can be settled now, in this order.

    1. activities, stops before all others; then executions that nobody has signed in time; 2.
    reservations; 3. pending sessions; 4. sessions that their chains may have ended; 5. old nonces
    and visits.

    Any number of processes may do this at the same time; each thing is settled once. What cannot be
    settled now, for its chain is silent or not configured, waits for the next round and holds up
    nothing else; nor does a chain that takes its time hold up another within 1, 2 and 3.
    """
    world = replace(world, bounds=replace(world.bounds, wait_s=0))  # the next round looks again
    await refresh(world)
    unfinished = await _every(world, Activity, settled=0)
    unfinished.sort(key=lambda one: one.kind not in STOPS and not is_stop(one))
    activities = await _each(world, unfinished, _activity)  # 1
    activities += await lapse_late(world)
    held = await _every(world, Reservation, state=ReservationState.RESERVED)
    reservations = await _each(world, held, _reservation)  # 2
    pending = await _every(world, Session, waits_here=1)
    sessions = await _each(world, pending, _session)  # 3
    killed = await look_at_sessions(world)  # 4
    await forget_old(world)  # 5
    await forget_tickets(world)
    oldest_at = min((one.created_at for one in unfinished), default=None)
    return Reconciled(activities, reservations, sessions + killed, len(unfinished), oldest_at)


async def _every(world: World, kind: type[E], **where: Value) -> list[E]:
    found: list[E] = []
    while True:
        after = found[-1].id if found else ""
        page = await world.store.read(partial(_page, kind, after, where))
        if not page:
            return found
        found += page


def _page(kind: type[E], after: str, where: dict[str, Value], view: View) -> list[E]:
    return view.find(kind, after=after, limit=PAGE, newest_first=False, **where)


async def _each(
    world: World, things: Sequence[E], settle: Callable[[World, E], Awaitable[bool]]
) -> int:
    """Settle *things* in their order on each chain; chains do not wait for each other."""
    lines = await world.store.read(partial(_by_chain, things))
    return sum(await asyncio.gather(*(_in_order(world, line, settle) for line in lines)))


async def _in_order(
    world: World, things: Sequence[E], settle: Callable[[World, E], Awaitable[bool]]
) -> int:
    ended, began_at = 0, world.clock.now()
    for one in things:
        if world.clock.now() - began_at > LINE_S:
            break
        with doing(one.id if isinstance(one, Activity | Reservation) else ""):
            try:
                ended += await settle(world, one)
            except ValetkeyError:
                continue
    return ended


def _by_chain(things: Sequence[E], view: View) -> list[list[E]]:
    lines: dict[str, list[E]] = {}
    for one in things:
        account_id = one.account_id if isinstance(one, Activity | Session) else None
        session_id = one.session_id if isinstance(one, Activity | Reservation) else None
        session = view.get(Session, session_id) if session_id and not account_id else None
        account = view.get(Account, account_id or (session and session.account_id) or "")
        lines.setdefault(account.chain if account else "", []).append(one)
    return list(lines.values())


async def _activity(world: World, activity: Activity) -> bool:
    return (await _bring_on(world, activity)).state in SETTLED


async def _bring_on(world: World, activity: Activity) -> Activity:
    if activity.state is ActivityState.AWAITING:
        return await _awaiting(world, activity)
    if activity.state is ActivityState.READY:
        return await drive(world, activity.id)
    seen = await look(world, activity)
    if seen.state is not ActivityState.SENDING:
        return seen
    if world.clock.now() - seen.attempts[-1].at >= world.bounds.reprice_after_s:
        return await reprice(world, seen)
    return await drive(world, seen.id)


async def _awaiting(world: World, activity: Activity) -> Activity:
    """Sign or open what waits for the vault; let a run lapse when its time is over."""
    if activity.kind == UNDELEGATE:
        return await advance(world, activity)
    if activity.signing is not None:
        return await let_lapse(world, activity)
    planned = activity.run
    if planned is None:
        finish = _FINISH.get(activity.kind, sign_switch)
        return await drive(world, (await finish(world, activity)).id)
    if world.clock.now() < planned.deadline:
        return await sign_here(world, activity)

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        return lapse(world, tx, fresh, (Code.DEADLINE_PASSED, "nobody signed it in time"))

    return await world.store.write(body)


async def _reservation(world: World, reservation: Reservation) -> bool:
    """Commit or release what an ended activity still holds, as the chain shows it."""

    def facts(view: View) -> tuple[Activity, Session, Account]:
        activity = present(view.get(Activity, reservation.id), "activity")
        session = present(view.get(Session, reservation.session_id), "session")
        return activity, session, present(view.get(Account, session.account_id or ""), "account")

    activity, session, account = await world.store.read(facts)
    if activity.state not in SETTLED:
        return False
    used = await _is_nonce_used(world, reservation, session, account)
    if used is None:
        return False

    def body(tx: Tx) -> bool:
        fresh = present(tx.get(Reservation, reservation.id), "reservation")
        if fresh.state is not ReservationState.RESERVED:
            return False
        end = commit if used else release
        end(tx, fresh)
        return True

    return await world.store.write(body)


async def _is_nonce_used(
    world: World, reservation: Reservation, session: Session, account: Account
) -> bool | None:
    """Say whether the chain has used the nonce; None while it still may."""
    chain = world.chain(account.chain)
    deep = await chain.head(confirmations=world.bounds.confirmations)
    state = await grant_state_of(chain, account, granted(session))
    is_near = reservation.nonce <= state.nonce_base + NONCE_REACH
    if is_near and not state.is_nonce_free(reservation.nonce):
        return True
    return False if deep.at >= reservation.deadline else None


async def _session(world: World, session: Session) -> bool:
    """Sign a pending session whose owner's key is here: a crash came between the two writes."""
    if session.expires_at <= world.clock.now():
        return False
    owner = await world.store.read(lambda view: owner_key_of(view, session))
    if owner is None:
        return False
    return (await sign_as_owner(world, session.id, owner)).state is State.OPEN
