"""The server itself: health, chains, audit log, and what it says about codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from valetkey.core.errors import Code, NotFound
from valetkey.core.scope import Scope
from valetkey.flows import lists
from valetkey.flows.scan import Span
from valetkey.http.native.pages import Order, OwnedPage, Owner, line_cursor, owner_of, part_of
from valetkey.http.problem import TITLES, TYPES
from valetkey.http.rates import Lane
from valetkey.http.routes import EVERYBODY, SECRET, Ask, NoQuery, Read, Route
from valetkey.wire import server as wire
from valetkey.wire.base import Page, Seconds, hexed

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads


Name = Annotated[str, Meta(max_length=64)]


class OwnerQuery(NoQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose log."""

    organization_id: Owner | None = None


class AuditQuery(OwnedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    Which lines of the log.

    Args:
        resource, action: The halves of the event's name: ``session`` and ``revoked``.
        since, until: Unix seconds: the first one, and the first one that is not in it any more.
    """

    resource: Name | None = None
    action: Name | None = None
    subject_id: Name | None = None
    principal_id: Name | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    order: Order = "oldest"


async def _alive(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Health:
    del see, principal, ask
    return wire.Health()


async def _ready(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Health:
    del principal, ask
    await see.check_ready()
    return wire.Health()


async def _server(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Server:
    del principal, ask
    await see.refresh_payers()
    relayer, stopper = hexed(see.relayer_address), hexed(see.stopper_address)
    return wire.Server(
        version=see.version,
        chains=[
            wire.ServedChain(
                chain=name,
                implementation=hexed(chain.implementation),
                relayer=relayer,
                stopper=stopper,
            )
            for name, chain in see.chains.items()
        ],
        time=see.clock.now(),
    )


async def _problem(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.ProblemKind:
    del see, principal
    code = next((code for code in Code if code.value == ask.id), None)
    if code is None:
        raise NotFound(Code.NOT_FOUND, f"there is no code {ask.id[:40]!r}")
    return wire.ProblemKind(type=f"{TYPES}{code}", code=code.value, title=TITLES[code])


async def _audit(
    see: Reads, principal: Principal, ask: Ask[None, AuditQuery]
) -> Page[wire.AuditLine]:
    query = ask.query
    organization_id = owner_of(principal, query.organization_id)
    lines, behind = await lists.audit_log(
        see,
        principal,
        organization_id=organization_id,
        which=lists.WhichLines(
            resource=query.resource,
            action=query.action,
            subject_id=query.subject_id,
            principal_id=query.principal_id,
            at=Span(query.since, query.until),
        ),
        part=part_of(query, line_cursor(query.after, organization_id), query.order),
    )
    return Page(items=[wire.write_audit_line(one) for one in lines], next=behind)


async def _head(see: Reads, principal: Principal, ask: Ask[None, OwnerQuery]) -> wire.AuditHead:
    organization_id = owner_of(principal, ask.query.organization_id)
    return wire.write_audit_head(await see.sign_head(principal, organization_id=organization_id))


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/healthz",
        who=EVERYBODY,
        lane=Lane.FREE,
        summary="Say that the process answers",
        answer=wire.Health,
        handle=_alive,
    ),
    Read(
        method="GET",
        path="/readyz",
        who=EVERYBODY,
        lane=Lane.FREE,
        summary="Say that store and chains answer",
        answer=wire.Health,
        handle=_ready,
    ),
    Read(
        method="GET",
        path="/problems/{code}",
        who=EVERYBODY,
        summary="Say what the code of a problem means",
        answer=wire.ProblemKind,
        handle=_problem,
    ),
    Read(
        method="GET",
        path="/v1/server",
        who=EVERYBODY,
        summary="Show version, chains and clock",
        answer=wire.Server,
        handle=_server,
    ),
    Read(
        method="GET",
        path="/v1/audit",
        who=SECRET,
        scope=Scope.AUDIT_READ,
        summary="List the lines of the audit log",
        query=AuditQuery,
        answer=Page[wire.AuditLine],
        handle=_audit,
    ),
    Read(
        method="GET",
        path="/v1/audit/head",
        who=SECRET,
        scope=Scope.AUDIT_READ,
        summary="Show the newest line of the audit log, signed",
        query=OwnerQuery,
        answer=wire.AuditHead,
        handle=_head,
    ),
)
