"""Whose pages may have a publishable key in a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope
from valetkey.flows.origins import set_origins
from valetkey.http.routes import SECRET, Ask, Route, Write
from valetkey.wire import credential as wire

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery


async def _set_origins(admitted: Admitted, ask: Ask[wire.SetOrigins, NoQuery]) -> wire.Credential:
    changed = await set_origins(
        admitted.world,
        admitted.principal,
        admitted.request,
        credential_id=ask.id,
        origins=ask.body.origins,
    )
    return wire.write_credential(changed)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/credentials/{credential_id}/origins",
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Say whose pages may have a publishable key in a frame",
        body=wire.SetOrigins,
        answer=wire.Credential,
        handle=_set_origins,
    ),
)
