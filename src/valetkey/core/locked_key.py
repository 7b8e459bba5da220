"""Keys that users' clients made and locked: kept here, and given to who knows what unlocks them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from valetkey.core.errors import Code, Forbidden, Limited, Malformed
from valetkey.core.units import DAY_S
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import CurveError, recover_address

MAX_BLOB_CHARS: Final = 4096
PROOF_BYTES: Final = 32
MOST_WRONG: Final = 10  # in a day, after which nobody is let try until it is over
MOST_KEYS: Final = 16  # of one user
_ADDRESS_BYTES: Final = 20


class Lock(StrEnum):
    """What a key is locked under: what its user knows, or what the user's app keeps for them."""

    PASSWORD = "password"  # noqa: S105 - the name of a kind, not a password
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class LockedKey:
    """
    One key. ``id`` is `locked_key_id`.

    The client makes two secrets of what unlocks the key: one encrypts, and never leaves it; the
    other proves here that whoever asks knows it, before the blob is given to them.

    Args:
        address: Of the key, 20 bytes.
        sealed: Blob and fingerprint of the proof (`Content`), as the vault seals them: whoever
            steals the store has nothing to guess against.
        wrong: How often a wrong proof came since ``wrong_since``.
    """

    id: str
    organization_id: str
    user_id: str
    address: bytes
    lock: Lock
    sealed: bytes
    wrong: int = 0
    wrong_since: int = 0


def locked_key_id(organization_id: str, user_id: str, address: bytes) -> str:
    """Return what the key of a user is found by."""
    return f"{organization_id}/{user_id}/{address.hex()}"


def content(blob: str, proof: bytes) -> bytes:
    """
    Return what is sealed: the fingerprint of *proof*, and *blob*.

    Raises:
        Malformed: *blob* is empty or too long, or *proof* has not 32 bytes.
    """
    if not 1 <= len(blob) <= MAX_BLOB_CHARS or not blob.isascii():
        detail = f"blob: expected 1 to {MAX_BLOB_CHARS} ASCII characters, got {len(blob)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if len(proof) != PROOF_BYTES:
        detail = f"proof: expected {PROOF_BYTES} bytes, got {len(proof)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return hashlib.sha256(proof).digest() + blob.encode()


def opened(sealed_content: bytes, proof: bytes) -> str | None:
    """Return the blob if *proof* is the one that it was left with, else None."""
    mark, blob = sealed_content[:PROOF_BYTES], sealed_content[PROOF_BYTES:]
    if not hmac.compare_digest(hashlib.sha256(proof).digest(), mark):
        return None
    return blob.decode()


def tried(key: LockedKey, *, now: int) -> LockedKey:
    """
    Return *key* with one more try counted.

    Raises:
        Limited: ``pin_locked``: there were too many today.
    """
    if now >= key.wrong_since + DAY_S:
        key = replace(key, wrong=0, wrong_since=now)
    if key.wrong >= MOST_WRONG:
        ends_at = key.wrong_since + DAY_S
        detail = f"expected at most {MOST_WRONG} wrong tries in a day, got one more"
        raise Limited(Code.PIN_LOCKED, f"{detail}; wait until {ends_at}")
    return replace(key, wrong=key.wrong + 1)


def wrong() -> Forbidden:
    """Return how a proof is refused that is another one."""
    return Forbidden(Code.PIN_REFUSED, "expected the proof of who knows what unlocks the key")


def expect_of_key(address: bytes, text: str, signature: bytes) -> None:
    """
    Let pass who signed *text* (EIP-191) with the key of *address*: nobody else leaves a blob there.

    Raises:
        Malformed: Somebody else did, or nobody.
    """
    if len(address) != _ADDRESS_BYTES:
        raise Malformed(Code.MALFORMED_BODY, f"address: expected {_ADDRESS_BYTES} bytes")
    try:
        signer = recover_address(personal_digest(text.encode()), signature)
    except CurveError:
        signer = b""
    if signer != address:
        detail = "signature: expected one by the key itself over what is left here, got another"
        raise Malformed(Code.MALFORMED_BODY, detail)


def to_sign(user_id: str, lock: Lock, blob: str, proof: bytes) -> str:
    """Return what the key signs so that it is kept for a user as *blob*."""
    mark = hashlib.sha256(f"{blob}\n{proof.hex()}".encode()).hexdigest()
    return f"valetkey keeps this key for {user_id}, locked by {lock}: {mark}"
