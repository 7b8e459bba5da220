"""
The server's half of a signature by FROST: nonces are drawn, used once, and forgotten in one step.

The client commits first, so that all of a round is known when the nonces are drawn. What has to
wait for the client is no nonce but the signature share made with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Unavailable
from valetkey.core.secret_bytes import SecretBytes
from valetkey.spec.rfc9591 import (
    aggregate,
    is_share_of,
    open_round,
    sign_share,
    verifying_share_at,
    verifying_share_of,
)
from valetkey.spec.rfc9591_commit import (
    WORD_BYTES,
    Commitment,
    FrostError,
    commit,
    draw_nonces,
    scalar_of,
)

if TYPE_CHECKING:
    from valetkey.core.custody import Order
    from valetkey.spec.shamir import Point

__all__ = ["Half", "add_up", "half_sign"]

_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Half:
    """
    The server's half.

    Args:
        commitment: To be told to the client.
        kept: For `add_up`: four words, no nonce among them.
    """

    commitment: bytes
    kept: SecretBytes


def half_sign(
    public_key: bytes, ours: Point, order: Order, randomness: tuple[bytes, bytes]
) -> Half:
    """
    Return the server's half of the signature of the message of *order*.

    Args:
        ours: The server's share.
        randomness: Twice 32 bytes, as `draw_nonces` takes them.

    Raises:
        Forbidden: ``share_refused``: the client's commitment is none, or of the server's place.
        Unavailable: ``signer_unavailable``: the half is not good; the machine may be faulty.
    """
    try:
        theirs = Commitment.from_bytes(order.commitment)
        place, share = scalar_of(ours.x), scalar_of(ours.y)
        own = verifying_share_of(share)
        other = verifying_share_at(public_key, (place, own), theirs.identifier)
    except FrostError as error:
        raise Forbidden(Code.SHARE_REFUSED, str(error)) from None
    nonces = draw_nonces(share, randomness)
    told = commit(place, nonces)
    signing = open_round(public_key, (told, theirs), order.message)
    made = sign_share(signing, place, share, nonces)
    if not is_share_of(signing.due_from(place, own), made):
        raise _faulty()
    due = signing.due_from(theirs.identifier, other)
    kept = SecretBytes(signing.commitment + signing.whole + due + made)
    return Half(told.to_bytes(), kept)


def add_up(kept: SecretBytes, signature_share: bytes) -> bytes:
    """
    Return the signature.

    Args:
        kept: `Half.kept`.
        signature_share: The client's.

    Raises:
        Forbidden: ``signature_share_refused``: it is not that of the client's share, for this
            message and these commitments. Nothing was added to it.
        Unavailable: ``signer_unavailable``: the sum is not good; the machine may be faulty.
    """
    words = kept.reveal()
    commitment, whole, due, ours = (
        words[at * WORD_BYTES : (at + 1) * WORD_BYTES] for at in range(_WORDS)
    )
    if not is_share_of(due, signature_share):
        detail = "expected the signature share of the client's share in this round, got another"
        raise Forbidden(Code.SIGNATURE_SHARE_REFUSED, detail)
    signature = aggregate(commitment, (ours, signature_share))
    if not is_share_of(whole, signature[WORD_BYTES:]):
        raise _faulty()
    return signature


def _faulty() -> Unavailable:
    detail = "expected a signature that verifies, got another; the machine may be faulty"
    return Unavailable(Code.SIGNER_UNAVAILABLE, detail)
