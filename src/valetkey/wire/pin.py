"""PINs of wallets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from valetkey.core.pin import MAX_BLOB_CHARS, MAX_TRIES, USUAL_TRIES
from valetkey.wire.base import Asked, Integer, Told, Word

if TYPE_CHECKING:
    from valetkey.core import pin as core


class PinFactor(Told, frozen=True, kw_only=True):
    """What a new blob is encrypted under, beside the PIN. Keep it no longer than that takes."""

    factor: Word


class SetPin(Asked, frozen=True, kw_only=True):
    """A blob that was encrypted under a PIN and the factor; nobody here reads it."""

    blob: Annotated[str, Meta(min_length=1, max_length=MAX_BLOB_CHARS)]
    proof_hash: Word
    tries: Annotated[int, Meta(ge=1, le=MAX_TRIES)] = USUAL_TRIES


class Pin(Told, frozen=True, kw_only=True):
    """How often the factor is still given out."""

    wallet_id: str
    tries: Integer
    tries_left: Integer


class TriedPin(Told, frozen=True, kw_only=True):
    """One try, counted: the blob and the factor."""

    pin: Pin
    blob: str
    factor: Word


class OpenedPin(Asked, frozen=True, kw_only=True):
    """What only who opened the blob knows."""

    proof: Word


def write_pin(pin: core.PinBlob) -> Pin:
    """Return *pin* as it is answered."""
    return Pin(wallet_id=pin.id, tries=pin.tries, tries_left=pin.tries_left)
