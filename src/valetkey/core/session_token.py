"""Tokens that say what a session is without asking us: short-lived, and signed by a key of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.principal import Access
from valetkey.core.wallet import Curve
from valetkey.spec.jwt import (
    ALGORITHM,
    RSA_ALGORITHM,
    compact,
    jwk_of,
    signing_input,
    thumbprint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.session import Session
    from valetkey.core.wallet import PublicKey

# A token outlives a revocation by its whole life, so it is short; where something may be written
# it is as short as a signed request.
MAX_LIFE_S: Final = {Access.WRITE: 60, Access.READ: 300}
MAX_AUDIENCE_CHARS: Final = 256


def claims_of(
    session: Session,
    *,
    ends_at: int,
    issuer: str,
    audience: str,
    life_s: int | None,
    token_id: str,
    now: int,
) -> dict[str, object]:
    """
    Return what a token says of *session*, which is in use at *now*.

    Args:
        ends_at: Of the session; no token lives longer.
        audience: Whom the token is for.
        life_s: Seconds; None is as long as may be.

    Raises:
        Malformed: *life_s* or *audience* is out of bounds.

    Spec:
        RFC 7519, section 4.1; ``scope`` of RFC 8693; ``sid`` of OpenID Connect; ``cnf`` with
        ``jkt`` of RFC 9449, section 6.1, where requests of the session are signed.
    """
    most = MAX_LIFE_S[session.access]
    if life_s is not None and not 1 <= life_s <= most:
        detail = f"life_s: expected 1 to {most} for a session of access {session.access}"
        raise Malformed(Code.MALFORMED_BODY, f"{detail}, got {life_s}")
    if not 1 <= len(audience) <= MAX_AUDIENCE_CHARS:
        detail = f"audience: expected 1 to {MAX_AUDIENCE_CHARS} characters, got {len(audience)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": session.user_id or session.id,
        "aud": audience,
        "iat": now,
        "nbf": now,
        "exp": min(now + (life_s or most), ends_at),
        "jti": token_id,
        "sid": session.id,
        "access": session.access.value,
        "organization_id": session.organization_id,
    }
    if session.permission is not None:
        claims["permission_id"] = session.permission_id
        claims["scope"] = " ".join(session.permission.scopes)
    if session.key is not None:
        claims["cnf"] = {"jkt": thumbprint(jwk_of(session.key.curve, session.key.data))}
    return claims


def to_sign(claims: dict[str, object], key: PublicKey) -> bytes:
    """Return the bytes that the holder of *key*, on P-256, signs to make a token of *claims*."""
    return signing_input(claims, key_id=key_id_of(key))


def to_sign_rsa(claims: Mapping[str, object], key: PublicKey) -> bytes:
    """Return the bytes that the holder of *key*, of RSA, signs to make a token of *claims*."""
    return signing_input(claims, key_id=key_id_of(key), algorithm=RSA_ALGORITHM)


def token_of(signed: bytes, signature: bytes) -> str:
    """Return the token: *signed*, and its signature."""
    return compact(signed, signature)


def key_id_of(key: PublicKey) -> str:
    """Return the ``kid`` of *key*: its thumbprint (RFC 7638)."""
    return thumbprint(jwk_of(key.curve, key.data))


def key_document(key: PublicKey) -> dict[str, str]:
    """Return *key* as others find it to check our tokens (RFC 7517)."""
    jwk = jwk_of(key.curve, key.data)
    algorithm = RSA_ALGORITHM if key.curve is Curve.RSA else ALGORITHM
    return {**jwk, "kid": thumbprint(jwk), "alg": algorithm, "use": "sig"}
