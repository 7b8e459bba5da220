"""The client's half of a signature by FROST (RFC 9591): its share of the key stays here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.client.custody import checked_share
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed
from valetkey.spec import share_text
from valetkey.spec.rfc9591 import is_share_of, open_round, sign_share
from valetkey.spec.rfc9591_commit import (
    WORD_BYTES,
    Commitment,
    FrostError,
    Nonces,
    commit,
    draw_nonces,
    scalar_of,
)
from valetkey.spec.shamir import ORDERS, Point, ShareError
from valetkey.wire import frost as wire
from valetkey.wire.base import hexed, read_bytes

if TYPE_CHECKING:
    from valetkey.wire.custody import SplitSignature

__all__ = ["Half", "begin", "finish"]


@dataclass(slots=True)
class Half:
    """
    What the client keeps of a round until it has the server's commitment: for that round alone.

    Args:
        share: A scalar.
        message: What is signed.
    """

    commitment: Commitment
    message: bytes
    share: bytes = field(repr=False)
    _nonces: Nonces | None = field(repr=False)

    def spend(self) -> Nonces:
        """
        Return the nonces, once: whoever signs twice with them gives the share away.

        Raises:
            Conflict: ``nonce_spent``.
        """
        nonces, self._nonces = self._nonces, None
        if nonces is None:
            detail = "expected nonces that nothing was signed with, got none; begin another round"
            raise Conflict(Code.NONCE_SPENT, detail)
        return nonces


@dataclass(frozen=True, slots=True)
class Finish:
    """
    The client's answer.

    Args:
        whole: The point by which the signature is known to be good.
    """

    body: wire.FrostFinish
    commitment: bytes
    whole: bytes

    def checked(self, signed: SplitSignature) -> SplitSignature:
        """
        Return *signed*, seen to be the signature of this round.

        Raises:
            Forbidden: ``signature_share_refused``: the server's half of it is not good.
        """
        signature = read_bytes(signed.signature, "signature", count=2 * WORD_BYTES)
        given, sum_of = signature[:WORD_BYTES], signature[WORD_BYTES:]
        if given != self.commitment or not is_share_of(self.whole, sum_of):
            detail = "expected a signature of this wallet, got one that does not verify"
            raise Forbidden(Code.SIGNATURE_SHARE_REFUSED, detail)
        return signed


def begin(
    share: str, *, message: bytes | None, digest: bytes | None
) -> tuple[wire.FrostBegin, Half]:
    """
    Return what begins a round, with new nonces, and what is kept for its end.

    Raises:
        Malformed: *share* is none of Ed25519, or it is not one of *message* and *digest*.
    """
    told = share_text.read(checked_share(share))
    try:
        point = Point.from_bytes(told.point, order=ORDERS["ed25519"])
        place, held = scalar_of(point.x), scalar_of(point.y)
    except (ShareError, FrostError) as error:
        raise Malformed(Code.MALFORMED_SHARE, f"share: {error}") from None
    randomness = (secrets.token_bytes(WORD_BYTES), secrets.token_bytes(WORD_BYTES))
    nonces = draw_nonces(held, randomness)
    commitment = commit(place, nonces)
    body = wire.FrostBegin(
        generation=told.generation,
        identifier=hexed(commitment.identifier),
        hiding=hexed(commitment.hiding),
        binding=hexed(commitment.binding),
        message=None if message is None else hexed(message),
        digest=None if digest is None else hexed(digest),
    )
    wire.read_wanted(body)
    return body, Half(commitment, message or digest or b"", held, nonces)


def finish(half: Half, begun: wire.FrostBegun, *, public_key: bytes | None) -> Finish:
    """
    Return the client's signature share; *half* has no nonces any more.

    Args:
        public_key: The wallet's, as noted when it was made; None takes the server's word for it.

    Raises:
        Malformed: The server's commitment is none.
        Conflict: ``nonce_spent``: it was asked for before.
        Forbidden: ``signature_share_refused``: the wallet has another key. Nothing was signed.
    """
    told = read_bytes(begun.public_key, "public_key", count=WORD_BYTES)
    if public_key not in {None, told}:
        detail = f"expected the public key {hexed(public_key or b'')}, got {begun.public_key}"
        raise Forbidden(Code.SIGNATURE_SHARE_REFUSED, detail)
    try:
        theirs = Commitment.from_bytes(wire.read_commitment(begun))
        signing = open_round(told, (half.commitment, theirs), half.message)
        made = sign_share(signing, half.commitment.identifier, half.share, half.spend())
    except FrostError as error:
        raise Malformed(Code.MALFORMED_BODY, f"commitment: {error}") from None
    body = wire.FrostFinish(activity_id=begun.activity_id, signature_share=hexed(made))
    return Finish(body, signing.commitment, signing.whole)
