"""What a custodian's backend asks for: clients, each with its first session and an API key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix, check_id
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.flows import quotas
from valetkey.flows.clients import client_named, clients_of
from valetkey.flows.gate import expect_scope
from valetkey.flows.organize import add_user
from valetkey.flows.record import part_of
from valetkey.http.dialects.portal.custodian_session import (
    FAMILIES,
    CreatedSession,
    CreateSession,
    Taken,
    opened,
)
from valetkey.http.dialects.portal.details import Details, write_details
from valetkey.http.dialects.portal.terms import key_command, token_command
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads


class CreateClient(CreateSession, frozen=True, rename="camel"):
    """
    A client to make.

    Args:
        reference: What the custodian calls them; ours, the vendor has none.
    """

    reference: Annotated[str, Meta(max_length=128)] = ""


class CreatedClient(CreatedSession, frozen=True, rename="camel", kw_only=True):
    """A new client, with its first session; its API key is shown this once."""

    client_api_key: str

    __repr__ = quiet("client_session_token", "client_api_key")


class Metadata(Struct, frozen=True):
    """Where in a list a part of it stands; ``cursor`` is where the next one begins."""

    cursor: str | None
    take: int
    total: int


class Clients(Struct, frozen=True):
    """A part of the list of clients."""

    results: list[Details]
    metadata: Metadata


async def _create_client(admitted: Admitted, ask: Ask[CreateClient, NoQuery]) -> CreatedClient:
    expect_scope(admitted.principal, Scope.USERS_WRITE)
    request, has_clone = admitted.request, ask.body.is_account_abstracted is True
    clones = admitted.world.clones if has_clone else None
    if has_clone and clones is None:
        detail = "isAccountAbstracted: expected false, for no clone_factory is configured here"
        raise Malformed(Code.MALFORMED_BODY, detail)
    user = await add_user(
        admitted.world,
        admitted.principal,
        part_of(request, "user"),
        reference=ask.body.reference,
        clones=clones,
    )
    key, _ = await opened(admitted, part_of(request, "key"), user.id, key_command)
    token, shown = await opened(admitted, part_of(request, "token"), user.id, token_command)
    return CreatedClient(
        id=user.id,
        client_api_key=key,
        client_session_token=token,
        is_account_abstracted=has_clone,
        session_id=shown.session_id,
        expires_at=shown.expires_at,
        max_expires_at=shown.max_expires_at,
    )


async def _get_client(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Details:
    return write_details(await client_named(see, principal, client_id=ask.id))


async def _list_clients(see: Reads, principal: Principal, ask: Ask[None, Taken]) -> Clients:
    query, own = ask.query, principal.organization_id
    after = check_id(query.cursor, Prefix.USER) if query.cursor else ""
    found = await clients_of(see, principal, after=after, limit=query.take)
    used = await quotas.usage(see, see.bounds, principal, key=own)
    total = next(one.current for one in used if one.quota is Quota.USERS)
    cursor = found[-1].user.id if len(found) == query.take else None
    return Clients([write_details(one) for one in found], Metadata(cursor, query.take, total))


def _routes(path: str) -> tuple[Route, ...]:
    reads_it = partial(Read, method="GET", who=SECRET, scope=Scope.READ)
    return (
        Write(
            method="POST",
            path=path,
            who=SECRET,
            scope=Scope.SESSIONS_OPEN,
            is_new_each_time=True,
            summary="Make a client",
            body=CreateClient,
            answer=CreatedClient,
            handle=_create_client,
        ),
        reads_it(
            path=path, summary="List clients", query=Taken, answer=Clients, handle=_list_clients
        ),
        reads_it(
            path=f"{path}/{{client}}", summary="Show a client", answer=Details, handle=_get_client
        ),
    )


ROUTES: Final[tuple[Route, ...]] = tuple(route for path in FAMILIES for route in _routes(path))
