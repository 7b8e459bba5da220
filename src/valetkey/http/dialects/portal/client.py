"""Clients: the users of an organization, as a custodian sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.ids import Prefix, check_id
from valetkey.core.organization import User
from valetkey.core.scope import Scope
from valetkey.flows import reads
from valetkey.http.routes import SECRET, Ask, Read, Route

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

FAMILIES: Final = ("/api/v3/custodians/me/clients", "/v4/wallets/clients")
_TAKEN: Final = 100


class Taken(Struct, frozen=True):
    """Which part of a list is asked for."""

    take: Annotated[int, Meta(ge=1, le=_TAKEN)] = _TAKEN
    cursor: Annotated[str, Meta(max_length=64)] = ""


class Client(Struct, frozen=True, rename="camel"):
    """A user of the organization."""

    id: str
    created_at: int


class Metadata(Struct, frozen=True):
    """Where in a list a part of it stands."""

    cursor: str | None
    take: int


class Clients(Struct, frozen=True):
    """A part of the list of clients."""

    results: list[Client]
    metadata: Metadata


async def _clients(see: Reads, principal: Principal, ask: Ask[None, Taken]) -> Clients:
    after = check_id(ask.query.cursor, Prefix.USER) if ask.query.cursor else ""
    found = await reads.listed(
        see,
        principal,
        User,
        organization_id=principal.organization_id,
        after=after,
        limit=ask.query.take,
    )
    cursor = found[-1].id if len(found) == ask.query.take else None
    shown = [Client(one.id, one.created_at) for one in found]
    return Clients(shown, Metadata(cursor, ask.query.take))


ROUTES: Final[tuple[Route, ...]] = tuple(
    Read(
        method="GET",
        path=path,
        who=SECRET,
        scope=Scope.READ,
        summary="List clients",
        answer=Clients,
        query=Taken,
        handle=_clients,
    )
    for path in FAMILIES
)
