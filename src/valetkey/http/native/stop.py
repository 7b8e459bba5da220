"""Sessions stopped: frozen, revoked, closed."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from valetkey.core.errors import ChainRejected, Code, Malformed, Unavailable
from valetkey.core.scope import Scope, SessionScope
from valetkey.flows import freeze as freezing
from valetkey.flows import reads, stop
from valetkey.flows.leftovers import approvals_of_session
from valetkey.flows.tried import tried
from valetkey.flows.turns import in_turns
from valetkey.http.native.consent import SIGNATURE_BYTES
from valetkey.http.native.leftover import write_approvals
from valetkey.http.native.session import write_shown
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, SESSION, Ask, Leave, Read, Route, Write
from valetkey.wire import stop as wire_stop
from valetkey.wire.activity import write_activity
from valetkey.wire.base import Nothing, hexed, read_bytes

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.leftovers import Approvals
    from valetkey.http.admitted import Admitted, Exit
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


class FreezeQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether the note freezes or unfreezes."""

    freeze: Literal["true", "false"] = "true"


async def write_stopped(see: Reads, stopped: stop.Stopped) -> wire_stop.Stopped:
    """Return how a stop went as it is answered: tried on each plane, and what is left behind."""
    shown, planes, approvals = await asyncio.gather(
        reads.shown(see, stopped.session),
        tried(see, session_id=stopped.session.id),
        _approvals(see, stopped),
    )
    return wire_stop.Stopped(
        session=write_shown(shown, see.names),
        activity=write_activity(stopped.activity),
        tried=[
            wire_stop.Tried(
                plane="chain" if one.plane == "chain" else "server",
                refused=one.refused,
                code=None if one.code is None else one.code.value,
                detail=one.detail,
                at_ms=one.at_ms,
            )
            for one in planes
        ],
        approvals=None if approvals is None else write_approvals(approvals.items),
        has_more_approvals=approvals is not None and approvals.next is not None,
    )


async def _approvals(see: Reads, stopped: stop.Stopped) -> Approvals | None:
    try:
        return await approvals_of_session(see, stopped.session)
    except (ChainRejected, Malformed, Unavailable):  # the stop is done; this is not
        return None


def _signature(body: wire_stop.Switch) -> bytes | None:
    text = body.owner_signature
    if text is None:
        return None
    bad = Code.MALFORMED_SIGNATURE
    return read_bytes(text, "owner_signature", count=SIGNATURE_BYTES, code=bad)


async def _note(
    see: Reads, principal: Principal, ask: Ask[None, FreezeQuery]
) -> wire_stop.FreezeNote:
    note = await freezing.freeze_note(
        see, principal, session_id=ask.id, freeze=ask.query.freeze == "true"
    )
    return wire_stop.FreezeNote(
        typed_data=note.typed_data, digest=hexed(note.digest), sequence=note.sequence
    )


async def _freeze(admitted: Admitted, ask: Ask[wire_stop.Switch, NoQuery]) -> wire_stop.Stopped:
    stopped = await freezing.freeze(
        admitted.world,
        admitted.principal,
        admitted.request,
        session_id=ask.id,
        owner_signature=_signature(ask.body),
    )
    return await write_stopped(admitted.reads, stopped)


async def _unfreeze(admitted: Admitted, ask: Ask[wire_stop.Switch, NoQuery]) -> wire_stop.Stopped:
    stopped = await freezing.unfreeze(
        admitted.world,
        admitted.principal,
        admitted.request,
        session_id=ask.id,
        owner_signature=_signature(ask.body),
    )
    return await write_stopped(admitted.reads, stopped)


async def _revoke(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire_stop.Stopped:
    stopped = await stop.revoke(
        admitted.world, admitted.principal, admitted.request, session_id=ask.id
    )
    return await write_stopped(admitted.reads, stopped)


async def _revoke_all(
    admitted: Admitted, ask: Ask[wire_stop.RevokeAll, NoQuery]
) -> wire_stop.StoppedAll:
    stopped = await stop.revoke_all(
        admitted.world,
        admitted.principal,
        admitted.request,
        scope=stop.Scope(ask.body.scope),
        scope_id=ask.body.scope_id,
    )
    items = await in_turns(partial(write_stopped, admitted.reads), stopped)
    return wire_stop.StoppedAll(items=items)


async def _close(way_out: Exit, ask: Ask[Nothing, NoQuery]) -> wire_stop.Stopped:
    del ask
    return await write_stopped(way_out.reads, await way_out.close())


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/sessions/{session_id}/freeze-note",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Show what the owner signs to freeze or unfreeze on chain",
        query=FreezeQuery,
        answer=wire_stop.FreezeNote,
        handle=_note,
    ),
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/freeze",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Freeze a session",
        body=wire_stop.Switch,
        answer=wire_stop.Stopped,
        handle=_freeze,
    ),
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/unfreeze",
        who=SECRET,
        scope=Scope.SESSIONS_OPEN,
        summary="Take a frozen session back into use",
        body=wire_stop.Switch,
        answer=wire_stop.Stopped,
        handle=_unfreeze,
    ),
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/revoke",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Revoke a session, on this server and on its chain",
        body=Nothing,
        answer=wire_stop.Stopped,
        handle=_revoke,
    ),
    Write(
        method="POST",
        path="/v1/sessions/revoke",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Revoke every session of a user, wallet or organization",
        body=wire_stop.RevokeAll,
        answer=wire_stop.StoppedAll,
        handle=_revoke_all,
    ),
    Leave(
        method="POST",
        path="/v1/session/close",
        who=SESSION,
        session_scope=SessionScope.SELF,
        lane=Lane.STOP,
        summary="Give the session back: its holder ends it",
        body=Nothing,
        answer=wire_stop.Stopped,
        handle=_close,
    ),
)
