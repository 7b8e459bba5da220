"""Sessions handed to backends: a code for one use, and the session that it becomes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.principal import Access
from valetkey.core.scope import Scope, SessionScope
from valetkey.flows.hand_off import redeem
from valetkey.http.native.child_session import compare, read_child
from valetkey.http.native.session import write_opened
from valetkey.http.routes import SECRET, SESSION, Ask, Read, Route, Write
from valetkey.wire import child_session as wire
from valetkey.wire.session import OpenedSession

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


async def _hand_off(
    see: Reads, principal: Principal, ask: Ask[wire.HandOff, NoQuery]
) -> wire.HandedOff:
    given = await see.hand_off(principal, access=Access(ask.body.scope), ttl_s=ask.body.ttl_s)
    return wire.HandedOff(code=given.code, expires_at=given.expires_at)


async def _redeem(admitted: Admitted, ask: Ask[wire.Redeem, NoQuery]) -> OpenedSession:
    see, principal, body = admitted.reads, admitted.principal, ask.body
    opened = await redeem(
        admitted.world,
        principal,
        admitted.request,
        code=body.code,
        asks=lambda parent: read_child(body, parent, now=see.clock.now()),
        compare=partial(compare, see, principal.subject_id),
    )
    return await write_opened(see, opened)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="POST",
        path="/v1/session/hand-offs",
        who=SESSION,
        session_scope=SessionScope.OPEN,
        summary="Make a code for one use, with which a backend opens a session under this one",
        body=wire.HandOff,
        answer=wire.HandedOff,
        handle=_hand_off,
    ),
    Write(
        method="POST",
        path="/v1/hand-offs/redeem",
        who=SECRET,
        scope=Scope.SESSIONS_OPEN,
        summary="Open a session under the one that was handed off; a token is shown this once",
        body=wire.Redeem,
        answer=OpenedSession,
        status=201,
        handle=_redeem,
    ),
)
