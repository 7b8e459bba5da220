"""Requests of tests: with a token, or signed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import coincurve
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from tests.leaks import secret
from valetkey.spec.rfc9421 import ALGORITHMS, RequestParts, content_digest, sign_request
from valetkey.spec.rfc9449 import make_proof

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from valetkey.ports import Clock

COMPONENTS: Final = ("@method", "@path", "@query")
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_numbers = itertools.count(1)


def unique() -> str:
    """Return a request id that no other test has; it is long enough for a nonce."""
    return f"request-of-a-test-{next(_numbers)}"


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair that signs requests, and, on secp256k1, digests."""

    curve: str
    private: bytes = field(repr=False)

    @classmethod
    def make(cls, curve: str = "p256", number: int = 1) -> Key:
        """Return the key with that number, the same in each run."""
        return cls(curve, secret(number.to_bytes(4) + b"\x5a" * 28))

    @property
    def public(self) -> bytes:
        """The compressed point."""
        if self.curve == "ed25519":
            return bytes(SigningKey(self.private).verify_key)
        if self.curve == "secp256k1":
            return coincurve.PrivateKey(self.private).public_key.format()
        key = ec.derive_private_key(int.from_bytes(self.private), ec.SECP256R1())
        return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    @property
    def data(self) -> bytes:
        """The same, under the name that the codecs have for it."""
        return self.public

    @property
    def document(self) -> dict[str, str]:
        """The public key as the API takes it."""
        return {"curve": self.curve, "public_key": "0x" + self.public.hex()}

    def sign(self, message: bytes) -> bytes:
        """Return r and s over SHA-256 of *message*, or what Ed25519 makes of it."""
        if self.curve == "ed25519":
            return bytes(SigningKey(self.private).sign(message).signature)
        if self.curve == "secp256k1":
            return coincurve.PrivateKey(self.private).sign_recoverable(message)[:64]
        key = ec.derive_private_key(int.from_bytes(self.private), ec.SECP256R1())
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


class Nobody:
    """Proves nothing."""

    def headers(self, method: str, url: str, body: bytes, request_id: str) -> dict[str, str]:
        """Return an id for the write, which costs nothing."""
        del method, url, body
        return {"idempotency-key": request_id}


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer string."""

    text: str = field(repr=False)

    def headers(self, method: str, url: str, body: bytes, request_id: str) -> dict[str, str]:
        """Return the token and an id for the write."""
        del method, url, body
        return {"authorization": f"Bearer {self.text}", "idempotency-key": request_id}


@dataclass(frozen=True, slots=True)
class Stamper:
    """
    A key that signs each request.

    Args:
        lag_s: How far behind the server its clock is.
    """

    key_id: str
    key: Key
    clock: Clock
    components: tuple[str, ...] = COMPONENTS
    lag_s: int = 0

    def headers(self, method: str, url: str, body: bytes, request_id: str) -> dict[str, str]:
        """Return the three fields of a signed request."""
        fields: dict[str, str] = {}
        components = self.components
        if body:
            fields["content-digest"] = content_digest(body)
            components = (*components, "content-digest")
        signed = sign_request(
            RequestParts.from_url(method, url, fields),
            keyid=self.key_id,
            created=self.clock.now() - self.lag_s,
            nonce=request_id,
            alg=ALGORITHMS[self.key.curve],
            components=components,
            sign=self.key.sign,
            label="vk",
        )
        return {**fields, **signed}


@dataclass(frozen=True, slots=True)
class Prover:
    """
    A token, and its key that proves each request (DPoP).

    Args:
        nonce: As the server gave it.
        lag_s: How far behind the server its clock is.
    """

    text: str = field(repr=False)
    key: Key
    clock: Clock
    nonce: str | None = None
    lag_s: int = 0

    def headers(self, method: str, url: str, body: bytes, request_id: str) -> dict[str, str]:
        """Return the token, its proof, and an id for the write."""
        del body
        proof = make_proof(
            self.key,
            self.key.sign,
            method=method,
            url=url,
            issued_at=self.clock.now() - self.lag_s,
            proof_id=request_id,
            token=self.text,
            nonce=self.nonce,
        )
        return {
            "authorization": f"DPoP {self.text}",
            "dpop": proof,
            "idempotency-key": request_id,
        }


Proof = Nobody | Token | Stamper | Prover


def _encode(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, Form):
        return body.encode()
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


@dataclass(frozen=True, slots=True)
class Form:
    """A body that is a form."""

    fields: Mapping[str, str]

    def encode(self) -> bytes:
        """Return the body."""
        return urlencode(self.fields).encode()


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who sends requests."""

    client: httpx.AsyncClient
    proof: Proof

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """
        Return the answer; of a stream only its head.

        Args:
            body: JSON values, a form, or bytes to send as they are.
        """
        content = _encode(body)
        url = str(self.client.build_request(method, path).url)
        proof = self.proof.headers(method, url, content, request_id or unique())
        media = (
            "application/x-www-form-urlencoded" if isinstance(body, Form) else "application/json"
        )
        kind = {"content-type": media} if content else {}
        request = self.client.build_request(
            method, path, content=content or None, headers={**kind, **proof, **(headers or {})}
        )
        answer = await self.client.send(request, stream=True)
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        if method == "HEAD" or not is_stream:
            await answer.aread()
        await answer.aclose()  # a stream would go on
        return answer

    async def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Return the body of a successful GET."""
        answer = await self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return the body of a successful POST."""
        answer = await self.send("POST", path, body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()
