"""Sessions put on their chains before their first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.flows import reads
from valetkey.flows.register import register
from valetkey.http.native.consent import SIGNATURE_BYTES
from valetkey.http.native.session import write_shown
from valetkey.http.routes import SECRET_OR_PUBLISHABLE, Ask, Route, Write
from valetkey.wire import register as wire
from valetkey.wire.activity import write_activity
from valetkey.wire.base import read_bytes

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery


def _signature(text: str | None, name: str) -> bytes | None:
    if text is None:
        return None
    return read_bytes(text, name, count=SIGNATURE_BYTES, code=Code.MALFORMED_SIGNATURE)


async def _register(admitted: Admitted, ask: Ask[wire.Register, NoQuery]) -> wire.Registered:
    body, see = ask.body, admitted.reads
    done = await register(
        admitted.world,
        admitted.principal,
        admitted.request,
        session_id=ask.id,
        owner_signature=_signature(body.owner_signature, "owner_signature"),
        kill_note=_signature(body.kill_note, "kill_note"),
    )
    session = write_shown(await reads.shown(see, done.session), see.names)
    return wire.Registered(session=session, activity=write_activity(done.activity))


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/sessions/{session_id}/register",
        who=SECRET_OR_PUBLISHABLE,
        scope=Scope.SESSIONS_OPEN,
        carried_by=frozenset({PrincipalKind.PUBLISHABLE}),
        summary="Put a session on its chain before its first use",
        body=wire.Register,
        answer=wire.Registered,
        handle=_register,
    ),
)
