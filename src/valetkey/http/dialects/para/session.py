"""Clients and their sessions, as Para's clients ask about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.errors import Code, Forbidden
from valetkey.core.organization import Organization
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session_token import key_document
from valetkey.flows.gate import present
from valetkey.flows.rsa_keys import rsa_token_keys, sign_claims
from valetkey.flows.stop import close
from valetkey.flows.visits import by_lookup, leave
from valetkey.http.dialects.para.identity import Identity, identity_of
from valetkey.http.dialects.para.visitor import TOUCH, Visitor, client_of, expect_own
from valetkey.http.dialects.para.wallet_json import current_ids, wallets_of
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.rates import Lane
from valetkey.http.routes import EVERYBODY, SECRET, SESSION, Ask, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

SUPPORTED: Final = ({"type": "EVM", "optional": False}, {"type": "SOLANA", "optional": True})
COSMOS: Final = "cosmos"
ANYBODY: Final = frozenset({PrincipalKind.PUBLISHABLE, PrincipalKind.SESSION})


class Touched(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a client is told of itself; without a partner its API key is refused."""

    is_authenticated: bool
    partner_id: str | None = None
    supported_wallet_types: tuple[dict[str, object], ...] | None = None
    cosmos_prefix: str | None = None
    session_id: str | None = None
    session_lookup_id: str | None = None
    user_id: str | None = None
    current_wallet_ids: dict[str, list[str]] | None = None
    needs_wallet: bool | None = None
    is_enclave_user: bool | None = None


class Empty(Struct, frozen=True):
    """An answer that says nothing."""


class JwtAsked(Struct, frozen=True, rename="camel"):
    """Which key signs."""

    key_index: int = 0


class Jwt(Struct, frozen=True, rename="camel"):
    """A token, and the id of the key that signed it."""

    token: str
    key_id: str

    __repr__ = quiet("token")


class VerifyAsked(Struct, frozen=True, rename="camel"):
    """The lookup id of a client's session."""

    verification_token: str


async def _touch(see: Reads, principal: Principal, _ask: Ask[None, AnyQuery]) -> Touched:
    if not isinstance(principal, Visitor) or principal.seen is None:
        return Touched(is_authenticated=False)
    told = {
        "partner_id": principal.organization_id,
        "supported_wallet_types": SUPPORTED,
        "cosmos_prefix": COSMOS,
        "session_id": principal.lookup,
        "session_lookup_id": principal.lookup,
    }
    session = principal.seen.session
    if session is None:
        return Touched(is_authenticated=False, **told)  # type: ignore[arg-type]
    wallets = await wallets_of(see, session.user_id or "")
    return Touched(
        is_authenticated=True,
        user_id=session.user_id,
        current_wallet_ids=current_ids(wallets),
        needs_wallet=not wallets,
        is_enclave_user=True,
        **told,  # type: ignore[arg-type]
    )


async def _partner(
    see: Reads, principal: Principal, ask: Ask[None, AnyQuery]
) -> dict[str, dict[str, object]]:
    owner = ask.id if ask.id == principal.organization_id else ""
    organization = await see.store.read(lambda view: view.get(Organization, owner))
    found = present(organization, "partner")
    return {
        "partner": {
            "id": found.id,
            "name": found.name,
            "displayName": found.name,
            "supportedWalletTypes": SUPPORTED,
            "supportedAuthMethods": ["BASIC_LOGIN"],
            "cosmosPrefix": COSMOS,
        }
    }


async def _keep_alive(_see: Reads, principal: Principal, ask: Ask[None, AnyQuery]) -> Empty:
    expect_own(principal, ask.names)  # its use was noted when it was proven
    return Empty()


async def _log_out(admitted: Admitted, _ask: Ask[None, AnyQuery]) -> Empty:
    principal = admitted.principal
    if isinstance(principal, Visitor) and principal.seen is not None:
        if principal.seen.session is not None:
            await close(admitted.world, principal, admitted.request)
        await leave(admitted.world, principal.seen.visit)
    return Empty()


async def _issue_jwt(admitted: Admitted, ask: Ask[JwtAsked, AnyQuery]) -> Jwt:
    seen, world = client_of(admitted.principal), admitted.world
    session = present(seen.session, "session")
    who = await identity_of(admitted.reads, session.user_id or "")
    wallets = await wallets_of(admitted.reads, session.user_id or "")
    now = world.clock.now()
    shown = [
        {"id": one.id, "type": one.type, "address": one.address, "publicKey": one.public_key}
        for one in wallets
    ]
    claims = {
        "data": {
            "userId": session.user_id,
            "wallets": shown,
            "authType": who.auth_type,
            "identifier": who.identifier,
            "email": who.identifier,
        },
        "iat": now,
        "exp": min(now + (session.idle_s or 0), session.expires_at),
        "sub": session.user_id,
        "aud": seen.visit.credential_id,
    }
    token, key_id = await sign_claims(world, claims, index=ask.body.key_index)
    return Jwt(token, key_id)


async def _keys(admitted: Admitted, _ask: Ask[None, AnyQuery]) -> dict[str, object]:
    """The first to ask has the keys made: whoever checks tokens may come before there are any."""
    return {"keys": [key_document(key) for key in await rsa_token_keys(admitted.world)]}


async def _verify(see: Reads, principal: Principal, ask: Ask[VerifyAsked, AnyQuery]) -> Identity:
    seen = await by_lookup(see, principal, ask.body.verification_token)
    if seen is None or seen.session is None:
        detail = "verificationToken: expected one of a session that is in use"
        raise Forbidden(Code.NOT_ALLOWED, detail)
    return await identity_of(see, seen.session.user_id or "")


_READS: Final[tuple[Route, ...]] = (
    Read(
        method="POST",
        path=TOUCH,
        who=EVERYBODY,
        summary="Say who the client is",
        query=AnyQuery,
        answer=Touched,
        handle=_touch,
    ),
    Read(
        method="GET",
        path="/partners/{partner_id}",
        who=ANYBODY | SECRET,
        scope=Scope.READ,
        summary="Show the organization",
        query=AnyQuery,
        answer=dict,
        handle=_partner,
    ),
    Read(
        method="POST",
        path="/users/{user_id}/session/keep-alive",
        who=SESSION,
        summary="Use the session, so that it goes on",
        query=AnyQuery,
        answer=Empty,
        handle=_keep_alive,
    ),
    Read(
        method="POST",
        path="/sessions/verify",
        who=SECRET,
        scope=Scope.TOKENS_INTROSPECT,
        summary="Say whose session a lookup id names",
        body=VerifyAsked,
        query=AnyQuery,
        answer=Identity,
        handle=_verify,
    ),
)


ROUTES: Final[tuple[Route, ...]] = (
    *_READS,
    Write(
        method="GET",
        path="/logout",
        who=ANYBODY | SECRET,
        scope=Scope.READ,
        lane=Lane.STOP,
        summary="Close the session",
        query=AnyQuery,
        answer=Empty,
        is_new_each_time=True,
        carried_by=ANYBODY | SECRET,
        handle=_log_out,
    ),
    Write(
        method="GET",
        path="/.well-known/jwks.json",
        who=EVERYBODY,
        summary="Show the keys that check tokens",
        query=AnyQuery,
        answer=dict,
        is_new_each_time=True,
        carried_by=EVERYBODY,
        handle=_keys,
    ),
    Write(
        method="POST",
        path="/auth/jwt",
        who=SESSION,
        summary="Sign a token that says who the user is",
        body=JwtAsked,
        query=AnyQuery,
        answer=Jwt,
        is_new_each_time=True,
        handle=_issue_jwt,
    ),
)
