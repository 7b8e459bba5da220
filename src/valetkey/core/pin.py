"""PINs: a blob that the server only stores, and the factor without which nobody can guess."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

FACTOR_BYTES: Final = 32
PROOF_BYTES: Final = 32
MAX_BLOB_CHARS: Final = 4096
MAX_TRIES: Final = 20
USUAL_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class PinBlob:
    """
    What is under a user's PIN, as the user's client has encrypted it.

    The key is made of the PIN and of a factor that the server keeps, and gives out only so many
    times in a row: whoever steals the blob, or this record, has nothing to guess against.

    Args:
        id: The wallet's.
        sealed_factor: 32 bytes, as the vault seals it for `factor_context`.
        coming_factor: One that was given out for a new blob, until that is brought.
        blob: Empty before the first one.
        proof_hash: SHA-256 of what only who opened the blob knows.
        tries: How often the factor is given out in a row.
        tries_left: How often still.
        begun_by: The activity that gave *coming_factor* out, or did the last time there was one.
        set_by: The activity that brought the blob.
    """

    id: str
    organization_id: str
    sealed_factor: bytes | None
    coming_factor: bytes | None
    blob: str
    proof_hash: bytes
    tries: int
    tries_left: int
    begun_by: str = ""
    set_by: str = ""


def factor_context(organization_id: str, wallet_id: str) -> str:
    """Return what a factor is sealed for."""
    return f"{organization_id}/pin-factor/{wallet_id}"


def is_opened_by(pin: PinBlob, proof: bytes) -> bool:
    """Say whether *proof* is of somebody who has opened the blob."""
    return hmac.compare_digest(hashlib.sha256(proof).digest(), pin.proof_hash)
