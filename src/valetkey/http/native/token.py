"""Tokens of sessions: what one is worth now, and its end (RFC 7662, RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.flows.introspect import introspect, revoke_token
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire import token as wire
from valetkey.wire.base import Nothing

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads


async def _introspect(
    see: Reads, principal: Principal, ask: Ask[wire.TokenForm, NoQuery]
) -> wire.Introspection:
    shown = await introspect(see, principal, token=ask.body.token)
    if shown is None:
        return wire.Introspection(active=False)
    session = shown.session
    return wire.Introspection(
        active=True,
        scope=" ".join(session.permission.scopes) if session.permission else "",
        token_type="Bearer",  # noqa: S106 - the name of a kind of token
        iat=session.created_at,
        nbf=session.starts_at,
        exp=shown.ends_at,
        sub=session.user_id or session.id,
        jti=session.id,
        organization_id=session.organization_id,
        user_id=session.user_id,
        account_id=session.account_id,
        access=session.access.value,
        permission_id=session.permission_id,
    )


async def _revoke(admitted: Admitted, ask: Ask[wire.TokenForm, NoQuery]) -> Nothing:
    await revoke_token(admitted.world, admitted.principal, admitted.request, token=ask.body.token)
    return Nothing()


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="POST",
        path="/v1/tokens/introspect",
        who=SECRET,
        summary="Say whether the token of a session may be used now, and for what (RFC 7662)",
        body=wire.TokenForm,
        form=True,
        answer=wire.Introspection,
        handle=_introspect,
    ),
    Write(
        method="POST",
        path="/v1/tokens/revoke",
        who=SECRET,
        summary="Revoke the session that a token proves (RFC 7009)",
        body=wire.TokenForm,
        form=True,
        is_repeatable=True,
        answer=Nothing,
        handle=_revoke,
    ),
)
