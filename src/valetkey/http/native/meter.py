"""The live meter: one session's, or an organization's; and the ticket for an `EventSource`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.scope import Scope, SessionScope
from valetkey.flows import meter
from valetkey.http.native.pages import Owner, owner_of
from valetkey.http.routes import SECRET, SECRET_OR_SESSION, Ask, NoQuery, Read, Route, Stream
from valetkey.wire import meter as wire

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

_TICKET: Final = "In the place of a proof: single-use, good for 30 s. Only for `EventSource`."


class MeterQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """By which ticket, if by one."""

    ticket: Annotated[str, Meta(max_length=128, description=_TICKET)] | None = None


class OrganizationQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose sessions."""

    organization_id: Owner | None = None


async def _session(see: Reads, principal: Principal, ask: Ask[None, MeterQuery]) -> meter.Subject:
    return await meter.watch_session(see, principal, session_id=ask.id)


async def _organization(
    see: Reads, principal: Principal, ask: Ask[None, OrganizationQuery]
) -> meter.Subject:
    whose = owner_of(principal, ask.query.organization_id)
    return await meter.watch_organization(see, principal, organization_id=whose)


async def _ticket(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Ticket:
    made = await see.issue_ticket(principal, session_id=ask.id)
    return wire.Ticket(ticket=made.ticket, expires_at=made.expires_at)


ROUTES: Final[tuple[Route, ...]] = (
    Stream(
        method="GET",
        path="/v1/sessions/{session_id}/meter",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="Watch what a session uses, as it happens (`text/event-stream`)",
        query=MeterQuery,
        answer=wire.Meter,
        handle=_session,
    ),
    Stream(
        method="GET",
        path="/v1/meter",
        who=SECRET,
        scope=Scope.READ,
        summary="Watch the sessions of an organization, most used first (`text/event-stream`)",
        query=OrganizationQuery,
        answer=wire.OrganizationMeter,
        handle=_organization,
    ),
    Read(
        method="POST",
        path="/v1/sessions/{session_id}/meter/ticket",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.READ,
        scope=Scope.READ,
        summary="Make a single-use ticket with which an `EventSource` watches a session",
        answer=wire.Ticket,
        handle=_ticket,
    ),
)
