"""Tokens of sessions: made, checked, asked about, and given back, as OAuth 2 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope, SessionScope
from valetkey.core.session_token import key_document, key_id_of
from valetkey.flows.introspect import introspect, revoke_token
from valetkey.flows.issue_token import token_keys
from valetkey.http.native.exchange import EXCHANGE
from valetkey.http.rates import Lane
from valetkey.http.routes import EVERYBODY, SECRET, SESSION, Ask, NoQuery, Read, Route, Write
from valetkey.spec.rfc9449 import ALGORITHMS
from valetkey.wire import token as wire
from valetkey.wire.base import Nothing
from valetkey.wire.exchange import GRANT_TYPE

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads


_KEYS: Final = "/.well-known/jwks.json"
_INTROSPECT: Final = "/v1/tokens/introspect"
_REVOKE: Final = "/v1/tokens/revoke"
_CLIENTS: Final = ["client_secret_basic", "Bearer"]


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
        token_type=session.token_type.value,
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
        cnf=None if session.key is None else wire.Confirmation(jkt=key_id_of(session.key)),
    )


async def _revoke(admitted: Admitted, ask: Ask[wire.TokenForm, NoQuery]) -> Nothing:
    await revoke_token(admitted.world, admitted.principal, admitted.request, token=ask.body.token)
    return Nothing()


async def _issue(
    see: Reads, principal: Principal, ask: Ask[wire.IssueToken, NoQuery]
) -> wire.IssuedToken:
    issued = await see.issue_token(principal, audience=ask.body.audience, life_s=ask.body.life_s)
    return wire.IssuedToken(token=issued.token, expires_at=issued.expires_at)


async def _keys(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.JsonWebKeys:
    del principal, ask
    return wire.JsonWebKeys(
        keys=[wire.JsonWebKey(**key_document(key)) for key in await token_keys(see)]
    )


async def _metadata(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Metadata:
    del principal, ask
    return wire.Metadata(
        issuer=see.issuer,
        jwks_uri=f"{see.issuer}{_KEYS}",
        introspection_endpoint=f"{see.issuer}{_INTROSPECT}",
        revocation_endpoint=f"{see.issuer}{_REVOKE}",
        token_endpoint=f"{see.issuer}{EXCHANGE}",
        token_endpoint_auth_methods_supported=_CLIENTS,
        introspection_endpoint_auth_methods_supported=_CLIENTS,
        revocation_endpoint_auth_methods_supported=_CLIENTS,
        response_types_supported=[],
        grant_types_supported=[GRANT_TYPE],
        service_documentation=f"{see.issuer}/openapi.json",
        dpop_signing_alg_values_supported=[name for names in ALGORITHMS.values() for name in names],
    )


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="POST",
        path=_INTROSPECT,
        who=SECRET,
        scope=Scope.TOKENS_INTROSPECT,
        summary="Say whether the token of a session may be used now, and for what (RFC 7662)",
        body=wire.TokenForm,
        form=True,
        answer=wire.Introspection,
        handle=_introspect,
    ),
    Write(
        method="POST",
        path=_REVOKE,
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        lane=Lane.STOP,
        summary="Revoke the session that a token proves (RFC 7009)",
        body=wire.TokenForm,
        form=True,
        is_repeatable=True,
        answer=Nothing,
        handle=_revoke,
    ),
    Read(
        method="POST",
        path="/v1/session/token",
        who=SESSION,
        session_scope=SessionScope.TOKEN,
        summary="Make a short-lived token that says which session asks (RFC 7519)",
        body=wire.IssueToken,
        answer=wire.IssuedToken,
        handle=_issue,
    ),
    Read(
        method="GET",
        path=_KEYS,
        who=EVERYBODY,
        summary="Show the keys that check our tokens (RFC 7517)",
        answer=wire.JsonWebKeys,
        handle=_keys,
    ),
    Read(
        method="GET",
        path="/.well-known/oauth-authorization-server",
        who=EVERYBODY,
        summary="Show where this server does what OAuth 2 has names for (RFC 8414)",
        answer=wire.Metadata,
        handle=_metadata,
    ),
)
