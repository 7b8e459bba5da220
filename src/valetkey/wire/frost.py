"""Signatures by FROST (RFC 9591): what client and server tell each other."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.wire.base import Asked, Hex, Integer, Told, read_bytes


class FrostBegin(Asked, frozen=True, kw_only=True):
    """
    What is to be signed by FROST, one of two, with the commitment of the client's share.

    Args:
        generation: Of the client's share.
        identifier: Its x, 32 bytes little-endian.
        hiding, binding: The points of its two nonces (RFC 9591, section 5.1), 32 bytes each. The
            nonces are for this one round.
        message: Bytes, signed as they are.
        digest: Bytes that nobody can read.
    """

    generation: Integer
    identifier: Hex
    hiding: Hex
    binding: Hex
    message: Hex | None = None
    digest: Hex | None = None


class FrostBegun(Told, frozen=True, kw_only=True):
    """
    A round: what the client's signature share is made with.

    Args:
        activity_id: To finish it by.
        public_key: 32 bytes.
        identifier, hiding, binding: The server's, as the client's.
    """

    activity_id: str
    public_key: Hex
    identifier: Hex
    hiding: Hex
    binding: Hex


class FrostFinish(Asked, frozen=True, kw_only=True):
    """
    The client's signature share.

    Args:
        signature_share: 32 bytes (RFC 9591, section 5.2).
    """

    activity_id: Annotated[str, Meta(max_length=64)]
    signature_share: Hex


def read_commitment(body: FrostBegin | FrostBegun) -> bytes:
    """
    Return a commitment: 96 bytes.

    Raises:
        Malformed: A part of it is not 32 bytes.
    """
    return b"".join(
        read_bytes(getattr(body, name), name, count=32)
        for name in ("identifier", "hiding", "binding")
    )


def read_wanted(body: FrostBegin) -> SignMessage | SignDigest:
    """
    Return what is to be signed.

    Raises:
        Malformed: It is not one thing.
    """
    if (body.message is None) == (body.digest is None):
        given = "none" if body.message is None else "both"
        detail = f"expected one of message, digest, got {given}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if body.message is not None:
        return SignMessage(read_bytes(body.message, "message"))
    return SignDigest(read_bytes(body.digest or "", "digest"))
