"""How a request proves who sends it: a token, alone or with a proof of its key, or a signature."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from valetkey.core.errors import Code, Malformed
from valetkey.core.token import MAX_TOKEN_CHARS
from valetkey.spec.rfc9421 import ALGORITHMS, RequestParts, content_digest, sign_request
from valetkey.spec.rfc9449 import make_proof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.client.keys import HolderKey

LABEL: Final = "vk"
_NONCE_BYTES: Final = 24
_COMPONENTS: Final = ("@method", "@path", "@query")


def new_request_id() -> str:
    """Return what makes one request unique: 32 characters that nobody can guess."""
    return secrets.token_urlsafe(_NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it is about to go out, without its proof; ``content`` is empty for a read."""

    method: str
    url: str
    content: bytes
    is_write: bool


class Proof(Protocol):
    """Who sends a request."""

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """
        Return the header fields that prove it.

        A write that is sent again takes the same fields again, and happens once. A read takes new
        ones each time.
        """


@dataclass(frozen=True, slots=True)
class Nobody:
    """No proof: what anyone may read."""

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """Return no fields but the request's id."""
        return {"idempotency-key": request_id} if sent.is_write else {}


@dataclass(frozen=True, slots=True)
class Token:
    """
    A bearer string: an API key or the token of a session that reads.

    Raises:
        Malformed: It is no such string; it is not repeated.
    """

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no header can carry."""
        well_formed = self.token.isascii() and self.token.isprintable() and " " not in self.token
        if not self.token.startswith("vk_") or not well_formed or len(self.token) > MAX_TOKEN_CHARS:
            detail = "expected a token that begins with vk_secret_, vk_public_ or vk_session_"
            raise Malformed(Code.PROOF_REFUSED, detail)

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """Return ``Authorization``, and ``Idempotency-Key`` for a write."""
        fields = {"authorization": f"Bearer {self.token}"}
        if sent.is_write:
            fields["idempotency-key"] = request_id
        return fields


@dataclass(frozen=True, slots=True)
class VendorKey:
    """
    An API key of a vendor's surface, which has its own name for a request's id.

    Raises:
        Malformed: It is no such string; it is not repeated.
    """

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no header can carry."""
        well_formed = self.key.isascii() and self.key.isprintable() and " " not in self.key
        if not self.key.startswith(("sk_", "pk_")) or len(self.key) > MAX_TOKEN_CHARS:
            well_formed = False
        if not well_formed:
            detail = "expected a key that begins with sk_test_ or pk_test_"
            raise Malformed(Code.PROOF_REFUSED, detail)

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """Return ``Authorization``, and ``X-Idempotency-Key`` for a write."""
        fields = {"authorization": f"Bearer {self.key}"}
        if sent.is_write:
            fields["x-idempotency-key"] = request_id
        return fields


@dataclass(slots=True)
class BoundToken:
    """
    The token of a session that is bound to its key: it reads, and each request proves the key.

    Args:
        now: Unix seconds; the server accepts 60 s either way.
        nonce: The newest that the server gave; see `learn`.

    Spec:
        RFC 9449.
    """

    token: Token
    key: HolderKey
    now: Callable[[], float] = time.time
    nonce: str | None = None

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """Return ``Authorization`` and ``DPoP``, and ``Idempotency-Key`` for a write."""
        proof = make_proof(
            self.key.public_key,
            self.key.sign_message,
            method=sent.method,
            url=sent.url,
            issued_at=int(self.now()),
            proof_id=request_id,
            token=self.token.token,
            nonce=self.nonce,
        )
        fields = self.token.headers(sent, request_id=request_id)
        return {**fields, "authorization": f"DPoP {self.token.token}", "dpop": proof}

    def learn(self, headers: Mapping[str, str]) -> bool:
        """Note the nonce for the next proof, and say whether it is another than before."""
        before = self.nonce
        self.nonce = headers.get("dpop-nonce", before)
        return self.nonce != before


@dataclass(frozen=True, slots=True)
class Signed:
    """
    A key that signs each request; the request's id is the signature's nonce.

    Args:
        key_id: Of the session (``ses_…``) or of the P-256 credential (``crd_…``).
        now: Unix seconds; the server accepts 60 s either way.

    Spec:
        RFC 9421 over method, path and query, and RFC 9530 over the body.
    """

    key_id: str
    key: HolderKey
    now: Callable[[], float] = time.time

    def headers(self, sent: Sent, *, request_id: str) -> dict[str, str]:
        """Return ``Signature-Input``, ``Signature`` and, for a body, ``Content-Digest``."""
        fields: dict[str, str] = {}
        components: tuple[str, ...] = _COMPONENTS
        if sent.content:
            fields["content-digest"] = content_digest(sent.content)
            components = (*components, "content-digest")
        signature = sign_request(
            RequestParts.from_url(sent.method, sent.url, fields),
            keyid=self.key_id,
            created=int(self.now()),
            nonce=request_id,
            alg=ALGORITHMS[self.key.public_key.curve.value],
            components=components,
            sign=self.key.sign_message,
            label=LABEL,
        )
        return {**fields, **signature}
