"""
ID tokens that others issue (OpenID Connect): taken apart, and checked with their issuer's keys.

Only signatures by keys: ``none`` and the HMACs are no algorithms here, so that a public key is
never taken for a secret. A key says which algorithm it is for; the token's header only agrees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from valetkey.spec.jwt import unb64u

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ALGORITHMS",
    "IdToken",
    "IdTokenError",
    "IssuerKey",
    "is_signed_by",
    "parse",
    "read_keys",
]

MAX_TOKEN_CHARS: Final = 8192
MAX_KEYS_CHARS: Final = 65_536
MAX_KEYS: Final = 32
ALGORITHMS: Final = {"RSA": ("RS256",), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
_PARTS: Final = 3
_MAX_BRACES: Final = 64  # claims may hold objects, but none of them needs depth
_RSA_BITS: Final = range(2048, 8193)
_HALF: Final = 32
_Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class IdTokenError(ValueError):
    """A token, or a set of keys, that is none."""


@dataclass(frozen=True, slots=True)
class IdToken:
    """
    A token, taken apart and not yet believed.

    Args:
        key_id: ``kid`` of its header, if it has one.
        signed: The bytes that were signed.
    """

    algorithm: str
    key_id: str | None
    claims: Mapping[str, object]
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key of an issuer, for one kind of algorithm."""

    key_id: str | None
    algorithms: tuple[str, ...]
    public: _Public


def parse(text: str) -> IdToken:
    """
    Return the token that *text* is. Verifies nothing.

    Raises:
        IdTokenError: It is too long, no signed JWT, or has an algorithm or extension that is not
            understood here.

    Spec:
        RFC 7515, section 5.2, steps 1 to 7; RFC 7519, section 7.2.
    """
    parts = text.split(".")
    if len(text) > MAX_TOKEN_CHARS or len(parts) != _PARTS or not text.isascii():
        msg = f"expected one JWT of at most {MAX_TOKEN_CHARS} characters in three parts"
        raise IdTokenError(msg)
    header, claims = _object(parts[0], "header"), _object(parts[1], "claims")
    algorithm, key_id = header.get("alg"), header.get("kid")
    known = [one for names in ALGORITHMS.values() for one in names]
    if algorithm not in known:
        msg = f"alg: expected one of {', '.join(known)}, got {str(algorithm)[:40]!r}"
        raise IdTokenError(msg)
    if "crit" in header:
        raise IdTokenError("crit: expected none, for no extension is understood")
    if key_id is not None and not isinstance(key_id, str):
        raise IdTokenError("kid: expected a text")
    try:
        signature = unb64u(parts[2])
    except ValueError as error:
        raise IdTokenError(f"signature: {error}") from None
    signed = f"{parts[0]}.{parts[1]}".encode()
    return IdToken(str(algorithm), key_id, claims, signed, signature)


def read_keys(text: str) -> tuple[IssuerKey, ...]:
    """
    Return the keys in a JSON Web Key Set that may check signatures; others in it are passed over.

    Raises:
        IdTokenError: It is no key set, too long, or holds a key that is not public, or is broken.

    Spec:
        RFC 7517, section 5; RFC 7518, sections 6.2.1 and 6.3.1; RFC 8037, section 2.
    """
    if len(text) > MAX_KEYS_CHARS:
        raise IdTokenError(f"expected at most {MAX_KEYS_CHARS} characters of keys")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise IdTokenError("expected a JSON Web Key Set, got no JSON") from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise IdTokenError(f"expected a JSON Web Key Set of 1 to {MAX_KEYS} keys")
    read = [_key(one) for one in keys]
    usable = tuple(one for one in read if one is not None)
    if not usable:
        raise IdTokenError("expected a key for RS256, ES256 or EdDSA among the keys")
    return usable


def is_signed_by(token: IdToken, key: IssuerKey) -> bool:
    """
    Say whether *key* has signed *token*, by an algorithm that the key is for.

    Spec:
        RFC 7515, section 5.2, step 8; RFC 7518, sections 3.3 and 3.4; RFC 8037, section 3.1.
    """
    if token.algorithm not in key.algorithms:
        return False
    public, signature = key.public, token.signature
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, token.signed, padding.PKCS1v15(), SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey):
            if len(signature) != 2 * _HALF:
                return False
            halves = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
            public.verify(encode_dss_signature(*halves), token.signed, ec.ECDSA(SHA256()))
        else:
            public.verify(signature, token.signed)
    except InvalidSignature:
        return False
    return True


def _key(jwk: object) -> IssuerKey | None:
    if not isinstance(jwk, dict) or {"d", "k"} & jwk.keys():
        raise IdTokenError("expected public keys alone")
    kind, key_id = str(jwk.get("kty")), jwk.get("kid")
    algorithms = ALGORITHMS.get(kind)
    is_other = jwk.get("use", "sig") != "sig" or (kind in {"EC", "OKP"} and not _is_curve(jwk))
    if algorithms is None or is_other or jwk.get("alg", algorithms[0]) not in algorithms:
        return None
    try:
        public = _public(kind, jwk)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IdTokenError(f"the key {str(key_id)[:60]!r} is broken") from None
    return IssuerKey(key_id if isinstance(key_id, str) else None, algorithms, public)


def _is_curve(jwk: Mapping[str, object]) -> bool:
    return jwk.get("crv") in {"P-256", "Ed25519"}


def _public(kind: str, jwk: Mapping[str, str]) -> _Public:
    if kind == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(unb64u(jwk["x"]))
    if kind == "EC":
        x, y = (int.from_bytes(unb64u(jwk[name])) for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    n, e = (int.from_bytes(unb64u(jwk[name])) for name in ("n", "e"))
    if n.bit_length() not in _RSA_BITS:
        raise ValueError
    return rsa.RSAPublicNumbers(e, n).public_key()


def _object(part: str, name: str) -> dict[str, object]:
    try:
        data = unb64u(part)
        if data.count(b"{") + data.count(b"[") > _MAX_BRACES:
            data = b""
        found = json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise IdTokenError(f"{name}: expected plain JSON in base64url ({error})") from None
    if not isinstance(found, dict):
        raise IdTokenError(f"{name}: expected an object, got something else")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise IdTokenError("expected each name once in an object, got one twice")
    return found
