"""Who a request claims to be from: a token, alone or with a proof, or a signature over it all."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from valetkey.core.dpop import Dpop
from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.stamp import Stamp
from valetkey.flows.prove import Bearer
from valetkey.spec.rfc9421 import (
    ContentDigestError,
    RequestParts,
    SignatureError,
    check_content_digest,
    parse_signature,
    signature_base,
)
from valetkey.spec.rfc9449 import DpopError, is_same_target, parse_proof

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming

LABEL: Final = "vk"
_BASIC: Final = b"basic "


def read_proof(
    incoming: Incoming, *, origin: tuple[str, str] | None, now: int, has_clients: bool = False
) -> Bearer | Stamp | Dpop | None:
    """
    Return the proof that *incoming* brings, taken apart and not yet believed.

    Args:
        origin: Scheme and authority as callers see them; None takes them from the request.
        now: Unix seconds.
        has_clients: Whether id and secret of a client prove it here, too, as OAuth 2 has it.

    Raises:
        Unauthenticated: There are two proofs, one that we do not know, or one that is malformed.
    """
    fields = incoming.fields
    authorization = fields.get(b"authorization")
    if b"signature-input" not in fields and b"signature" not in fields:
        if authorization is None and b"dpop" not in fields:
            return None
        if has_clients and authorization is not None and is_basic(authorization):
            return _client(incoming, authorization)
        return _token(incoming, authorization or b"", origin)
    if authorization is not None or b"dpop" in fields:
        detail = "expected a token or a signature, got both"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    try:
        return _stamp(incoming, origin, now)
    except (SignatureError, ContentDigestError) as error:
        raise Unauthenticated(Code.PROOF_REFUSED, str(error)) from None


async def nonce_fields(world: World) -> tuple[tuple[bytes, bytes], ...]:
    """
    Return the field with the nonce that the next proof of a key has to have.

    Spec:
        RFC 9449, sections 8.2 and 9.
    """
    nonces = await world.nonces.good(world.vault, world.auditor, now=world.clock.now())
    return ((b"dpop-nonce", nonces[0].encode()),)


@dataclass(frozen=True, slots=True)
class Client(Bearer):
    """A token as the secret of a client, whose id has to be that of whoever it proves."""

    client_id: str


def expect_client(proof: object, principal: Principal) -> None:
    """
    Let pass whom *proof* proves under the name that it has.

    Raises:
        Unauthenticated: A client gave another id, which is told as a secret that is none.
    """
    if isinstance(proof, Client) and proof.client_id != principal.subject_id:
        detail = "expected a valid token or signature, got neither"
        refused = Unauthenticated(Code.PROOF_REFUSED, detail)
        refused.add_note("another_client")
        raise refused


def is_basic(authorization: bytes) -> bool:
    """Say whether a client proves itself by id and secret."""
    return authorization[: len(_BASIC)].lower() == _BASIC


def _client(incoming: Incoming, authorization: bytes) -> Client:
    """
    Return the key that comes as the secret of a client, whose id must be the key's.

    Spec:
        RFC 6749, section 2.3.1: each half in the form of ``application/x-www-form-urlencoded``,
        then RFC 7617.
    """
    detail = "expected Authorization: Basic with the credential's id, a colon and its key"
    try:
        pair = base64.b64decode(authorization[len(_BASIC) :].strip(), validate=True).decode("ascii")
        client_id, _, secret = map(unquote_plus, pair.partition(":"))
    except (binascii.Error, UnicodeDecodeError):
        raise Unauthenticated(Code.PROOF_REFUSED, detail) from None
    if not client_id or not secret.isascii() or b"dpop" in incoming.fields:
        raise Unauthenticated(Code.PROOF_REFUSED, f"{detail}, and no other proof")
    return Client(secret, client_id)


def _token(
    incoming: Incoming, authorization: bytes, origin: tuple[str, str] | None
) -> Bearer | Dpop:
    """Return a token that comes alone, or with the proof of its key: never one for the other."""
    scheme, _, rest = authorization.partition(b" ")
    token, proof = rest.strip(), incoming.fields.get(b"dpop")
    wanted = b"bearer" if proof is None else b"dpop"
    if scheme.lower() != wanted or not token.isascii():
        detail = "expected Authorization: Bearer and a token, or DPoP with a proof in DPoP"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    if proof is None:
        return Bearer(token.decode())
    try:
        found = parse_proof(proof.decode("latin-1"))
    except DpopError as error:
        raise Unauthenticated(Code.PROOF_REFUSED, f"DPoP: {error}") from None
    at, authority = origin or (incoming.scheme, incoming.fields.get(b"host", b"").decode("latin-1"))
    is_there = is_same_target(found.target, scheme=at, authority=authority, path=incoming.path)
    return Dpop(token.decode(), found, is_there and found.method == incoming.method)


def _stamp(incoming: Incoming, origin: tuple[str, str] | None, now: int) -> Stamp:
    """1. parse; 2. the body is the one that was digested; 3. not expired by its own word."""
    headers = {
        name.decode("latin-1"): value.decode("latin-1") for name, value in incoming.fields.items()
    }
    signature = parse_signature(headers, label=LABEL)  # 1
    if incoming.body:  # 2
        digest = headers.get("content-digest")
        if digest is None:
            detail = "expected a Content-Digest header, for the request has a body"
            raise Unauthenticated(Code.PROOF_REFUSED, detail)
        if not check_content_digest(digest, incoming.body):
            raise Unauthenticated(Code.PROOF_REFUSED, "Content-Digest: not of this body")
    if signature.expires is not None and now >= signature.expires:  # 3
        detail = f"expected expires later than {now}, got {signature.expires}"
        raise Unauthenticated(Code.PROOF_TOO_OLD, detail)
    scheme, authority = origin or (incoming.scheme, headers.get("host", ""))
    parts = RequestParts(
        method=incoming.method,
        scheme=scheme,
        authority=authority,
        path=incoming.path,
        query=incoming.query or None,
        headers=headers,
    )
    return Stamp(
        key_id=signature.keyid or "",
        algorithm=signature.alg,
        components=frozenset(signature.components),
        created=signature.created,
        nonce=signature.nonce,
        base=signature_base(parts, signature),
        signature=signature.signature,
        has_body=bool(incoming.body),
    )
