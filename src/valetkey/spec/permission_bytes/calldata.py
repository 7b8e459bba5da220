"""Calldata for every function of the account contract."""

from typing import Final

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.values import GrantFormatError, check_length, check_uint

__all__ = [
    "cap_of_calldata",
    "epoch_calldata",
    "freeze_calldata",
    "freeze_of_calldata",
    "freeze_signed_calldata",
    "raise_epoch_calldata",
    "register_calldata",
    "revoke_by_key_calldata",
    "revoke_calldata",
    "revoke_signed_calldata",
    "run_calldata",
    "state_of_calldata",
    "unfreeze_calldata",
    "unfreeze_signed_calldata",
]

_SIGNATURE_LENGTH: Final = 65
_WORD: Final = 32
_MAX_GRANT: Final = 0x7FFF
_RUN: Final = "applyRun()"  # a name whose selector is low: the contract compares it first


def run_calldata(
    grant: bytes,
    calls: bytes,
    signature: bytes,
    *,
    nonce: int,
    deadline: int,
    owner_signature: bytes | None = None,
) -> bytes:
    """
    Return the calldata of one run.

    Args:
        grant: As `pack_run` gives it: in its open form if its rules are in a tree.
        calls: As `pack_run` gives them.
        signature: 65 bytes by the session key over the run.
        nonce: As signed.
        deadline: As signed.
        owner_signature: 65 bytes over the grant, when this may be its first use.
    """
    check_length("signature", signature, _SIGNATURE_LENGTH)
    check_uint("nonce", nonce, 32)
    check_uint("deadline", deadline, 40)
    if owner_signature is not None:
        check_length("owner_signature", owner_signature, _SIGNATURE_LENGTH)
    if len(grant) > _MAX_GRANT:
        raise GrantFormatError(f"grant: expected at most {_MAX_GRANT} bytes, got {len(grant)}")
    head = len(grant) | (owner_signature is not None) << 15
    between = nonce.to_bytes(4, "big") + deadline.to_bytes(5, "big")
    start = _selector(_RUN) + head.to_bytes(2, "big") + grant
    return start + between + calls + signature + (owner_signature or b"")


def register_calldata(grant: bytes, owner_signature: bytes) -> bytes:
    """Return the calldata that puts *grant* on chain without using it."""
    return _selector("register(bytes,bytes)") + _two_bytes(grant, owner_signature)


def revoke_calldata(grant_id: bytes) -> bytes:
    """Return the calldata with which the account itself ends the grant."""
    return _selector("revoke(bytes32)") + _id(grant_id)


def revoke_signed_calldata(grant_id: bytes, signature: bytes) -> bytes:
    """Return the calldata with which anyone submits the owner's revocation."""
    return _selector("revokeSigned(bytes32,bytes)") + _id_and_bytes(grant_id, signature)


def revoke_by_key_calldata(grant: bytes, signature: bytes) -> bytes:
    """
    Return the calldata with which anyone submits a revocation by the session key or its relayer.

    Args:
        grant: The bytes, not the id: the id alone does not say who they are.
        signature: 65 bytes over `revoke_typed_data`, of the session key in any form that a run
            takes, or of the relayer that the grant binds.
    """
    return _selector("revokeByKey(bytes,bytes)") + _two_bytes(grant, signature)


def freeze_calldata(grant_id: bytes) -> bytes:
    """Return the calldata with which the account itself freezes the grant."""
    return _selector("freeze(bytes32)") + _id(grant_id)


def freeze_signed_calldata(grant_id: bytes, signature: bytes) -> bytes:
    """Return the calldata with which anyone submits the owner's freeze."""
    return _selector("freezeSigned(bytes32,bytes)") + _id_and_bytes(grant_id, signature)


def unfreeze_calldata(grant_id: bytes) -> bytes:
    """Return the calldata with which the account itself unfreezes the grant."""
    return _selector("unfreeze(bytes32)") + _id(grant_id)


def unfreeze_signed_calldata(grant_id: bytes, signature: bytes) -> bytes:
    """Return the calldata with which anyone submits the owner's unfreeze."""
    return _selector("unfreezeSigned(bytes32,bytes)") + _id_and_bytes(grant_id, signature)


def raise_epoch_calldata() -> bytes:
    """Return the calldata with which the account voids all that is signed but never enabled."""
    return _selector("raiseEpoch()")


def state_of_calldata(grant_id: bytes) -> bytes:
    """Return the calldata that reads the state slot."""
    return _selector("stateOf(bytes32)") + _id(grant_id)


def cap_of_calldata(grant_id: bytes, cap: int) -> bytes:
    """Return the calldata that reads the slot of cap *cap* (1 to 7)."""
    check_uint("cap", cap, 8)
    return _selector("capOf(bytes32,uint8)") + _id(grant_id) + cap.to_bytes(_WORD, "big")


def freeze_of_calldata(grant_id: bytes) -> bytes:
    """Return the calldata that reads the freeze slot."""
    return _selector("freezeOf(bytes32)") + _id(grant_id)


def epoch_calldata() -> bytes:
    """Return the calldata that reads the account's epoch."""
    return _selector("epoch()")


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def _id(grant_id: bytes) -> bytes:
    check_length("grant id", grant_id, _WORD)
    return grant_id


def _id_and_bytes(grant_id: bytes, signature: bytes) -> bytes:
    check_length("signature", signature, _SIGNATURE_LENGTH)
    return _id(grant_id) + (2 * _WORD).to_bytes(_WORD, "big") + _tail(signature)


def _two_bytes(first: bytes, signature: bytes) -> bytes:
    check_length("signature", signature, _SIGNATURE_LENGTH)
    tail = _tail(first)
    return (
        (2 * _WORD).to_bytes(_WORD, "big")
        + (2 * _WORD + len(tail)).to_bytes(_WORD, "big")
        + tail
        + _tail(signature)
    )


def _tail(data: bytes) -> bytes:
    return len(data).to_bytes(_WORD, "big") + data + bytes(-len(data) % _WORD)
