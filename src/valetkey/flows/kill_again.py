"""Kill notes that did not end a session the first time: brought to its chain again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.activity import SETTLED, Activity, ActivityState, request_hash, request_key
from valetkey.core.ids import Prefix
from valetkey.flows.counts import add_activity
from valetkey.flows.record import SYSTEM
from valetkey.flows.settle import ENDINGS, REVOKE

if TYPE_CHECKING:
    from valetkey.core.session import Session
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MOST: Final = 6  # tries after the first one; the last comes 32 times ``watch_s`` after the fifth


def endings_of(view: View, session: Session) -> list[Activity]:
    """Return what was asked for or planned to end *session*, the newest first."""
    found = view.find(Activity, governs=session.id, newest_first=True)
    return [one for one in found if one.kind in ENDINGS]


def is_ending(view: View, session: Session) -> bool:
    """Say whether an end of *session* is on its way to the chain."""
    return any(one.state not in SETTLED for one in endings_of(view, session))


def has_note(session: Session) -> bool:
    """Say whether this server has a kill note of *session*."""
    return session.grant is not None and session.grant.sealed_kill_note is not None


def plan_kill(world: World, tx: Tx, session: Session) -> Activity:
    """Return what brings the kill note of *session* to its chain, paid from the fund for stops."""
    activity_id = world.new_id(Prefix.ACTIVITY)
    planned = Activity(
        id=activity_id,
        organization_id=session.organization_id,
        kind=REVOKE,
        principal_id=SYSTEM,
        request_key=request_key(session.organization_id, SYSTEM, f"kill/{activity_id}"),
        request_hash=request_hash(REVOKE, session.id),
        state=ActivityState.AWAITING,
        created_at=world.clock.now(),
        subject_id=session.id,
        session_id=session.id,
        account_id=session.account_id,
    )
    add_activity(world, tx, planned)
    return planned


def kill_again(world: World, tx: Tx, session: Session) -> None:
    """
    Plan the kill of *session* once more: it is over here, and its chain would still take a run.

    Each try waits twice as long as the one before, from ``watch_s`` on; after `MOST` of them it is
    left to whoever revokes it again, for what they cost is somebody's money.
    """
    tried = [one for one in endings_of(tx, session) if one.intent is not None]
    if not has_note(session) or is_ending(tx, session) or not 0 < len(tried) <= MOST:
        return
    wait_s = world.bounds.watch_s << (len(tried) - 1)
    if world.clock.now() >= tried[0].created_at + wait_s:
        plan_kill(world, tx, session)
