"""ID tokens of others: as their standards write them, and nothing that only looks like one."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

import pytest

from tests.issuer import Issuer, make_key
from valetkey.spec.id_token import (
    MAX_KEYS,
    MAX_TOKEN_CHARS,
    IdTokenError,
    is_signed_by,
    parse,
    read_keys,
)

# RFC 7515, appendix A.3.
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


def keys_of(*jwks: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a set of these keys, as text."""
    return json.dumps({"keys": list(jwks)})


def part(value: object) -> str:
    """Return one part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_a_published_token_is_by_the_published_key() -> None:
    """RFC 7515 A.3."""
    token = parse(PUBLISHED)
    (key,) = read_keys(keys_of(JWK))
    assert is_signed_by(token, key)
    assert token.claims["iss"] == "joe"
    changed = parse(PUBLISHED[:-4] + "AAAA")
    assert not is_signed_by(changed, key)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "Ed25519"])
def test_tokens_of_another_library_are_by_their_key_alone(algorithm: str) -> None:
    """Each algorithm that is taken, as others make it."""
    issuer = Issuer(make_key("k", algorithm), algorithm)
    token = parse(issuer.token("alice", now=5))
    (key,) = read_keys(issuer.keys_text)
    (other,) = read_keys(Issuer(make_key("k", algorithm), algorithm).keys_text)
    assert (token.key_id, token.claims["sub"]) == ("k", "alice")
    assert is_signed_by(token, key)
    assert not is_signed_by(token, other)


def test_a_key_is_for_its_own_algorithm_alone() -> None:
    """A token that says another algorithm than its key has is by nobody."""
    issuer = Issuer(make_key("k", "RS256"), "RS256")
    (key,) = read_keys(keys_of(JWK))
    assert not is_signed_by(parse(issuer.token("alice", now=5)), key)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.b", "three parts"),
        ("a" * (MAX_TOKEN_CHARS + 1), "three parts"),
        (f"{part({'alg': 'none'})}.{part({})}.", "alg"),
        (f"{part({'alg': 'HS256'})}.{part({})}.AAAA", "alg"),
        (f"{part({})}.{part({})}.AAAA", "alg"),
        (f"{part({'alg': 'ES256', 'crit': ['b64']})}.{part({})}.AAAA", "crit"),
        (f"{part({'alg': 'ES256', 'kid': 5})}.{part({})}.AAAA", "kid"),
        (f"{part({'alg': 'ES256'})}.{part([])}.AAAA", "claims"),
        (f"{part({'alg': 'ES256'})}.e30.AA=", "signature"),
        (f"{part({'alg': 'ES256'})}.e30=.AAAA", "claims"),
        (f"{part([[[[]]]] * 99)}.e30.AAAA", "header"),
        (f"eyJhbGciOiJub25lIiwiYWxnIjoiRVMyNTYifQ.{part({})}.AAAA", "once"),
    ],
)
def test_what_is_no_token_is_told_why(text: str, said: str) -> None:
    """No algorithm that is none, no secret, no extension, no name twice."""
    with pytest.raises(IdTokenError, match=said):
        parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "of 1 to"),
        (keys_of(), "of 1 to"),
        (keys_of(*[JWK] * (MAX_KEYS + 1)), "of 1 to"),
        (keys_of("x"), "public keys"),
        (keys_of({**JWK, "d": "AAAA"}), "public keys"),
        (keys_of({"kty": "oct", "k": "AAAA"}), "public keys"),
        (keys_of({**JWK, "x": "AAAA"}), "broken"),
        (keys_of({"kty": "EC", "crv": "P-256"}), "broken"),
        (keys_of({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), "broken"),
        (keys_of({**JWK, "use": "enc"}), "expected a key for"),
        (keys_of({**JWK, "alg": "ES384"}), "expected a key for"),
        (keys_of({**JWK, "crv": "P-384"}), "expected a key for"),
        ("x" * 70_000, "at most"),
    ],
)
def test_what_is_no_set_of_keys_is_told_why(text: str, said: str) -> None:
    """Nothing private, nothing broken, nothing too short, and at least one that checks."""
    with pytest.raises(IdTokenError, match=said):
        read_keys(text)


def test_keys_for_something_else_are_passed_over() -> None:
    """Providers show keys for encryption beside those that sign."""
    found = read_keys(keys_of({**JWK, "kid": "enc", "use": "enc"}, {**JWK, "kid": "sig"}))
    assert [one.key_id for one in found] == ["sig"]
