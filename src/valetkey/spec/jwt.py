"""JSON Web Tokens, and the public keys that check them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM: Final = "ES256"
RSA_ALGORITHM: Final = "RS256"
SIGNATURE_BYTES: Final = {ALGORITHM: 64, RSA_ALGORITHM: 256}
_COORDINATE_BYTES: Final = 32
_CURVES: Final = {"p256": ("P-256", ec.SECP256R1()), "secp256k1": ("secp256k1", ec.SECP256K1())}
_CURVE_BY_NAME: Final = {
    ("EC", "P-256"): "p256",
    ("EC", "secp256k1"): "secp256k1",
    ("OKP", "Ed25519"): "ed25519",
}


def jwk_of(curve: str, data: bytes) -> dict[str, str]:
    """
    Return a public key with the members that name it, and no others.

    Args:
        curve: ``p256``, ``secp256k1``, ``ed25519`` or ``rsa``.
        data: A compressed point of 33 bytes, the 32 bytes of an Ed25519 key, or an RSA key as
            SubjectPublicKeyInfo in DER.

    Raises:
        ValueError: It is no key on that curve.

    Spec:
        RFC 7518, sections 6.2.1 and 6.3.1; RFC 8812, section 3.1; RFC 8037, section 2.
    """
    if curve == "rsa":
        return _rsa_jwk(data)
    if curve == "ed25519":
        return {"crv": "Ed25519", "kty": "OKP", "x": b64u(data)}
    name, kind = _CURVES[curve]
    key = ec.EllipticCurvePublicKey.from_encoded_point(kind, data)
    plain = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    x, y = plain[1 : 1 + _COORDINATE_BYTES], plain[1 + _COORDINATE_BYTES :]
    return {"crv": name, "kty": "EC", "x": b64u(x), "y": b64u(y)}


def _rsa_jwk(data: bytes) -> dict[str, str]:
    key = load_der_public_key(data)
    if not isinstance(key, rsa.RSAPublicKey):
        msg = "expected an RSA key, got another"
        raise ValueError(msg)  # noqa: TRY004 - of the right type, with the wrong value
    numbers = key.public_numbers()
    e, n = (
        b64u(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.e, numbers.n)
    )
    return {"e": e, "kty": "RSA", "n": n}


def bare_jwk(jwk: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """
    Return the curve of a public key, and the members that name it, as `jwk_of` does.

    Whether they are a point on that curve is not looked at.

    Raises:
        ValueError: A member is missing, or the curve is none of `jwk_of`.
    """
    kind = str(jwk.get("kty")), str(jwk.get("crv"))
    curve = _CURVE_BY_NAME.get(kind)
    if curve is None:
        msg = f"jwk: expected kty and crv of {sorted(_CURVE_BY_NAME.values())}, got {kind!r:.80}"
        raise ValueError(msg)
    names = ("crv", "kty", "x") if curve == "ed25519" else ("crv", "kty", "x", "y")
    members = {name: value for name in names if isinstance(value := jwk.get(name), str)}
    if len(members) != len(names):
        msg = f"jwk: expected the texts {', '.join(names)}, got {', '.join(members)}"
        raise ValueError(msg)
    return curve, members


def thumbprint(jwk: Mapping[str, str]) -> str:
    """
    Return the SHA-256 thumbprint of a key that has only the members that name it.

    Spec:
        RFC 7638, section 3; their canonical JSON is that of RFC 8785 for plain ASCII members.
    """
    return b64u(hashlib.sha256(canonical_json(dict(jwk))).digest())


def signing_input(
    claims: Mapping[str, object], *, key_id: str, kind: str = "JWT", algorithm: str = ALGORITHM
) -> bytes:
    """
    Return what is signed: header and claims.

    Args:
        kind: The ``typ`` of the header, such as ``at+jwt``.
    """
    return joined({"alg": algorithm, "kid": key_id, "typ": kind}, claims)


def joined(header: Mapping[str, object], claims: Mapping[str, object]) -> bytes:
    """
    Return what is signed: *header* and *claims*.

    Spec:
        RFC 7515, section 5.1.
    """
    parts = (b64u(canonical_json(dict(part))) for part in (header, claims))
    return ".".join(parts).encode()


def compact(signed: bytes, signature: bytes) -> str:
    """
    Return the token: what was signed, and its *signature* (64 bytes of ES256, 256 of RS256).

    Raises:
        ValueError: The signature has another length.
    """
    if len(signature) not in SIGNATURE_BYTES.values():
        msg = f"expected a signature of 64 or 256 bytes, got {len(signature)}"
        raise ValueError(msg)
    return f"{signed.decode()}.{b64u(signature)}"


def b64u(data: bytes) -> str:
    """Return *data* in unpadded base64url."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64u(text: str) -> bytes:
    """
    Return what *text* writes in unpadded base64url.

    Raises:
        ValueError: It is something else, or the same bytes are written otherwise.

    Spec:
        RFC 7515, section 2.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if b64u(data) != text:
        msg = "expected unpadded base64url, got something else"
        raise ValueError(msg)
    return data
