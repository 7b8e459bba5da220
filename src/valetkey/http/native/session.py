"""Sessions: opened, granted and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.permission.lint import lint
from valetkey.core.principal import Access, PrincipalKind
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.session import Proof, State
from valetkey.flows import grant, lists, reads
from valetkey.flows.open_session import Opened, open_session
from valetkey.http.native.consent import consent_url, read_signatures
from valetkey.http.native.kill_note import kill_note_of
from valetkey.http.native.pages import cursor_of, owner_of, part_of
from valetkey.http.native.which import SessionsQuery, which_sessions
from valetkey.http.routes import (
    SECRET,
    SECRET_OR_PUBLISHABLE,
    SECRET_OR_SESSION,
    SESSION,
    Ask,
    Read,
    Route,
    Write,
)
from valetkey.wire import session as wire
from valetkey.wire.base import Page, asset_name, read_text
from valetkey.wire.calculus import Finding, write_findings
from valetkey.wire.credential import read_public_key
from valetkey.wire.permission import read_permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


def write_shown(shown: Shown, names: Mapping[bytes, str]) -> wire.Session:
    """Return a session as it is answered."""
    now = wire.Now(shown.state, shown.ends_at, shown.calls_left, write_left(shown))
    return wire.write_session(shown.session, shown.usage, now, names=names)


def write_left(shown: Shown) -> list[wire.Remaining]:
    """Return what each limit of a session still allows."""
    if shown.session.permission is None:
        return []
    rows = [(asset_name(left.asset), left) for left in shown.left]
    rows += [("calls", shown.rate)] if shown.rate else []
    return [
        wire.write_remaining(
            asset,
            left.caveat,
            limit=left.limit,
            spent=left.spent,
            window_ends_at=left.window_ends_at,
        )
        for asset, left in rows
    ]


def read_command(body: wire.OpenSession, *, now: int) -> OpenSession:
    """
    Return what *body* asks for, times filled in.

    The start is the session's, or the permission's, or now; the end is the session's, or
    the permission's, or ``ttl_s`` after the start.

    Raises:
        Malformed: A field is not what it must be, or the end is said twice or not at all.
    """
    document = body.permission
    starts_at = _first(body.starts_at, document.starts_at if document else None, now)
    expires_at = _first(body.expires_at, document.expires_at if document else None)
    if (expires_at is None) == (body.ttl_s is None):
        got = "neither" if expires_at is None else "both"
        detail = f"expires_at, ttl_s: expected one of them, got {got}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    start = now if starts_at is None else starts_at
    end = start + (body.ttl_s or 0) if expires_at is None else expires_at
    permission = None
    if document is not None:
        permission = read_permission(document, starts_at=start, expires_at=end)
    return OpenSession(
        proof=Proof(body.proof),
        access=Access(body.access),
        user_id=body.user_id,
        account_id=body.account_id,
        key=None if body.key is None else read_public_key(body.key, "key"),
        permission=permission,
        starts_at=start,
        expires_at=end,
        idle_s=body.idle_s,
        label=read_text(body.label, "label"),
        device=read_text(body.device, "device"),
        shares_key=body.shares_key,
        bound_token=body.bound_token,
    )


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


async def _open(admitted: Admitted, ask: Ask[wire.OpenSession, NoQuery]) -> wire.OpenedSession:
    see = admitted.reads
    command = read_command(ask.body, now=see.clock.now())
    opened = await open_session(admitted.world, admitted.principal, admitted.request, command)
    granted = opened.session.grant
    has_note = granted is not None and granted.sealed_kill_note is not None
    next_action = None
    if opened.session.state is State.PENDING:
        consent = await grant.consent_of(see, admitted.principal, session_id=opened.session.id)
        next_action = wire.SignConsent(grant=consent["grant"], kill_note=consent["kill_note"])
    answer = await write_opened(see, opened)
    note = await kill_note_of(see, admitted.principal, answer.session.id) if has_note else None
    return structs.replace(answer, kill_note=note, next_action=next_action)


async def write_opened(see: Reads, opened: Opened) -> wire.OpenedSession:
    """Return a new session as it is answered, but for what its owner has to do or to keep."""
    session = write_shown(await reads.shown(see, opened.session), see.names)
    return wire.OpenedSession(
        session=session,
        token=opened.token,
        token_type=None if opened.token is None else opened.session.token_type.value,
        headline=session.headline,
        explanation=session.explanation,
        worst_case=session.worst_case,
        findings=_findings(opened),
        owner_key=session.owner_key,
        kill_note=None,
        next_action=None,
        consent_url=consent_url(see, opened.link),
    )


def _findings(opened: Opened) -> list[Finding]:
    permission = opened.session.permission
    found = lint(permission) if permission is not None else ()
    return write_findings((*found, *opened.findings)).findings


async def _sessions(
    see: Reads, principal: Principal, ask: Ask[None, SessionsQuery]
) -> Page[wire.Session]:
    query = ask.query
    found, behind = await lists.sessions(
        see,
        principal,
        organization_id=owner_of(principal, query.organization_id),
        which=which_sessions(query),
        part=part_of(query, cursor_of(query, Prefix.SESSION), query.order),
    )
    return Page(items=[write_shown(shown, see.names) for shown in found], next=behind)


async def _session(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Session:
    return write_shown(await reads.session(see, principal, session_id=ask.id), see.names)


async def _own(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Session:
    del ask
    own = principal.subject_id
    return write_shown(await reads.session(see, principal, session_id=own), see.names)


async def _consent(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Consent:
    typed = await grant.consent_of(see, principal, session_id=ask.id)
    return wire.Consent(grant=typed["grant"], kill_note=typed["kill_note"])


async def _grant(admitted: Admitted, ask: Ask[wire.AcceptGrant, NoQuery]) -> wire.Session:
    owner_signature, kill_note = read_signatures(ask.body)
    session = await grant.accept_grant(
        admitted.world,
        admitted.principal,
        admitted.request,
        session_id=ask.id,
        owner_signature=owner_signature,
        kill_note=kill_note,
    )
    return write_shown(await reads.shown(admitted.reads, session), admitted.reads.names)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/sessions",
        who=SECRET,
        scope=Scope.SESSIONS_OPEN,
        summary="Open a session; a bearer token is shown this once",
        body=wire.OpenSession,
        answer=wire.OpenedSession,
        status=201,
        handle=_open,
    ),
    Read(
        method="GET",
        path="/v1/sessions",
        who=SECRET,
        scope=Scope.READ,
        summary="List sessions",
        query=SessionsQuery,
        answer=Page[wire.Session],
        handle=_sessions,
    ),
    Read(
        method="GET",
        path="/v1/sessions/{session_id}",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.SELF,
        scope=Scope.READ,
        summary="Show a session with what is used and left",
        answer=wire.Session,
        handle=_session,
    ),
    Read(
        method="GET",
        path="/v1/session",
        who=SESSION,
        session_scope=SessionScope.SELF,
        summary="Show the session that asks",
        answer=wire.Session,
        handle=_own,
    ),
    Read(
        method="GET",
        path="/v1/sessions/{session_id}/consent",
        who=SECRET_OR_PUBLISHABLE,
        scope=Scope.READ,
        summary="Show what the owner signs to open a pending session",
        answer=wire.Consent,
        handle=_consent,
    ),
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/grant",
        who=SECRET_OR_PUBLISHABLE,
        scope=Scope.SESSIONS_OPEN,
        carried_by=frozenset({PrincipalKind.PUBLISHABLE}),
        summary="Bring the owner's signatures, which open the session",
        body=wire.AcceptGrant,
        answer=wire.Session,
        handle=_grant,
    ),
)
