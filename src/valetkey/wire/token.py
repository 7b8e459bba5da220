"""Tokens asked about and given back, in the form of OAuth 2."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from valetkey.core.token import MAX_TOKEN_CHARS
from valetkey.wire.base import Seconds, Told, Word

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


class Introspection(Told, frozen=True, kw_only=True, omit_defaults=True):
    """
    Whether a token may be used now, and for what. One that may not says nothing else.

    Args:
        scope: What the permission of the session names, between spaces.
        exp: First invalid second, if the session is not used again before.
        sub: The user, or the session when it has none.
        jti: The session.

    Spec:
        RFC 7662, section 2.2.
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
