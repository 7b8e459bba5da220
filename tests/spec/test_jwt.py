"""JSON Web Keys and Tokens, as their standards write them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from valetkey.spec.jwt import b64u, bare_jwk, compact, jwk_of, signing_input, thumbprint, unb64u
from valetkey.spec.keys import verify

# RFC 7515, appendix A.3: a key, a token and its signature.
JWK: Final = {
    "crv": "P-256",
    "kty": "EC",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
PUBLISHED: Final = (
    "eyJhbGciOiJFUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)


POINT: Final = bytes([2 + unb64u(JWK["y"])[-1] % 2]) + unb64u(JWK["x"])


def test_a_compressed_point_is_the_key_of_the_standard() -> None:
    """RFC 7515 A.3: the same key, one written as a point and one as JSON."""
    assert jwk_of("p256", POINT) == JWK


def test_a_token_is_what_was_signed_and_its_signature() -> None:
    """RFC 7515 A.3: the published signature is by that key, and makes the published token."""
    signed, _, signature = PUBLISHED.rpartition(".")
    assert verify(SimpleNamespace(curve="p256", data=POINT), signed.encode(), unb64u(signature))
    assert compact(signed.encode(), unb64u(signature)) == PUBLISHED


def test_a_thumbprint_is_of_the_key_alone() -> None:
    """RFC 8037 A.3: the published thumbprint of the published Ed25519 key."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    jwk = jwk_of("ed25519", unb64u(x))
    assert jwk == {"crv": "Ed25519", "kty": "OKP", "x": x}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_thumbprint_of_rsa_is_the_published_one() -> None:
    """RFC 7638 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
        "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW"
        "2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQF"
        "h6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert thumbprint({"kty": "RSA", "n": n, "e": "AQAB"}) == expected


def test_a_key_is_named_by_few_of_its_members() -> None:
    """RFC 7638 3.2: what else stands there does not name the key."""
    assert bare_jwk(JWK | {"kid": "one", "use": "sig"}) == ("p256", JWK)
    ed25519 = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert bare_jwk(ed25519 | {"y": "none"}) == ("ed25519", ed25519)
    for wrong in ({}, JWK | {"crv": "P-384"}, JWK | {"y": 1}, {**ed25519, "x": None}):
        with pytest.raises(ValueError, match="jwk: expected"):
            bare_jwk(wrong)


@pytest.mark.parametrize("text", ["a", "AA==", "AB", "A A", "A+", "A/", "é", "AAA\n"])
def test_bytes_are_written_in_one_way(text: str) -> None:
    """RFC 7515 2: no padding, no other letters; and no bits at the end that say nothing."""
    with pytest.raises(ValueError, match="unpadded base64url"):
        unb64u(text)


def test_a_key_on_secp256k1_has_the_name_that_is_registered() -> None:
    """RFC 8812 3.1; the generator of the curve (SEC 2, 2.4.1)."""
    x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
    jwk = jwk_of("secp256k1", b"\x02" + bytes.fromhex(x))
    expected = {"x": b64u(bytes.fromhex(x)), "y": b64u(bytes.fromhex(y))}
    assert jwk == {"crv": "secp256k1", "kty": "EC", **expected}


def test_an_rsa_key_is_named_by_its_two_numbers() -> None:
    """RFC 7518 6.3.1: exponent and modulus, without leading zeros; another key has none."""
    n = (65_537**4 + 2) * 2**2000 + 1
    key = rsa.RSAPublicNumbers(65_537, n).public_key()
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    jwk = jwk_of("rsa", key.public_bytes(*form))
    assert (jwk["kty"], jwk["e"], int.from_bytes(unb64u(jwk["n"]))) == ("RSA", "AQAB", n)
    other = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*form)
    with pytest.raises(ValueError, match="RSA key"):
        jwk_of("rsa", other)


def test_header_and_claims_are_in_one_form() -> None:
    """RFC 7515 5.1, over JSON that has one form only (RFC 8785)."""
    header, _, claims = signing_input({"b": 1, "a": "x"}, key_id="k").decode().partition(".")
    assert json.loads(unb64u(header)) == {"alg": "ES256", "kid": "k", "typ": "JWT"}
    assert unb64u(claims) == b'{"a":"x","b":1}'


def test_what_is_no_key_or_no_signature_is_refused() -> None:
    """A point beside the curve, and a signature of another length."""
    with pytest.raises(ValueError, match="point"):
        jwk_of("p256", b"\x05" + bytes(32))
    with pytest.raises(ValueError, match="64 or 256 bytes, got 63"):
        compact(b"a.b", bytes(63))
