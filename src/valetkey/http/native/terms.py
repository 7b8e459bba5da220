"""What API keys of vendors' surfaces open: shown and set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope
from valetkey.core.terms import Terms
from valetkey.flows.terms import set_terms, terms
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import terms as wire

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads

_PATH: Final = "/v1/credentials/{credential_id}/terms"


async def _terms(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Terms:
    return wire.write_terms(await terms(see, principal, credential_id=ask.id))


async def _set_terms(admitted: Admitted, ask: Ask[wire.SetTerms, NoQuery]) -> wire.Terms:
    body = ask.body
    wanted = Terms(ask.id, "", body.idle_s, body.most_s, body.reviews)
    made = await set_terms(admitted.world, admitted.principal, admitted.request, wanted)
    return wire.write_terms(made)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path=_PATH,
        who=SECRET,
        scope=Scope.READ,
        summary="Show what sessions are like that clients open with an API key",
        answer=wire.Terms,
        handle=_terms,
    ),
    Write(
        method="POST",
        path=_PATH,
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Set what sessions are like that clients open with an API key from now on",
        body=wire.SetTerms,
        answer=wire.Terms,
        handle=_set_terms,
    ),
)
