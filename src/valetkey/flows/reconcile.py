"""After a crash, a restart or a slow chain: bring everything unfinished to its one end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.activity import SETTLED, Activity, ActivityState, SeenNonce
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.errors import Unavailable
from valetkey.core.session import Session, State
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.gate import present
from valetkey.flows.grant import granted, sign_as_owner
from valetkey.flows.relay import drive, look, reprice
from valetkey.flows.run import sign_here
from valetkey.flows.settle import commit, lapse, release

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

BATCH = 200


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many of each were brought to an end in one round."""

    activities: int
    reservations: int
    sessions: int


async def reconcile(world: World) -> Reconciled:
    """
    Settle what can be settled now: 1 activities, 2 reservations, 3 pending sessions, 4 old nonces.

    Any number of processes may do this at the same time; each thing is settled once.
    """
    activities = await _activities(world)
    reservations = await _reservations(world)
    sessions = await _sessions(world)
    await world.store.write(lambda tx: _forget(world, tx))
    return Reconciled(activities, reservations, sessions)


async def _activities(world: World) -> int:
    found = await world.store.read(lambda view: view.find(Activity, settled=0, limit=BATCH))
    ended = 0
    for activity in found:
        try:
            after = await _one(world, activity)
        except Unavailable:
            continue  # its chain does not answer; the next round will
        ended += after.state in SETTLED
    return ended


async def _one(world: World, activity: Activity) -> Activity:
    if activity.state is ActivityState.AWAITING:
        return await _awaiting(world, activity)
    if activity.state is ActivityState.READY:
        return await drive(world, activity.id)
    seen = await look(world, activity)
    if seen.state is not ActivityState.SENDING:
        return seen
    attempt = seen.attempts[-1]
    old = world.clock.now() - attempt.at >= world.bounds.reprice_after_s
    if old and attempt.tx_hash is not None:
        return await reprice(world, seen)
    return await drive(world, seen.id)


async def _awaiting(world: World, activity: Activity) -> Activity:
    """A run that nobody signed: sign it if the key is here, let it lapse when its time is over."""
    if activity.run is not None and world.clock.now() < activity.run.deadline:
        return await sign_here(world, activity)

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        return lapse(world, tx, fresh, "nobody signed it in time")

    return await world.store.write(body)


async def _reservations(world: World) -> int:
    """Commit or release what ended activities still hold, as the chain shows it."""

    def held(view: View) -> list[tuple[Reservation, Session, Account]]:
        rows = []
        for one in view.find(Reservation, state=ReservationState.RESERVED, limit=BATCH):
            activity = present(view.get(Activity, one.id), "activity")
            session = present(view.get(Session, one.session_id), "session")
            account = present(view.get(Account, session.account_id or ""), "account")
            if activity.state in SETTLED:
                rows.append((one, session, account))
        return rows

    ended = 0
    for reservation, session, account in await world.store.read(held):
        try:
            used = await _is_nonce_used(world, reservation, session, account)
        except Unavailable:
            continue
        if used is None:
            continue
        end = commit if used else release

        def body(tx: Tx, reservation: Reservation = reservation, end: object = end) -> None:
            fresh = present(tx.get(Reservation, reservation.id), "reservation")
            if fresh.state is ReservationState.RESERVED:
                end(tx, fresh)  # type: ignore[operator]

        await world.store.write(body)
        ended += 1
    return ended


async def _is_nonce_used(
    world: World, reservation: Reservation, session: Session, account: Account
) -> bool | None:
    """Say whether the chain has used the nonce; None while it still may."""
    chain = world.chain(account.chain)
    head = await chain.head()
    state = await chain.grant_state(account.address, granted(session).grant_id, counters=0)
    if not state.is_nonce_free(reservation.nonce) and reservation.nonce < state.nonce_base + 31:
        return True
    return False if head.at >= reservation.deadline else None


async def _sessions(world: World) -> int:
    """Sign pending sessions whose owner's key is here: a crash came between the two writes."""

    def pending(view: View) -> list[tuple[Session, SealedKey]]:
        rows = []
        for session in view.find(Session, state=State.PENDING, limit=BATCH):
            wallet = view.get(Wallet, session.wallet_id or "")
            key = view.get(SealedKey, wallet.key_id) if wallet and wallet.key_id else None
            if key is not None and session.expires_at > world.clock.now():
                rows.append((session, key))
        return rows

    found = await world.store.read(pending)
    for session, key in found:
        await sign_as_owner(world, session.id, key)
    return len(found)


def _forget(world: World, tx: Tx) -> None:
    now = world.clock.now()
    for seen in tx.find(SeenNonce, limit=BATCH):
        if seen.forget_at <= now:
            tx.drop(SeenNonce, seen.id)
