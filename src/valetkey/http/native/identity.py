"""Whom an organization trusts to name its users: listed, set, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope
from valetkey.flows.providers import providers, remove_provider, set_provider
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import identity as wire
from valetkey.wire.base import Nothing, Page

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads

_PATH: Final = "/v1/identity-providers"


async def _list(
    see: Reads, principal: Principal, _ask: Ask[None, NoQuery]
) -> Page[wire.IdentityProvider]:
    found = await providers(see, principal)
    return Page(items=[wire.write_provider(one) for one in found])


async def _set(
    admitted: Admitted, ask: Ask[wire.SetIdentityProvider, NoQuery]
) -> wire.IdentityProvider:
    wanted = wire.read_provider(ask.body)
    made = await set_provider(admitted.world, admitted.principal, admitted.request, wanted)
    return wire.write_provider(made)


async def _remove(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.IdentityProvider:
    asked = (admitted.world, admitted.principal, admitted.request)
    return wire.write_provider(await remove_provider(*asked, name=ask.id))


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path=_PATH,
        who=SECRET,
        scope=Scope.READ,
        summary="List whose ID tokens log users in",
        answer=Page[wire.IdentityProvider],
        handle=_list,
    ),
    Write(
        method="POST",
        path=_PATH,
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Have somebody's ID tokens log users in",
        body=wire.SetIdentityProvider,
        answer=wire.IdentityProvider,
        handle=_set,
    ),
    Write(
        method="POST",
        path=f"{_PATH}/{{name}}/remove",
        who=SECRET,
        scope=Scope.CREDENTIALS_WRITE,
        summary="Have somebody's ID tokens log nobody in any more",
        body=Nothing,
        answer=wire.IdentityProvider,
        handle=_remove,
    ),
)
