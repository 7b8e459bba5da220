"""Quotas: lowered by those above, and shown. What counts them is in `counts`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.organization import Organization
from valetkey.core.quota import Quota, Tally, Used
from valetkey.core.scope import Scope
from valetkey.flows.counts import tally_of, used_of
from valetkey.flows.gate import expect_reach, expect_scope, expect_secret, is_above, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.config import Bounds
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


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
    now = world.clock.now()

    def body(tx: Tx) -> Used:
        expect_reach(tx, principal, organization_id, "organization")
        if principal.organization_id == organization_id:
            detail = "expected an organization below one's own: those above set its quotas"
            raise Forbidden(Code.NOT_ALLOWED, detail)
        if admit(world, tx, principal, request) is not None:
            return used_of(tx, world.bounds, organization_id, quota, now=now)
        tally = tally_of(tx, organization_id, quota)
        tx.put(_limited(tx, tally, limit, set_by=principal.organization_id))
        activity = begin(
            world,
            principal,
            request,
            "organization:set_quota",
            organization_id=organization_id,
            subject_id=organization_id,
        )
        facts = {"quota": quota.value, "limit": str(limit)}
        write_down(world, tx, activity, "organization:quota_set", **facts)
        return used_of(tx, world.bounds, organization_id, quota, now=now)

    return await world.store.write(body)


async def usage(world: Sight, bounds: Bounds, principal: Principal, *, key: str) -> list[Used]:
    """Return every quota of an organization, and how much of it is in use."""
    expect_secret(principal)
    now = world.clock.now()

    def body(view: View) -> list[Used]:
        expect_reach(view, principal, key, "organization")
        present(view.get(Organization, key), "organization")
        return [used_of(view, bounds, key, quota, now=now) for quota in Quota]

    return await world.store.read(body)


def _limited(view: View, tally: Tally, limit: int, *, set_by: str) -> Tally:
    """
    Return *tally* with *limit*, said to be of the highest who set it.

    Raises:
        Forbidden: It would raise what one above the setter has set.
    """
    if tally.limit is None or tally.set_by is None or not is_above(view, tally.set_by, set_by):
        return replace(tally, limit=limit, set_by=set_by)
    if limit > tally.limit:
        detail = f"expected at most {tally.limit}, which an organization above set"
        raise Forbidden(Code.NOT_ALLOWED, f"{detail}, got {limit}")
    return replace(tally, limit=limit)
