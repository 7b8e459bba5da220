"""Who a request claims to be from: a bearer token, or a signature over the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from valetkey.http.incoming import Incoming

LABEL: Final = "vk"
_SCHEME: Final = b"bearer "


def read_proof(
    incoming: Incoming, *, origin: tuple[str, str] | None, now: int
) -> Bearer | Stamp | None:
    """
    Return the proof that *incoming* brings, taken apart and not yet believed.

    Args:
        origin: Scheme and authority as callers see them; None takes them from the request.
        now: Unix seconds.

    Raises:
        Unauthenticated: There are two proofs, one that we do not know, or one that is malformed.
    """
    fields = incoming.fields
    authorization = fields.get(b"authorization")
    if b"signature-input" not in fields and b"signature" not in fields:
        return None if authorization is None else _bearer(authorization)
    if authorization is not None:
        detail = "expected a token or a signature, got both"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    try:
        return _stamp(incoming, origin, now)
    except (SignatureError, ContentDigestError) as error:
        raise Unauthenticated(Code.PROOF_REFUSED, str(error)) from None


def _bearer(authorization: bytes) -> Bearer:
    token = authorization[len(_SCHEME) :].strip()
    if authorization[: len(_SCHEME)].lower() != _SCHEME or not token.isascii():
        raise Unauthenticated(Code.PROOF_REFUSED, "expected Authorization: Bearer and a token")
    return Bearer(token.decode())


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
