"""DPoP, as RFC 9449 writes it; and what is no proof."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from valetkey.spec.jwt import b64u, thumbprint, unb64u
from valetkey.spec.rfc9449 import (
    MAX_PROOF_CHARS,
    DpopError,
    is_same_target,
    is_signed_by,
    make_proof,
    parse_proof,
    token_hash,
)

VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "rfc9449.json").read_text())
URL: Final = "https://keys.example/v1/session"
CLAIMS: Final = {"htm": "GET", "htu": URL, "iat": 1_700_000_000, "jti": "x" * 16, "ath": "a"}
KEYS: Final[dict[str, tuple[str, ECKey | OKPKey]]] = {
    "p256": ("ES256", ECKey.generate_key("P-256")),
    "secp256k1": ("ES256K", ECKey.generate_key("secp256k1")),
    "ed25519": ("Ed25519", OKPKey.generate_key("Ed25519")),
}


def public(curve: str = "p256") -> dict[str, Any]:
    """Return the public key on *curve*."""
    return dict(KEYS[curve][1].as_dict(private=False))


def made(curve: str = "p256", *, claims: object = None, **header: object) -> str:
    """Return a proof that another library has signed, with *header* changed."""
    algorithm, key = KEYS[curve]
    wanted = {"alg": algorithm, "typ": "dpop+jwt", "jwk": _bare(public(curve)), **header}
    body: Any = CLAIMS if claims is None else claims
    return jwt.encode(wanted, body, key, algorithms=[algorithm, str(wanted["alg"])])


def _bare(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: jwk[name] for name in ("kty", "crv", "x", "y") if name in jwk}


def signed(header: bytes, claims: bytes) -> str:
    """Return a token over any bytes, signed by the key on P-256."""
    text = f"{b64u(header)}.{b64u(claims)}"
    key = KEYS["p256"][1]
    assert isinstance(key, ECKey)
    model = JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    return f"{text}.{b64u(model.sign(text.encode(), key))}"


HEADER: Final = {"alg": "ES256", "typ": "dpop+jwt", "jwk": _bare(public())}


@dataclass(frozen=True, slots=True)
class _Key:
    curve: str
    data: bytes


def _key(jwk: dict[str, Any]) -> _Key:
    """Return the key that *jwk* names."""
    x, y = unb64u(jwk["x"]), unb64u(jwk.get("y", ""))
    if not y:
        return _Key("ed25519", x)
    curve = {"P-256": "p256"}.get(jwk["crv"], jwk["crv"])
    return _Key(curve, bytes([2 + y[-1] % 2]) + x)


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda one: one["section"])
def test_the_published_proofs_are_proofs(vector: dict[str, Any]) -> None:
    """RFC 9449 4.1 and 7.1: signature, key and claims."""
    proof = parse_proof(vector["proof"])
    assert is_signed_by(proof, _key(VECTORS["jwk"]))
    assert thumbprint(proof.jwk) == VECTORS["jkt"]["value"]
    found = (proof.proof_id, proof.method, proof.target, proof.issued_at, proof.token_hash)
    assert found == tuple(vector[name] for name in ("jti", "htm", "htu", "iat", "ath"))
    assert proof.nonce is None


def test_the_published_token_has_the_published_hash() -> None:
    """RFC 9449 7.1: `ath`."""
    assert token_hash(VECTORS["token"]["value"]) == VECTORS["token"]["ath"]


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda one: one["section"])
def test_a_published_proof_with_one_bit_changed_is_none(vector: dict[str, Any]) -> None:
    """Header, claims and signature are all covered."""
    parts = vector["proof"].split(".")
    for place in range(3):
        changed = bytearray(unb64u(parts[place]))
        changed[-3] ^= 1
        other = ".".join((*parts[:place], b64u(bytes(changed)), *parts[place + 1 :]))
        try:
            assert not is_signed_by(parse_proof(other), _key(VECTORS["jwk"]))
        except DpopError:
            assert place < 2


@pytest.mark.parametrize("curve", KEYS)
def test_proofs_of_another_library_are_read(curve: str) -> None:
    """Joserfc signs on each curve; ES256K in either of its two forms."""
    for number in range(8):
        proof = parse_proof(made(curve, claims={**CLAIMS, "nonce": f"n{number}"}))
        assert (proof.curve, proof.nonce) == (curve, f"n{number}")
        assert is_signed_by(proof, _key(public(curve)))


def test_ed25519_goes_by_both_of_its_names() -> None:
    """RFC 8037 and RFC 9864."""
    header = {"alg": "EdDSA", "typ": "dpop+jwt", "jwk": _bare(public("ed25519"))}
    text = ".".join(b64u(json.dumps(part).encode()) for part in (header, CLAIMS))
    key = KEYS["ed25519"][1].private_key
    assert isinstance(key, Ed25519PrivateKey)
    proof = parse_proof(f"{text}.{b64u(key.sign(text.encode()))}")
    assert is_signed_by(proof, _key(public("ed25519")))


@pytest.mark.parametrize("nonce", [None, "given"])
def test_another_library_reads_our_proofs(nonce: str | None) -> None:
    """Header and claims of RFC 9449 4.2; query and fragment stay out of `htu`."""
    key = KEYS["p256"][1]

    def sign(message: bytes) -> bytes:
        return unb64u(signed(*(unb64u(part) for part in message.decode().split("."))).split(".")[2])

    text = make_proof(
        _key(public()),
        sign,
        method="GET",
        url=f"{URL}?a=1#b",
        issued_at=5,
        proof_id="one",
        token="t",  # noqa: S106 - not one
        nonce=nonce,
    )
    token = jwt.decode(text, key, algorithms=["ES256"])
    assert token.header == HEADER
    expected = {"htm": "GET", "htu": URL, "iat": 5, "jti": "one", "ath": token_hash("t")}
    assert token.claims == expected | ({} if nonce is None else {"nonce": nonce})
    assert is_signed_by(parse_proof(text), _key(public()))


def _hmac_with_the_public_key() -> str:
    """Sign with HS256, the public key as the secret: what a careless verifier accepts."""
    header = b64u(json.dumps({**HEADER, "alg": "HS256"}).encode())
    text = f"{header}.{b64u(json.dumps(CLAIMS).encode())}"
    key = KEYS["p256"][1]
    assert isinstance(key, ECKey)
    secret = key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    code = hmac.HMAC(secret, hashes.SHA256())
    code.update(text.encode())
    return f"{text}.{b64u(code.finalize())}"


def _unsigned() -> str:
    header = b64u(json.dumps({**HEADER, "alg": "none"}).encode())
    return f"{header}.{b64u(json.dumps(CLAIMS).encode())}."


def _text(**changed: object) -> bytes:
    return _json({**CLAIMS, **changed})


def _header(**changed: object) -> bytes:
    return _json({**HEADER, **changed})


def _json(parts: dict[str, object]) -> bytes:
    return json.dumps({name: v for name, v in parts.items() if v != "gone"}).encode()


_P256: Final = _bare(public())
_OTHER: Final = _bare(public("secp256k1"))
REFUSED: Final[dict[str, tuple[str, str]]] = {
    "alg none": (_unsigned(), "alg: expected ES256"),
    "HMAC with the public key": (_hmac_with_the_public_key(), "alg: expected ES256"),
    "an algorithm of another curve": (made(alg="ES256", jwk=_OTHER), "alg: expected ES256K"),
    "a private key": (signed(_header(jwk={**_P256, "d": "AA"}), _text()), "none of a private"),
    "a secret key": (signed(_header(jwk={"kty": "oct", "k": "AA"}), _text()), "none of a private"),
    "an RSA key": (signed(_header(jwk={"kty": "RSA", "n": "AA", "e": "AQAB"}), _text()), "kty"),
    "the type of another key": (signed(_header(jwk={**_P256, "kty": "OKP"}), _text()), "kty"),
    "a coordinate that is no text": (signed(_header(jwk={**_P256, "x": 1}), _text()), "the texts"),
    "no key": (signed(_header(jwk="gone"), _text()), "jwk: expected"),
    "a key that is no object": (signed(_header(jwk=[1]), _text()), "jwk: expected"),
    "another type": (signed(_header(typ="JWT"), _text()), "typ: expected dpop+jwt"),
    "no type": (signed(_header(typ="gone"), _text()), "typ"),
    "an extension": (signed(_header(crit=["b64"], b64=False), _text()), "crit"),
    "no method": (signed(_header(), _text(htm="gone")), "htm"),
    "no target": (signed(_header(), _text(htu="gone")), "htu"),
    "no id": (signed(_header(), _text(jti="gone")), "jti"),
    "an id that is no text": (signed(_header(), _text(jti=7)), "jti"),
    "an id with a line in it": (signed(_header(), _text(jti="a\nb")), "jti"),
    "no time": (signed(_header(), _text(iat="gone")), "iat"),
    "a time that is text": (signed(_header(), _text(iat="5")), "iat"),
    "a time that is true": (signed(_header(), _text(iat=True)), "iat"),
    "a time in parts of seconds": (signed(_header(), _text(iat=5.5)), "iat"),
    "a nonce that is no text": (signed(_header(), _text(nonce=None)), "nonce"),
    "a name twice": (signed(_header(), _text()[:-1] + b',"jti":"y"}'), "each name once"),
    "a list of claims": (signed(_header(), b"[1]"), "claims: expected an object"),
    "no JSON": (signed(_header(), b"{"), "claims: expected plain JSON"),
    "other bytes": (signed(_header(), b"\xff"), "claims: expected plain JSON"),
    "depth": (signed(_header(), b'{"a":' + b"[" * 900 + b"]" * 900 + b"}"), "claims"),
    "a number without end": (signed(_header(), b'{"iat":1' + b"0" * 2000 + b"}"), "htm"),
    "padding": (made() + "==", "signature: expected unpadded"),
    "no signature": (made().rpartition(".")[0] + ".", "64 bytes"),
    "a short signature": (made().rpartition(".")[0] + ".AAAA", "64 bytes, got 3"),
    "two parts": ("a.b", "three parts"),
    "five parts": ("a.b.c.d.e", "three parts"),
    "nothing": ("", "three parts"),
    "other letters": ("é.a.b", "three parts"),
    "too long": (made(claims={**CLAIMS, "more": "x" * MAX_PROOF_CHARS}), "at most 4096"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_proof_is_refused_with_its_reason(case: str) -> None:
    """RFC 9449 4.3, 2 to 7; nothing but a `DpopError` comes out, whatever comes in."""
    text, says = REFUSED[case]
    with pytest.raises(DpopError, match=re.escape(says)):
        parse_proof(text)


@pytest.mark.parametrize("curve", KEYS)
def test_a_proof_is_signed_by_the_key_in_it_and_no_other(curve: str) -> None:
    """A key that signed and is not named, one that is named and did not sign, a changed point."""
    proof, key = parse_proof(made(curve)), _key(public(curve))
    assert is_signed_by(proof, key)
    for other in KEYS.keys() - {curve}:
        assert not is_signed_by(proof, _key(public(other)))
        assert not is_signed_by(replace(proof, curve=other), _key(public(other)))
    assert not is_signed_by(replace(proof, jwk={**proof.jwk, "x": "AA"}), key)
    assert not is_signed_by(replace(proof, signature=bytes(64)), key)
    assert not is_signed_by(replace(proof, signature=b"\xff" * 64), key)
    stranger = _bare(ECKey.generate_key("P-256").as_dict(private=False))
    forged = parse_proof(signed(_header(jwk=stranger), _text()))
    assert not is_signed_by(forged, _key(public()))
    assert not is_signed_by(forged, _key(stranger))


SAME: Final = [
    ("https://keys.example/v1/session", True),
    ("HTTPS://KEYS.example:443/v1/session", True),
    ("https://keys.example/v1/session?x=1", False),
    ("https://keys.example/v1/session?", False),
    ("https://keys.example/v1/session#x", False),
    ("https://keys.example/v1/Session", False),
    ("https://keys.example/v1/session/", False),
    ("https://keys.example/v1/x/../session", False),
    ("https://keys.example:8443/v1/session", False),
    ("http://keys.example/v1/session", False),
    ("https://keys.example.evil/v1/session", False),
    ("https://evil@keys.example/v1/session", False),
    ("https://:@keys.example/v1/session", False),
    ("https:///v1/session", False),
    ("/v1/session", False),
    ("https://keys.example:x/v1/session", False),
    ("https://[keys/v1/session", False),
    ("", False),
]


@pytest.mark.parametrize(("claimed", "is_same"), SAME)
def test_a_target_is_the_one_of_the_request(claimed: str, *, is_same: bool) -> None:
    """RFC 9449 4.3, 9: scheme, host, port and path; no query, which no proof covers."""
    found = is_same_target(claimed, scheme="https", authority="keys.example", path="/v1/session")
    assert found is is_same


def test_a_target_without_path_is_the_root() -> None:
    """RFC 3986 6.2.3."""
    assert is_same_target("http://[::1]:80", scheme="http", authority="[::1]", path="/")
