"""Tokens asked about and given back, in the form of OAuth 2."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from valetkey.core.session_token import MAX_AUDIENCE_CHARS
from valetkey.core.token import MAX_TOKEN_CHARS
from valetkey.wire.base import Asked, Integer, Seconds, Told, Word
from valetkey.wire.quiet import quiet

TokenText = Annotated[str, Meta(min_length=1, max_length=MAX_TOKEN_CHARS)]
Hint = Annotated[str, Meta(max_length=64, description="Not needed; not looked at.")]


class TokenForm(Struct, frozen=True, kw_only=True):
    """
    The token of a session. Fields that we do not know are passed over.

    Spec:
        RFC 7662, section 2.1; RFC 7009, section 2.1.
    """

    token: TokenText
    token_type_hint: Hint | None = None

    __repr__ = quiet("token")


class Confirmation(Told, frozen=True, kw_only=True):
    """
    The key that a token is bound to, by its thumbprint (RFC 7638).

    Spec:
        RFC 7800, section 3.1; RFC 9449, section 6.1.
    """

    jkt: str


class Introspection(Told, frozen=True, kw_only=True, omit_defaults=True):
    """
    Whether a token may be used now, and for what. One that may not says nothing else.

    Args:
        scope: What the permission of the session names, between spaces.
        exp: First invalid second, if the session is not used again before.
        sub: The user, or the session when it has none.
        jti: The session.
        token_type: ``Bearer``, or ``DPoP`` for one that is bound to a key.
        cnf: The key, for one that is bound.

    Spec:
        RFC 7662, section 2.2; RFC 9449, section 6.2.
    """

    active: bool
    scope: str | None = None
    token_type: str | None = None
    iat: Seconds | None = None
    nbf: Seconds | None = None
    exp: Seconds | None = None
    sub: str | None = None
    jti: str | None = None
    organization_id: str | None = None
    user_id: str | None = None
    account_id: str | None = None
    access: str | None = None
    permission_id: Word | None = None
    cnf: Confirmation | None = None


class IssueToken(Asked, frozen=True, kw_only=True):
    """
    A token that says which session asks.

    Args:
        audience: Whom it is for; who checks it must be called so.
        life_s: At most 60 where the session may write, else 300; left out: as long as may be.
    """

    audience: Annotated[str, Meta(min_length=1, max_length=MAX_AUDIENCE_CHARS)]
    life_s: Integer | None = None


class IssuedToken(Told, frozen=True, kw_only=True):
    """A JSON Web Token, signed with ES256; check it with the keys at ``jwks_uri``."""

    token: str
    expires_at: Seconds

    __repr__ = quiet("token")


class JsonWebKey(Told, frozen=True, kw_only=True):
    """A public key (RFC 7517)."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class JsonWebKeys(Told, frozen=True, kw_only=True):
    """The public keys that check our tokens; the first one signs now."""

    keys: list[JsonWebKey]


class Metadata(Told, frozen=True, kw_only=True):
    """
    Where this server does what OAuth 2 has names for.

    Spec:
        RFC 8414, section 2; RFC 9449, section 5.1.
    """

    issuer: str
    jwks_uri: str
    introspection_endpoint: str
    revocation_endpoint: str
    token_endpoint: str
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    service_documentation: str
    dpop_signing_alg_values_supported: list[str]
