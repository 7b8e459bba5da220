"""Sessions opened under others, by their holders and their organizations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core.child_session import Beyond
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.principal import Access
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.session import Proof
from valetkey.flows import lists, reads, stop
from valetkey.flows.open_child import open_child
from valetkey.flows.scan import Part
from valetkey.http.native.pages import Paged, cursor_of
from valetkey.http.native.session import write_opened, write_shown
from valetkey.http.native.stop import write_stopped
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, SESSION, Ask, Read, Route, Write
from valetkey.wire import child_session as wire
from valetkey.wire.base import Nothing, Page, read_text
from valetkey.wire.calculus import ChildAndParent, Comparison
from valetkey.wire.credential import read_public_key
from valetkey.wire.permission import read_permission, write_permission
from valetkey.wire.session import OpenedSession, Session
from valetkey.wire.stop import Stopped

if TYPE_CHECKING:
    from valetkey.core import session as core
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.flows.opening import Opened
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


def read_child(body: wire.OpenChild, parent: core.Session, *, now: int) -> OpenSession:
    """
    Return what *body* asks for under *parent*, times filled in.

    Raises:
        Malformed: A field is not what it must be, or the end is said twice.
    """
    document = body.permission
    said = (body.starts_at, document.starts_at if document else None)
    start = next((one for one in said if one is not None), parent.starts_at)
    ends = [body.expires_at, document.expires_at if document else None]
    end = next((one for one in ends if one is not None), None)
    if body.ttl_s is not None:
        if end is not None:
            detail = "expires_at, ttl_s: expected one of them at most, got both"
            raise Malformed(Code.MALFORMED_BODY, detail)
        end = max(start, now) + body.ttl_s
    end = parent.expires_at if end is None else end
    permission = None
    if document is not None:
        permission = read_permission(document, starts_at=start, expires_at=end)
    return OpenSession(
        proof=Proof(body.proof),
        access=Access(body.access),
        user_id=None,
        account_id=None,
        key=None if body.key is None else read_public_key(body.key, "key"),
        permission=permission,
        starts_at=start,
        expires_at=end,
        idle_s=body.idle_s,
        label=read_text(body.label, "label"),
        device=read_text(body.device, "device"),
        bound_token=body.bound_token,
    )


async def open_under(admitted: Admitted, parent_id: str, body: wire.OpenChild) -> Opened:
    """Open what *body* asks for under the session called *parent_id*."""
    see, principal = admitted.reads, admitted.principal
    parent = (await reads.session(see, principal, session_id=parent_id)).session
    return await open_child(
        admitted.world,
        principal,
        admitted.request,
        parent_id=parent_id,
        command=read_child(body, parent, now=see.clock.now()),
        compare=partial(compare, see, principal.subject_id),
    )


async def compare(see: Reads, caller: str, child: Permission, parent: Permission) -> Beyond | None:
    """Return how *child* goes beyond *parent*, None if it is within; worked out beside us."""
    asked = ChildAndParent(child=write_permission(child), parent=write_permission(parent))
    answer = await see.calculator.ask("subset", asked, caller=caller)
    found = msgspec.json.decode(answer, type=Comparison)
    return None if found.within else Beyond(found.caveat or "", found.detail or "")


async def _open(admitted: Admitted, ask: Ask[wire.OpenChild, NoQuery]) -> OpenedSession:
    return await write_opened(admitted.reads, await open_under(admitted, ask.id, ask.body))


async def _open_own(admitted: Admitted, ask: Ask[wire.OpenChild, NoQuery]) -> OpenedSession:
    own = admitted.principal.subject_id
    return await write_opened(admitted.reads, await open_under(admitted, own, ask.body))


async def _children(see: Reads, principal: Principal, ask: Ask[None, Paged]) -> Page[Session]:
    query = ask.query
    found, behind = await lists.sessions(
        see,
        principal,
        organization_id=principal.organization_id,
        which=lists.WhichSessions(parent_id=principal.subject_id),
        part=Part(after=cursor_of(query, Prefix.SESSION), limit=query.limit),
    )
    return Page(items=[write_shown(shown, see.names) for shown in found], next=behind)


async def _revoke(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> Stopped:
    stopped = await stop.revoke_below(
        admitted.world, admitted.principal, admitted.request, session_id=ask.id
    )
    return await write_stopped(admitted.reads, stopped)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/children",
        who=SECRET,
        scope=Scope.SESSIONS_OPEN,
        summary="Open a narrower session under another; a token is shown this once",
        body=wire.OpenChild,
        answer=OpenedSession,
        status=201,
        handle=_open,
    ),
    Write(
        method="POST",
        path="/v1/session/children",
        who=SESSION,
        session_scope=SessionScope.OPEN,
        summary="Open a narrower session under the one that asks; a token is shown this once",
        body=wire.OpenChild,
        answer=OpenedSession,
        status=201,
        handle=_open_own,
    ),
    Read(
        method="GET",
        path="/v1/session/children",
        who=SESSION,
        session_scope=SessionScope.SELF,
        summary="List the sessions under the one that asks, newest first",
        query=Paged,
        answer=Page[Session],
        handle=_children,
    ),
    Write(
        method="POST",
        path="/v1/session/children/{session_id}/revoke",
        who=SESSION,
        session_scope=SessionScope.SELF,
        lane=Lane.STOP,
        summary="Revoke a session below the one that asks, and all below that",
        body=Nothing,
        answer=Stopped,
        handle=_revoke,
    ),
)
