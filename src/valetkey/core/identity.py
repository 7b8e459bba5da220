"""Who vouches for the users of an organization beside itself, and whom they vouched for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed, Unauthenticated
from valetkey.core.stamp import CLOCK_BOUND_S
from valetkey.spec import id_token

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PROVIDERS: Final = 8  # of an organization
MAX_AUDIENCES: Final = 8
MAX_TEXT_CHARS: Final = 256
IdToken = id_token.IdToken
Keys = tuple[id_token.IssuerKey, ...]
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """
    Somebody whose ID tokens log users in. ``id`` is `provider_id`.

    Args:
        name: What clients call it.
        issuer: ``iss`` of its tokens, exactly.
        audiences: Whom a token may be for: one of these.
        keys_url: Where its keys are; empty if they were given.
        keys: The keys that were given (a JSON Web Key Set, RFC 7517).
    """

    id: str
    organization_id: str
    name: str
    issuer: str
    audiences: tuple[str, ...]
    keys_url: str = ""
    keys: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """
    A user whom a provider vouched for. ``id`` is `identity_id`.

    Args:
        session_id: The one that the provider's tokens prove.
    """

    id: str
    organization_id: str
    user_id: str
    session_id: str | None = None


def provider_id(organization_id: str, name: str) -> str:
    """Return what a provider of an organization is found by."""
    return f"{organization_id}/{name}"


def identity_id(provider: IdentityProvider, subject: str) -> str:
    """Return what somebody is found by whom *provider* calls *subject*."""
    mark = hashlib.sha256(subject.encode()).hexdigest()
    return f"{provider.id}/{mark}"


def check_provider(provider: IdentityProvider) -> IdentityProvider:
    """
    Return *provider* if it can vouch for anybody.

    Raises:
        Malformed: A part of it is missing, too long, or is no set of keys.
    """
    if not _NAME.fullmatch(provider.name):
        detail = "expected lower case letters, digits, - _ and ., 40 at most"
        raise _malformed(f"name: {detail}, got {provider.name[:40]!r}")
    if not _is_text(provider.issuer):
        raise _malformed(f"issuer: expected 1 to {MAX_TEXT_CHARS} printable ASCII characters")
    if not 1 <= len(provider.audiences) <= MAX_AUDIENCES:
        raise _malformed(f"audiences: expected 1 to {MAX_AUDIENCES}")
    if not all(map(_is_text, provider.audiences)):
        detail = f"expected 1 to {MAX_TEXT_CHARS} printable ASCII characters each"
        raise _malformed(f"audiences: {detail}")
    if bool(provider.keys_url) == bool(provider.keys):
        raise _malformed("expected either keys_url or keys")
    if provider.keys:
        read_issuer_keys(provider.keys)
    return provider


def read_issuer_keys(text: str) -> Keys:
    """
    Return the keys in a JSON Web Key Set.

    Raises:
        Malformed: It is none, or holds none that check signatures here.
    """
    try:
        return id_token.read_keys(text)
    except id_token.IdTokenError as error:
        raise _malformed(f"keys: {error}") from None


def read_token(text: str) -> IdToken:
    """
    Return the ID token that *text* is, not yet believed.

    Raises:
        Unauthenticated: It is none.
    """
    try:
        return id_token.parse(text)
    except id_token.IdTokenError as error:
        raise Unauthenticated(Code.PROOF_REFUSED, f"token: {error}") from None


def subject_of(
    provider: IdentityProvider, token: IdToken, keys: Keys, *, now: int
) -> tuple[str, int]:
    """
    Return whom *provider* vouches for with *token*, and when it was issued.

    1. signed by a key of the provider's; 2. by this issuer; 3. for one of its audiences; 4. not
    over, and not from the future; 5. about somebody.

    Args:
        keys: Of the provider, as far as they are known.

    Raises:
        Unauthenticated: The first of the five that fails.

    Spec:
        OpenID Connect Core 1.0, section 3.1.3.7, steps 2, 3, 6 and 9.
    """
    if not any(id_token.is_signed_by(token, key) for key in keys_for(keys, token)):  # 1
        raise _refused("a signature by a key of the provider's")
    claims = token.claims
    if claims.get("iss") != provider.issuer:  # 2
        raise _refused(f"iss {provider.issuer!r}, got {str(claims.get('iss'))[:80]!r}")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(one in provider.audiences for one in named if isinstance(one, str)):  # 3
        raise _refused("aud to be one that the organization named")
    issued_at, ends_at = _second(claims, "iat"), _second(claims, "exp")  # 4
    if now >= ends_at:
        raise Unauthenticated(Code.PROOF_TOO_OLD, f"token: it ran out at {ends_at}, now is {now}")
    if max(issued_at, _second(claims, "nbf", issued_at)) > now + CLOCK_BOUND_S:
        raise Unauthenticated(Code.PROOF_TOO_OLD, f"token: it begins later than {now}")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _is_text(subject):  # 5
        raise _refused(f"sub of 1 to {MAX_TEXT_CHARS} printable ASCII characters")
    return subject, issued_at


def keys_for(keys: Keys, token: IdToken) -> list[id_token.IssuerKey]:
    """Return those that *token* may be signed by: the one that it names, if it names one."""
    return [one for one in keys if token.key_id is None or one.key_id == token.key_id]


def _is_text(text: str) -> bool:
    return 1 <= len(text) <= MAX_TEXT_CHARS and text.isascii() and text.isprintable()


def _second(claims: Mapping[str, object], name: str, default: int | None = None) -> int:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _refused(f"{name} in Unix seconds")
    return int(value)


def _refused(expected: str) -> Unauthenticated:
    return Unauthenticated(Code.PROOF_REFUSED, f"token: expected {expected}")


def _malformed(detail: str) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, detail)
