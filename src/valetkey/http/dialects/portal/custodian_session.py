"""What a custodian's backend does with sessions of its clients: tokens and API keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix, check_id
from valetkey.core.organization import User
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.flows import lists, reads, stop
from valetkey.flows.gate import present
from valetkey.flows.lists import WhichSessions
from valetkey.flows.open_session import open_session
from valetkey.flows.scan import Part
from valetkey.http.dialects.portal.terms import (
    ClientSession,
    key_command,
    token_command,
    write_session,
)
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.command import OpenSession
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

    Terms = Callable[..., OpenSession]

PORTAL: Final = "/api/v3/custodians/me/clients"
PORTAL_V1: Final = "/api/v1/custodians/clients"
TATUM: Final = "/v4/wallets/clients"
FAMILIES: Final = (PORTAL, TATUM)
_TAKEN: Final = 100


class CreateSession(Struct, frozen=True, rename="camel"):
    """
    A session to open.

    Args:
        is_account_abstracted: What its client is; not said, it is taken as it is.
    """

    is_account_abstracted: bool | UnsetType = UNSET


class CreatedSession(Struct, frozen=True, rename="camel"):
    """
    A new session. ``id`` is the client's, as the vendor has it; the last three are ours.

    Args:
        client_session_token: Shown this once.
    """

    id: str
    client_session_token: str
    is_account_abstracted: bool
    session_id: str
    expires_at: str
    max_expires_at: str

    __repr__ = quiet("client_session_token")


class CreatedKey(Struct, frozen=True, rename="camel"):
    """A new API key of a client, shown this once. Ours: the vendor makes one with the client."""

    id: str
    client_api_key: str
    session_id: str
    max_expires_at: str

    __repr__ = quiet("client_api_key")


class Taken(Struct, frozen=True):
    """Which part of a list is asked for."""

    take: Annotated[int, Meta(ge=1, le=_TAKEN)] = _TAKEN
    cursor: Annotated[str, Meta(max_length=64)] = ""


class Sessions(Struct, frozen=True):
    """A part of the list of a client's sessions, newest first."""

    results: list[ClientSession]
    cursor: str | None


class Revoked(Struct, frozen=True):
    """What was revoked: refused from this answer on."""

    results: list[ClientSession]


async def user_of(see: Reads, principal: Principal, client_id: str) -> User:
    """Return the client of that id, whatever stands in the path."""
    return await reads.owned(see, principal, User, "client", key=client_id)


async def opened(
    admitted: Admitted, request: Request, user_id: str, terms: Terms
) -> tuple[str, ClientSession]:
    """Return the token of a new session, and how it is shown."""
    now, most = admitted.reads.clock.now(), admitted.reads.bounds.max_session_s
    command = terms(user_id, now=now, max_session_s=most)
    opened = await open_session(admitted.world, admitted.principal, request, command)
    if opened.token is None:
        detail = "expected a new Idempotency-Key: the token of this one was shown before, once"
        raise Conflict(Code.REQUEST_ID_REUSED, detail)
    return opened.token, write_session(await reads.shown(admitted.reads, opened.session))


async def _create_session(admitted: Admitted, ask: Ask[CreateSession, NoQuery]) -> CreatedSession:
    user = await user_of(admitted.reads, admitted.principal, ask.id)
    told, has_clone = ask.body.is_account_abstracted, user.clones is not None
    if told is not UNSET and told is not has_clone:
        detail = f"isAccountAbstracted: expected {has_clone}, as the client was made, got {told}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    token, shown = await opened(admitted, admitted.request, user.id, token_command)
    return CreatedSession(
        id=user.id,
        client_session_token=token,
        is_account_abstracted=has_clone,
        session_id=shown.session_id,
        expires_at=shown.expires_at,
        max_expires_at=shown.max_expires_at,
    )


async def _create_key(admitted: Admitted, ask: Ask[None, NoQuery]) -> CreatedKey:
    user = await user_of(admitted.reads, admitted.principal, ask.id)
    key, shown = await opened(admitted, admitted.request, user.id, key_command)
    return CreatedKey(user.id, key, shown.session_id, shown.max_expires_at)


async def _list_sessions(see: Reads, principal: Principal, ask: Ask[None, Taken]) -> Sessions:
    query = ask.query
    user = await user_of(see, principal, ask.id)
    after = check_id(query.cursor, Prefix.SESSION) if query.cursor else ""
    found, behind = await lists.sessions(
        see,
        principal,
        organization_id=principal.organization_id,
        which=WhichSessions(user_id=user.id),
        part=Part(after=after, limit=query.take),
    )
    ours = [one for one in found if one.session.surface is Surface.PORTAL]
    return Sessions([write_session(one) for one in ours], behind)


async def _revoke(admitted: Admitted, ask: Ask[None, NoQuery]) -> Revoked:
    """Revoke one session, of that client and no other."""
    see, principal = admitted.reads, admitted.principal
    user_id, session_id = ask.names
    shown = await reads.session(see, principal, session_id=session_id)
    if shown.session.user_id != user_id:
        return present(None, "session")
    stopped = await stop.revoke(
        admitted.world, principal, admitted.request, session_id=shown.session.id
    )
    return Revoked([write_session(await reads.shown(see, stopped.session))])


async def _revoke_all(admitted: Admitted, ask: Ask[None, NoQuery]) -> Revoked:
    """Revoke all sessions of a client: its tokens, its API key, and those that are not Portal's."""
    see = admitted.reads
    user = await user_of(see, admitted.principal, ask.id)
    stopped = await stop.revoke_all(
        admitted.world,
        admitted.principal,
        admitted.request,
        scope=stop.Scope.USER,
        scope_id=user.id,
    )
    return Revoked([write_session(await reads.shown(see, one.session)) for one in stopped])


_opens = partial(Write, method="POST", who=SECRET, scope=Scope.SESSIONS_OPEN, is_new_each_time=True)
_stops = partial(
    Write,
    method="DELETE",
    who=SECRET,
    scope=Scope.SESSIONS_STOP,
    lane=Lane.STOP,
    answer=Revoked,
    is_new_each_time=True,
)
_creates = partial(
    _opens,
    summary="Make a client session token",
    body=CreateSession,
    answer=CreatedSession,
    handle=_create_session,
)


def _routes(path: str) -> tuple[Route, ...]:
    one = f"{path}/{{client}}"
    sessions = f"{one}/sessions"
    return (
        _creates(path=sessions),
        Read(
            method="GET",
            path=sessions,
            who=SECRET,
            scope=Scope.READ,
            summary="List sessions of a client",
            query=Taken,
            answer=Sessions,
            handle=_list_sessions,
        ),
        _stops(path=sessions, summary="Revoke all sessions of a client", handle=_revoke_all),
        _stops(
            path=f"{sessions}/{{session}}", summary="Revoke a session of a client", handle=_revoke
        ),
        _opens(
            path=f"{one}/api-key",
            summary="Make another API key of a client",
            answer=CreatedKey,
            handle=_create_key,
        ),
    )


ROUTES: Final[tuple[Route, ...]] = (
    *(route for path in FAMILIES for route in _routes(path)),
    _creates(path=f"{PORTAL_V1}/{{client}}/session"),
)
