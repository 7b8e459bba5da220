"""Signatures of two shares that are not joined: what a client brings to a round, and who may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.activity import ActivityState
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.wallet import Curve
from valetkey.spec.rfc9591_commit import WORD_BYTES, Commitment, FrostError

if TYPE_CHECKING:
    from valetkey.core.activity import Activity
    from valetkey.core.custody import FrostRound, SplitKey

__all__ = ["check_commitment", "check_signature_share", "round_of", "spent"]


def check_commitment(key: SplitKey, commitment: bytes) -> None:
    """
    Let pass the commitment of a client's share of *key*.

    Raises:
        Malformed: It is none, or the key is not one of Ed25519.
    """
    if key.public_key.curve is not Curve.ED25519:
        detail = f"expected a wallet of ed25519, got one of {key.public_key.curve}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    try:
        Commitment.from_bytes(commitment)
    except FrostError as error:
        raise Malformed(Code.MALFORMED_BODY, f"commitment: {error}") from None


def check_signature_share(data: bytes) -> None:
    """
    Let pass what may be a signature share.

    Raises:
        Malformed: It has another length.
    """
    if len(data) != WORD_BYTES:
        detail = f"signature_share: expected {WORD_BYTES} bytes, got {len(data)}"
        raise Malformed(Code.MALFORMED_BODY, detail)


def round_of(activity: Activity) -> FrostRound | None:
    """
    Return what waits for the client's signature share, or None if nothing was made yet.

    Raises:
        Conflict: ``nonce_spent``: it was taken, or the activity has ended.
    """
    waits = activity.frost is None or activity.frost.sealed
    if activity.state is not ActivityState.AWAITING or not waits:
        raise spent()
    return activity.frost


def spent() -> Conflict:
    """Return the error for a round whose nonces were used, or are gone."""
    detail = "expected a round that nobody has finished, got one that is over; begin another"
    return Conflict(Code.NONCE_SPENT, detail)
