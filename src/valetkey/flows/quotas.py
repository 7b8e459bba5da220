"""Quotas: counted in the transaction that adds; lowered by those above; shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Limited, Malformed
from valetkey.core.organization import Organization
from valetkey.core.quota import Ceiling, OpenMark, Quota, Tally, Used, mark_of, tally_id
from valetkey.core.scope import Scope
from valetkey.flows.gate import expect_reach, expect_scope, expect_secret, is_above, present
from valetkey.flows.record import begin, earlier, write_down

_AT_ONCE: Final = 8  # forgotten at each opening: more than one, so that all are in the end

if TYPE_CHECKING:
    from valetkey.config import Bounds
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.session import Session
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def count_one(world: World, tx: Tx, organization_id: str, quota: Quota) -> None:
    """
    Count one more.

    Raises:
        Limited: The organization has as many as it may.
    """
    current = _count(tx, organization_id, quota)
    limit = _limit(tx, world.bounds, organization_id, quota)
    if current >= limit:
        detail = f"expected at most {limit} {quota} in one organization, got one more"
        facts = {"quota": quota.value, "limit": limit, "current": current}
        raise Limited(Code.QUOTA_EXCEEDED, detail, **facts)
    _put(tx, organization_id, quota, current + 1)


def count_one_less(tx: Tx, organization_id: str, quota: Quota) -> None:
    """Count one less."""
    _put(tx, organization_id, quota, max(0, _count(tx, organization_id, quota) - 1))


def count_session(world: World, tx: Tx, session: Session) -> None:
    """
    Count one more open session, until it is stopped or its time is over; forget those that are.

    Raises:
        Limited: The organization has as many as it may.
    """
    owner, now = session.organization_id, world.clock.now()
    first = tx.find(OpenMark, organization_id=owner, limit=_AT_ONCE)
    over = [one for one in first if one.ends_at <= now]
    for one in over:
        tx.drop(OpenMark, one.id)
    if over:
        current = _count(tx, owner, Quota.SESSIONS)
        _put(tx, owner, Quota.SESSIONS, max(0, current - len(over)))
    count_one(world, tx, owner, Quota.SESSIONS)
    tx.add(mark_of(owner, session.id, session.expires_at))


def forget_session(tx: Tx, session: Session) -> None:
    """Count *session*, which has ended before its time, no longer."""
    mark = mark_of(session.organization_id, session.id, session.expires_at)
    if tx.get(OpenMark, mark.id) is not None:
        tx.drop(OpenMark, mark.id)
        count_one_less(tx, session.organization_id, Quota.SESSIONS)


async def set_quota(
    world: World,
    principal: Principal,
    request: Request,
    *,
    organization_id: str,
    quota: Quota,
    limit: int,
) -> Used:
    """
    Return the quota of an organization below, with another limit from now on.

    What is there already stays. The limits of a first organization are the operator's.

    Raises:
        Forbidden: It is the principal's own, or one further above set it lower.
        Malformed: It is more than the operator allows.
    """
    expect_scope(principal, Scope.ORGANIZATIONS_WRITE)
    most: int = getattr(world.bounds, quota)
    if not 0 <= limit <= most:
        detail = f"limit: expected 0 to {most}, which is what the operator allows, got {limit}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    key = tally_id(organization_id, quota)

    def body(tx: Tx) -> Used:
        expect_reach(tx, principal, organization_id, "organization")
        if principal.organization_id == organization_id:
            detail = "expected an organization below one's own: those above set its quotas"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        if earlier(tx, principal, request) is not None:
            return _used(tx, world.bounds, organization_id, quota)
        tx.put(_lowered(tx, Ceiling(key, organization_id, principal.organization_id, limit)))
        activity = begin(
            world,
            principal,
            request,
            "organization:set_quota",
            organization_id=organization_id,
            subject_id=organization_id,
        )
        facts = {"quota": quota.value, "limit": str(limit)}
        write_down(tx, activity, "organization:quota_set", **facts)
        return _used(tx, world.bounds, organization_id, quota)

    return await world.store.write(body)


async def usage(world: Sight, bounds: Bounds, principal: Principal, *, key: str) -> list[Used]:
    """Return every quota of an organization, and how much of it is in use."""
    expect_secret(principal)

    def body(view: View) -> list[Used]:
        expect_reach(view, principal, key, "organization")
        present(view.get(Organization, key), "organization")
        return [_used(view, bounds, key, quota) for quota in Quota]

    return await world.store.read(body)


def _lowered(view: View, wanted: Ceiling) -> Ceiling:
    """
    Return *wanted*, said to be of the highest who set it.

    Raises:
        Forbidden: It would raise what one above the setter has set.
    """
    before = view.get(Ceiling, wanted.id)
    if before is None or not is_above(view, before.set_by, wanted.set_by):
        return wanted
    if wanted.limit > before.limit:
        detail = f"expected at most {before.limit}, which an organization above set"
        raise Forbidden(Code.NOT_ALLOWED, f"{detail}, got {wanted.limit}")
    return replace(wanted, set_by=before.set_by)


def _limit(view: View, bounds: Bounds, organization_id: str, quota: Quota) -> int:
    most: int = getattr(bounds, quota)
    ceiling = view.get(Ceiling, tally_id(organization_id, quota))
    return most if ceiling is None else min(most, ceiling.limit)


def _count(view: View, organization_id: str, quota: Quota) -> int:
    tally = view.get(Tally, tally_id(organization_id, quota))
    return 0 if tally is None else tally.count


def _put(tx: Tx, organization_id: str, quota: Quota, count: int) -> None:
    tx.put(Tally(tally_id(organization_id, quota), organization_id, count))


def _used(view: View, bounds: Bounds, organization_id: str, quota: Quota) -> Used:
    limit = _limit(view, bounds, organization_id, quota)
    return Used(quota, limit, _count(view, organization_id, quota))
