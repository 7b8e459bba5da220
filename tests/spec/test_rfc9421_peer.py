"""RFC 9421 against another implementation of it: what one signs, the other accepts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import http_message_signatures as peer
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from valetkey.spec import rfc9421
from valetkey.spec.rfc9421 import RequestParts

URL = "https://API.example.com:443/v1/run?a=1&b=%20x"
BODY = b'{"calls":[]}'
CREATED = 1700000000
COMPONENTS = ("@method", "@target-uri", "@authority", "@path", "@query", "content-digest")


@dataclass(frozen=True)
class Key:
    """A public key as the codec sees one."""

    curve: str
    data: bytes


@dataclass
class Message:
    """A request as the other implementation wants it."""

    method: str
    url: str
    headers: dict[str, str]


def headers() -> dict[str, str]:
    """Return the header fields that are signed."""
    digest = rfc9421.content_digest(BODY)
    return {"content-type": "application/json", "content-digest": digest}


def keys() -> list[tuple[str, Any, Key, Any]]:
    """Return for each algorithm its name, a private key, the public one and their class."""
    p256 = ec.derive_private_key(7, ec.SECP256R1())
    point = p256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    seed = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw = seed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    algorithms = peer.algorithms
    return [
        ("ecdsa-p256-sha256", p256, Key("p256", point), algorithms.ECDSA_P256_SHA256),
        ("ed25519", seed, Key("ed25519", raw), algorithms.ED25519),
    ]


def sign_with(
    private_key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, base: bytes
) -> bytes:
    """Sign as the standard says."""
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return private_key.sign(base)
    r, s = decode_dss_signature(private_key.sign(base, ec.ECDSA(SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


@pytest.mark.parametrize("entry", keys(), ids=lambda entry: entry[0])
def test_what_we_sign_the_other_accepts(entry: tuple[str, Any, Key, Any]) -> None:
    """The standard, and not our reading of it, is what the two have in common."""
    alg, private_key, _, algorithm = entry
    request = RequestParts.from_url("POST", URL, headers())
    fields = rfc9421.sign_request(
        request,
        keyid="k",
        created=CREATED,
        nonce="nonce",
        alg=alg,
        components=COMPONENTS,
        sign=lambda base: sign_with(private_key, base),
    )
    message = Message("POST", request_url(request), {**headers(), **fields})
    resolver = peer.MappingKeyResolver(public_keys={"k": private_key.public_key()}, private_keys={})
    verifier = peer.HTTPMessageVerifier(signature_algorithm=algorithm, key_resolver=resolver)
    [result] = verifier.verify(message, max_age=None)
    assert result.parameters["nonce"] == "nonce"


@pytest.mark.parametrize("entry", keys(), ids=lambda entry: entry[0])
def test_what_the_other_signs_we_accept(entry: tuple[str, Any, Key, Any]) -> None:
    """Their fields are canonical text, so strict reading loses no peer."""
    _, private_key, public_key, algorithm = entry
    request = RequestParts.from_url("POST", URL, headers())
    message = Message("POST", request_url(request), headers())
    resolver = peer.MappingKeyResolver(public_keys={}, private_keys={"k": private_key})
    signer = peer.HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver)
    signer.sign(
        message,
        key_id="k",
        created=datetime.fromtimestamp(CREATED, UTC),
        nonce="nonce",
        label="theirs",
        use_existing_digest=True,
        covered_component_ids=COMPONENTS,
    )
    fields = rfc9421.header_fields(message.headers.items())
    signature = rfc9421.parse_signature(fields)
    assert (signature.label, signature.components) == ("theirs", COMPONENTS)
    assert rfc9421.verify_request(public_key, request, signature)


def request_url(request: RequestParts) -> str:
    """Return the URL with its authority normalized, as a client sends it."""
    return f"https://api.example.com{request.path}?{request.query}"
