"""Counted in the transaction that adds: what an organization has, and what it does in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Limited
from valetkey.core.quota import (
    UNCOUNTED,
    OpenMark,
    Quota,
    Tally,
    Used,
    day_of,
    mark_of,
    tally_id,
)
from valetkey.core.units import DAY_S

if TYPE_CHECKING:
    from valetkey.config import Bounds
    from valetkey.core.activity import Activity
    from valetkey.core.session import Session
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

_AT_ONCE: Final = 8  # forgotten at each opening: more than one, so that all are in the end


def used_of(view: View, bounds: Bounds, organization_id: str, quota: Quota, *, now: int) -> Used:
    """Return how much of *quota* an organization has, and may have."""
    return _used(tally_of(view, organization_id, quota), bounds, quota, now=now)


def tally_of(view: View, organization_id: str, quota: Quota) -> Tally:
    """Return what is counted of *quota* in an organization."""
    id_ = tally_id(organization_id, quota)
    return view.get(Tally, id_) or Tally(id_, organization_id, 0)


def count_one(world: World, tx: Tx, organization_id: str, quota: Quota) -> None:
    """
    Count one more.

    Raises:
        Limited: The organization has as many as it may.
    """
    _count(world, tx, tally_of(tx, organization_id, quota), quota)


def count_one_less(tx: Tx, organization_id: str, quota: Quota) -> None:
    """Count one less of what is counted without an end."""
    tally = tally_of(tx, organization_id, quota)
    tx.put(tally.counted(max(0, tally.count - 1), None))


def add_activity(world: World, tx: Tx, activity: Activity) -> None:
    """
    Add *activity*, counted in its day. What stops is neither counted nor refused (`UNCOUNTED`).

    Raises:
        Limited: The organization did as much today as it may in a day.
    """
    if activity.kind not in UNCOUNTED:
        count_one(world, tx, activity.organization_id, Quota.ACTIVITIES_PER_DAY)
    tx.add(activity)


def count_session(world: World, tx: Tx, session: Session) -> None:
    """
    Count one more open session, until it is stopped or its time is over; forget those that are.

    Raises:
        Limited: The organization has as many as it may.
    """
    owner = session.organization_id
    tally = tally_of(tx, owner, Quota.SESSIONS)
    over = _over(tx, owner, now=world.clock.now())
    for one in over:
        tx.drop(OpenMark, one.id)
    if over:
        tally = tally.counted(max(0, tally.count - len(over)), None)
    _count(world, tx, tally, Quota.SESSIONS)
    tx.add(_mark(session))


def count_longer(tx: Tx, before: Session, after: Session) -> None:
    """Count a session, which has not ended, until the new end that a signature has given it."""
    if before.lasts_until != after.lasts_until and tx.get(OpenMark, _mark(before).id) is not None:
        tx.drop(OpenMark, _mark(before).id)
        tx.add(_mark(after))


def forget_session(tx: Tx, session: Session) -> None:
    """Count *session*, which has ended before its time, no longer."""
    mark = _mark(session)
    if tx.get(OpenMark, mark.id) is not None:
        tx.drop(OpenMark, mark.id)
        count_one_less(tx, session.organization_id, Quota.SESSIONS)


def _mark(session: Session) -> OpenMark:
    return mark_of(session.organization_id, session.id, session.lasts_until)


def _used_up(used: Used) -> Limited:
    facts: dict[str, object] = {
        "quota": used.quota.value,
        "limit": used.limit,
        "current": used.current,
    }
    detail = f"expected at most {used.limit} {used.quota} in one organization, got one more"
    if used.resets_at is not None:
        facts["resets_at"] = used.resets_at
        detail += f"; the next day (UTC) begins at {used.resets_at}, and what stops goes on"
    return Limited(Code.QUOTA_EXCEEDED, detail, **facts)


def _over(view: View, organization_id: str, *, now: int) -> list[OpenMark]:
    """Return marks that count no more, the oldest first; mostly there are none to be read."""
    oldest = view.find(OpenMark, organization_id=organization_id, limit=1)
    if not oldest or oldest[0].ends_at > now:
        return []
    first = view.find(OpenMark, organization_id=organization_id, limit=_AT_ONCE)
    return [one for one in first if one.ends_at <= now]


def _count(world: World, tx: Tx, tally: Tally, quota: Quota) -> None:
    now = world.clock.now()
    used = _used(tally, world.bounds, quota, now=now)
    if used.current >= used.limit:
        raise _used_up(used)
    tx.put(tally.counted(used.current + 1, _day_at(quota, now)))


def _used(tally: Tally, bounds: Bounds, quota: Quota, *, now: int) -> Used:
    limit: int = getattr(bounds, quota)
    if tally.limit is not None:
        limit = min(limit, tally.limit)
    day_at = _day_at(quota, now)
    resets_at = None if day_at is None else day_at + DAY_S
    return Used(quota, limit, tally.count if tally.day_at == day_at else 0, resets_at)


def _day_at(quota: Quota, now: int) -> int | None:
    return day_of(now) if quota is Quota.ACTIVITIES_PER_DAY else None
