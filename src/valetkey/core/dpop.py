"""What a token that is bound to a key must bring with it (DPoP, RFC 9449)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.stamp import CLOCK_BOUND_S, MAX_NONCE_CHARS, MIN_NONCE_CHARS
from valetkey.spec.jcs import canonical_json
from valetkey.spec.jwt import b64u
from valetkey.spec.rfc9449 import is_signed_by, token_hash

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey
    from valetkey.spec.rfc9449 import DpopProof

NONCE_S: Final = 60  # a nonce is good for its minute and the next


@dataclass(frozen=True, slots=True)
class Dpop:
    """
    A token and its proof, whose signature was not looked at.

    Args:
        is_of_request: Whether the proof names the method and the target of the request.
    """

    token: str = field(repr=False)
    proof: DpopProof
    is_of_request: bool


def check_dpop(dpop: Dpop, *, nonces: tuple[str, ...], now: int) -> None:
    """
    Let a proof pass that is for this request and this token, and fresh.

    1. it names method and target; 2. it was made within 60 s of now, either way; 3. its id is of 16
    to 128 characters; 4. it is for this token; 5. it has one of *nonces*.

    Args:
        nonces: Those that are good now, the newest first.

    Raises:
        Unauthenticated: The first of the five that fails; without a nonce of ours
            ``proof_nonce_needed``, which names the newest.

    Spec:
        RFC 9449, section 4.3, steps 8 to 12 but for the key: see `is_bound_to`.
    """
    proof = dpop.proof
    if not dpop.is_of_request:  # 1
        detail = "expected htm and htu of this request, htu without query, got others"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    if abs(now - proof.issued_at) > CLOCK_BOUND_S:  # 2
        detail = f"expected iat within {CLOCK_BOUND_S} s of {now}, got {str(proof.issued_at)[:20]}"
        raise Unauthenticated(Code.PROOF_TOO_OLD, detail)
    if not MIN_NONCE_CHARS <= len(proof.proof_id) <= MAX_NONCE_CHARS:  # 3
        detail = f"expected a jti of {MIN_NONCE_CHARS} to {MAX_NONCE_CHARS} characters"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    if not hmac.compare_digest(proof.token_hash or "", token_hash(dpop.token)):  # 4
        raise Unauthenticated(Code.PROOF_REFUSED, "expected ath to be of this token")
    if proof.nonce not in nonces:  # 5
        detail = "expected the nonce of DPoP-Nonce in the proof; take it from this answer"
        raise Unauthenticated(Code.PROOF_NONCE_NEEDED, detail, dpop_nonce=nonces[0])


def is_bound_to(dpop: Dpop, key: PublicKey) -> bool:
    """Say whether the proof is signed by *key*, to which the token is bound."""
    return is_signed_by(dpop.proof, key)


def nonce_slot(*, now: int) -> int:
    """Return which minute it is: each has a nonce of its own."""
    return now // NONCE_S


def nonce_message(slot: int) -> bytes:
    """Return what the server signs to know the nonce of *slot*."""
    return canonical_json({"purpose": "valetkey dpop nonce", "slot": slot})


def nonce_of(signature: bytes) -> str:
    """
    Return the nonce that comes of the server's *signature*, which is the same each time.

    Nobody foresees it without the key, and every process of the server finds the same.
    """
    return b64u(hashlib.sha256(signature).digest())
