"""
RFC 9449, DPoP: a proof that whoever brings a token holds the key that the token is bound to.

Stricter than the standard where it leaves a choice: texts only in the one form that base64url has,
no member twice, times in whole seconds, and no query in ``htu``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from valetkey.spec.jwt import b64u, bare_jwk, compact, joined, jwk_of, unb64u
from valetkey.spec.keys import SIGNATURE_BYTES, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.spec.keys import PublicKeyLike

__all__ = [
    "ALGORITHMS",
    "MAX_PROOF_CHARS",
    "DpopError",
    "DpopProof",
    "is_same_target",
    "is_signed_by",
    "make_proof",
    "parse_proof",
    "token_hash",
]

# Algorithm by curve. Ed25519 has two names: RFC 8037's, and the fully specified one of RFC 9864.
ALGORITHMS: Final = {"p256": ("ES256",), "secp256k1": ("ES256K",), "ed25519": ("EdDSA", "Ed25519")}
MAX_PROOF_CHARS: Final = 4096
_TYPE: Final = "dpop+jwt"
_PARTS: Final = 3
_MAX_BRACES: Final = 16  # a proof is two objects, with one in the first: nothing needs depth
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PORTS: Final = {"http": 80, "https": 443}
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class DpopError(ValueError):
    """A proof that is none."""


@dataclass(frozen=True, slots=True)
class DpopProof:
    """
    A proof, taken apart and not yet believed.

    Args:
        curve: Of the key in it, as `PublicKeyLike` names it.
        jwk: The members that name the key.
        method: ``htm``.
        target: ``htu``.
        issued_at: ``iat``, in Unix seconds.
        proof_id: ``jti``.
        token_hash: ``ath``, if there is one.
        nonce: What the server gave, if the proof has it.
        signed: The bytes that were signed.
    """

    curve: str
    jwk: Mapping[str, str]
    method: str
    target: str
    issued_at: int
    proof_id: str
    token_hash: str | None
    nonce: str | None
    signed: bytes
    signature: bytes


def parse_proof(text: str) -> DpopProof:
    """
    Return the proof that *text* is. Verifies nothing: anybody may send one, and it costs little.

    1. one signed token, small; 2. header of type ``dpop+jwt`` with a public key, and the one
    algorithm of its curve; 3. all claims, of their types; 4. a signature. Whose it is, and what
    the claims say, is for the caller to check.

    Raises:
        DpopError: The first of the four that fails.

    Spec:
        RFC 9449, section 4.3, steps 2 to 5 and 7.
    """
    parts = text.split(".")
    if len(text) > MAX_PROOF_CHARS or len(parts) != _PARTS or not text.isascii():  # 1
        raise DpopError(f"expected one JWT of at most {MAX_PROOF_CHARS} characters in three parts")
    curve, jwk = _key_of(_object(parts[0], "header"))  # 2
    claims = _object(parts[1], "claims")  # 3
    issued_at = claims.get("iat")
    if not isinstance(issued_at, int) or isinstance(issued_at, bool):
        raise DpopError("iat: expected whole seconds, got something else")
    return DpopProof(
        curve=curve,
        jwk=jwk,
        method=_text(claims, "htm"),
        target=_text(claims, "htu"),
        issued_at=issued_at,
        proof_id=_text(claims, "jti"),
        token_hash=_text(claims, "ath") if "ath" in claims else None,
        nonce=_text(claims, "nonce") if "nonce" in claims else None,
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=_signature(parts[2]),  # 4
    )


def is_signed_by(proof: DpopProof, key: PublicKeyLike) -> bool:
    """
    Say whether *key* is the one in *proof*, and has signed it.

    Spec:
        RFC 9449, section 4.3, steps 6 and 12.
    """
    if proof.curve != key.curve or proof.jwk != jwk_of(key.curve, key.data):
        return False
    return verify(key, proof.signed, _low(proof.curve, proof.signature))


def make_proof(
    key: PublicKeyLike,
    sign: Callable[[bytes], bytes],
    *,
    method: str,
    url: str,
    issued_at: int,
    proof_id: str,
    token: str,
    nonce: str | None,
) -> str:
    """
    Return a proof that the holder of *key* asks for *url* with *token*.

    Args:
        sign: Takes bytes and returns 64, as `verify` wants them.
        url: Query and fragment are left out.
        nonce: The newest that the server gave, if it gave one.

    Spec:
        RFC 9449, section 4.2.
    """
    header = {
        "alg": ALGORITHMS[key.curve][0],
        "jwk": jwk_of(key.curve, key.data),
        "typ": _TYPE,
    }
    claims: dict[str, object] = {
        "ath": token_hash(token),
        "htm": method,
        "htu": url.partition("#")[0].partition("?")[0],
        "iat": issued_at,
        "jti": proof_id,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    signed = joined(header, claims)
    return compact(signed, sign(signed))


def token_hash(token: str) -> str:
    """
    Return what a proof says of the token that it comes with: ``ath``.

    Spec:
        RFC 9449, section 4.2.
    """
    return b64u(hashlib.sha256(token.encode()).digest())


def is_same_target(claimed: str, *, scheme: str, authority: str, path: str) -> bool:
    """
    Say whether ``htu`` names the request's target, whatever query the request has.

    Case of scheme and host, and the port that a scheme has anyway, make no difference.

    Spec:
        RFC 9449, section 4.3, step 9; RFC 3986, sections 6.2.2.1 and 6.2.3.
    """
    named = None if "?" in claimed or "#" in claimed else _normal(claimed)
    return named is not None and named == _normal(f"{scheme}://{authority}{path}")


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None or not parts.hostname:
        return None
    scheme = parts.scheme.lower()
    return scheme, parts.hostname.lower(), port or _PORTS.get(scheme), parts.path or "/"


def _object(part: str, name: str) -> dict[str, object]:
    try:
        data = unb64u(part)
        if data.count(b"{") + data.count(b"[") > _MAX_BRACES:
            data = b""
        found = json.loads(data.decode(), object_pairs_hook=_once)
    except ValueError as error:
        raise DpopError(f"{name}: expected plain JSON in base64url ({error})") from None
    if not isinstance(found, dict):
        raise DpopError(f"{name}: expected an object, got something else")
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DpopError("expected each name once in an object, got one twice")
    return found


def _key_of(header: dict[str, object]) -> tuple[str, dict[str, str]]:
    """1. the type; 2. nothing critical; 3. a public key, and no more; 4. its algorithm."""
    if header.get("typ") != _TYPE:  # 1
        raise DpopError(f"typ: expected {_TYPE}, got {str(header.get('typ'))[:40]!r}")
    if "crit" in header:  # 2
        raise DpopError("crit: expected none, for no extension is understood")
    jwk = header.get("jwk")
    if not isinstance(jwk, dict) or jwk.keys() & _PRIVATE:  # 3
        raise DpopError("jwk: expected the members of a public key, and none of a private one")
    try:
        curve, members = bare_jwk(jwk)
    except ValueError as error:
        raise DpopError(str(error)) from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS[curve]:  # 4
        expected = " or ".join(ALGORITHMS[curve])
        raise DpopError(f"alg: expected {expected} for this key, got {str(algorithm)[:40]!r}")
    return curve, members


def _signature(part: str) -> bytes:
    try:
        signature = unb64u(part)
    except ValueError as error:
        raise DpopError(f"signature: {error}") from None
    if len(signature) != SIGNATURE_BYTES:
        raise DpopError(f"signature: expected {SIGNATURE_BYTES} bytes, got {len(signature)}")
    return signature


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise DpopError(f"{name}: expected printable ASCII, got something else")
    return value


def _low(curve: str, signature: bytes) -> bytes:
    """Return the one of the two signatures on secp256k1 that `verify` takes: ES256K has both."""
    if curve != "secp256k1":
        return signature
    s = int.from_bytes(signature[32:])
    if not _SECP256K1_ORDER // 2 < s < _SECP256K1_ORDER:
        return signature
    return signature[:32] + (_SECP256K1_ORDER - s).to_bytes(32)
