"""Who is exposed to a key or a contract, and the end of all of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.towards import Toward
from valetkey.core.scope import Scope
from valetkey.flows.exposures import Where, exposures, revoke_exposed
from valetkey.flows.turns import in_turns
from valetkey.http.native.pages import OwnedPage, owner_of
from valetkey.http.native.session import write_shown
from valetkey.http.native.stop import write_stopped
from valetkey.http.native.which import read_subject
from valetkey.http.rates import Lane
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import exposure as wire
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from valetkey.core.exposed import Subject
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


class ExposureQuery(OwnedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is asked about: one of the five. The organizations below are looked through, too."""

    key: wire.Key | None = None
    contract: wire.Contract | None = None
    recipient: wire.Contract | None = None
    token: wire.Token | None = None
    relayer: wire.Contract | None = None


def read_asked(asked: ExposureQuery | wire.RevokeExposed, *, code: Code) -> Subject:
    """
    Return what is asked about.

    Raises:
        Malformed: With *code*: it is not one thing, or no key, address or token.
    """
    said = {toward: text for toward in Toward if (text := getattr(asked, toward.value)) is not None}
    if len(said) != 1:
        names = ", ".join(toward.value for toward in Toward)
        got = " and ".join(toward.value for toward in said) or "none"
        raise Malformed(code, f"{names}: expected one of them, got {got}")
    ((toward, text),) = said.items()
    return read_subject(toward, text, code=code)


async def _exposure(
    see: Reads, principal: Principal, ask: Ask[None, ExposureQuery]
) -> Page[wire.Exposure]:
    query = ask.query
    where = Where(
        organization_id=owner_of(principal, query.organization_id),
        subject=read_asked(query, code=Code.MALFORMED_REQUEST),
        after=query.after,
        limit=query.limit,
    )
    found, behind = await exposures(see, principal, where)
    items = [
        wire.write_exposure(write_shown(one.shown, see.names), one.towards, names=see.names)
        for one in found
    ]
    return Page(items=items, next=behind)


async def _revoke(admitted: Admitted, ask: Ask[wire.RevokeExposed, NoQuery]) -> wire.RevokedExposed:
    body, principal = ask.body, admitted.principal
    where = Where(
        organization_id=owner_of(principal, body.organization_id),
        subject=read_asked(body, code=Code.MALFORMED_BODY),
        after=body.after,
        limit=body.limit,
    )
    stopped, behind = await revoke_exposed(admitted.world, principal, admitted.request, where)
    items = await in_turns(partial(write_stopped, admitted.reads), stopped)
    return wire.RevokedExposed(items=items, next=behind)


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/exposure",
        who=SECRET,
        scope=Scope.READ,
        summary="List who is exposed to a key, contract, recipient, token or relayer",
        query=ExposureQuery,
        answer=Page[wire.Exposure],
        handle=_exposure,
    ),
    Write(
        method="POST",
        path="/v1/exposure/revoke",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Revoke the sessions that are exposed, a page at a time",
        body=wire.RevokeExposed,
        answer=wire.RevokedExposed,
        handle=_revoke,
    ),
)
