"""Kill notes: what ends a session on chain without any server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.plan import chain_id_of
from valetkey.core.scope import Scope
from valetkey.flows.grant import granted
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, Ask, Read, Route
from valetkey.wire import session as wire
from valetkey.wire.base import hexed
from valetkey.wire.clone import write_clone

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


async def _kill_note(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.KillNote:
    return await kill_note_of(see, principal, ask.id)


async def kill_note_of(see: Reads, principal: Principal, session_id: str) -> wire.KillNote:
    """Return the kill note of a session, as its owner keeps it."""
    session, account, intent = await see.kill_note(principal, session_id=session_id)
    text = (
        f"This ends session {session.id} on {account.chain} for good, without any server."
        f" Send a transaction with this calldata to {hexed(intent.to)}, from any address, through"
        f" any node; `valetkey kill` does it with this file."
    )
    return wire.KillNote(
        session_id=session.id,
        chain=account.chain,
        chain_id=chain_id_of(account.chain),
        account=hexed(account.address),
        grant_id=hexed(granted(session).grant_id),
        calldata=hexed(intent.data),
        text=text,
        clone=write_clone(account.clone),
    )


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/sessions/{session_id}/kill-note",
        who=SECRET,
        scope=Scope.KILL_NOTES_READ,
        lane=Lane.STOP,
        summary="Show the file with which the owner ends the session, with no server",
        answer=wire.KillNote,
        handle=_kill_note,
    ),
)
