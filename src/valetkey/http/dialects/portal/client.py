"""What a client asks for, with its session token or its API key: who it is, and its wallets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.flows.clients import client_of
from valetkey.http.dialects.portal.terms import moment
from valetkey.http.routes import SESSION, Ask, NoQuery, Read, Route

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

ME: Final = "/api/v3/clients/me"


class Named(Struct, frozen=True):
    """Something with a name."""

    id: str
    name: str


class Me(Struct, frozen=True, rename="camel"):
    """A client, as it sees itself."""

    id: str
    created_at: str
    custodian: Named
    environment: Named
    is_account_abstracted: bool = False


async def _me(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Me:
    del ask
    client = await client_of(see, principal)
    owner = Named(client.organization.id, client.organization.name)
    return Me(client.user.id, moment(client.user.created_at), custodian=owner, environment=owner)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path=ME,
        who=SESSION,
        summary="Show the client that asks",
        answer=Me,
        handle=_me,
    ),
)
