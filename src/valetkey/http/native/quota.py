"""Quotas of organizations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope
from valetkey.flows import quotas
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import quota as wire

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


async def _usage(
    see: Reads, principal: Principal, ask: Ask[None, NoQuery]
) -> wire.OrganizationUsage:
    return wire.write_usage(ask.id, await quotas.usage(see, see.bounds, principal, key=ask.id))


async def _set(admitted: Admitted, ask: Ask[wire.SetQuota, NoQuery]) -> wire.QuotaUse:
    used = await quotas.set_quota(
        admitted.world,
        admitted.principal,
        admitted.request,
        organization_id=ask.id,
        quota=ask.body.quota,
        limit=ask.body.limit,
    )
    return wire.write_used(used)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/organizations/{organization_id}/usage",
        who=SECRET,
        scope=Scope.READ,
        summary="Show how much an organization has of what is counted, and may have",
        answer=wire.OrganizationUsage,
        handle=_usage,
    ),
    Write(
        method="POST",
        path="/v1/organizations/{organization_id}/quotas",
        who=SECRET,
        scope=Scope.ORGANIZATIONS_WRITE,
        summary="Say how much an organization below may have",
        body=wire.SetQuota,
        answer=wire.QuotaUse,
        handle=_set,
    ),
)
