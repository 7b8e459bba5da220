"""
FROST(Ed25519, SHA-512): a signature by two or more shares of a key that nobody joins.

RFC 9591. Each signer draws two nonces and tells their commitments; once all commitments and the
message are known, each computes its signature share; their sum is an ordinary Ed25519 signature.
Shares are points of a polynomial over the order of the group that is the key at 0 (appendix C), so
Shamir's shares of any place but 0 are shares here, with the place as the identifier.

A pair of nonces is for one signature share: two with the same pair give the share of the key away.

Scalars and points are libsodium's, 32 bytes each, scalars little-endian.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_scalar_add,
    crypto_core_ed25519_scalar_invert,
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_core_ed25519_scalar_sub,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)

from valetkey.spec.rfc9591_commit import (
    WORD_BYTES,
    FrostError,
    check_scalar,
    commit,
    hash_named,
    hash_to_scalar,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from valetkey.spec.rfc9591_commit import Commitment, Nonces

__all__ = [
    "Round",
    "aggregate",
    "is_share_of",
    "open_round",
    "sign_share",
    "verifying_share_at",
    "verifying_share_of",
]

_ONE: Final = (1).to_bytes(WORD_BYTES, "little")


@dataclass(frozen=True, slots=True)
class Round:
    """
    What all signers of one message share, from `open_round`.

    Args:
        commitment: The first half of the signature (``group_commitment``).
        challenge: A scalar.
        whole: The point that the second half of the signature times the base is.
    """

    commitment: bytes
    challenge: bytes
    whole: bytes
    _factors: Mapping[bytes, bytes]
    _commitments: Mapping[bytes, Commitment]

    def factor_of(self, identifier: bytes) -> bytes:
        """
        Return the binding factor of a signer.

        Raises:
            FrostError: It is none of this round.
        """
        factor = self._factors.get(identifier)
        if factor is None:
            raise FrostError("expected a signer of this round, got another")
        return factor

    def weight_of(self, identifier: bytes) -> bytes:
        """Return what a signer's share is multiplied with: its coefficient times the challenge."""
        above, below = _ONE, _ONE
        for other in self._commitments:
            if other != identifier:
                above = crypto_core_ed25519_scalar_mul(above, other)
                apart = crypto_core_ed25519_scalar_sub(other, identifier)
                below = crypto_core_ed25519_scalar_mul(below, apart)
        coefficient = crypto_core_ed25519_scalar_mul(
            above, crypto_core_ed25519_scalar_invert(below)
        )
        return crypto_core_ed25519_scalar_mul(coefficient, self.challenge)

    def due_from(self, identifier: bytes, verifying_share: bytes) -> bytes:
        """
        Return the point that the signature share of a signer times the base has to be.

        Args:
            verifying_share: `verifying_share_of` its share.

        Raises:
            FrostError: It is none of this round.

        Spec:
            RFC 9591 section 5.4, ``verify_signature_share``: the right side of the last equation.
        """
        factor = self.factor_of(identifier)
        told = self._commitments[identifier]
        mine = _plus(told.hiding, _times(factor, told.binding))
        return _plus(mine, _times(self.weight_of(identifier), verifying_share))


def open_round(public_key: bytes, commitments: Sequence[Commitment], message: bytes) -> Round:
    """
    Return what follows from all commitments and the message.

    Args:
        public_key: Of the key that the shares are of.
        commitments: Of all who sign, in any order.

    Raises:
        FrostError: Less than two sign, two are the same, or the key is no point of the group.

    Spec:
        RFC 9591 sections 4.3 to 4.6.
    """
    told = {one.identifier: one for one in sorted(commitments, key=_place)}
    if len(told) != len(commitments) or len(told) < 2:  # noqa: PLR2004 - a threshold of two
        raise FrostError("expected two or more signers, each at a place of its own")
    if not crypto_core_ed25519_is_valid_point(public_key):
        raise FrostError("expected a public key that is a point of the group, got none")
    listed = b"".join(one.to_bytes() for one in told.values())
    prefix = public_key + hash_named(b"msg", message) + hash_named(b"com", listed)
    factors = {one: hash_to_scalar(b"rho", prefix + one) for one in told}
    commitment = reduce(
        _plus, (_plus(one.hiding, _times(factors[at], one.binding)) for at, one in told.items())
    )
    challenge = crypto_core_ed25519_scalar_reduce(
        hashlib.sha512(commitment + public_key + message).digest()
    )
    whole = _plus(commitment, _times(challenge, public_key))
    return Round(commitment, challenge, whole, factors, told)


def sign_share(signing: Round, identifier: bytes, share: bytes, nonces: Nonces) -> bytes:
    """
    Return the signature share of one signer, 32 bytes; *nonces* are to be forgotten with it.

    Raises:
        FrostError: It is none of this round, its share is no scalar, or the nonces are not those
            that it told of.

    Spec:
        RFC 9591 section 5.2, ``sign``.
    """
    check_scalar(share)
    factor = signing.factor_of(identifier)
    if signing._commitments[identifier] != commit(identifier, nonces):  # noqa: SLF001 - its own
        raise FrostError("expected the nonces that were committed to, got others")
    bound = crypto_core_ed25519_scalar_mul(nonces.binding, factor)
    mine = crypto_core_ed25519_scalar_mul(signing.weight_of(identifier), share)
    nonce = crypto_core_ed25519_scalar_add(nonces.hiding, bound)
    return crypto_core_ed25519_scalar_add(nonce, mine)


def is_share_of(due: bytes, signature_share: bytes) -> bool:
    """Say whether *signature_share* is the one that is *due* (`Round.due_from`, `Round.whole`)."""
    try:
        check_scalar(signature_share)
    except FrostError:
        return False
    return hmac.compare_digest(crypto_scalarmult_ed25519_base_noclamp(signature_share), due)


def aggregate(commitment: bytes, signature_shares: Iterable[bytes]) -> bytes:
    """
    Return the signature, 64 bytes, of shares that each were seen to be right (`is_share_of`).

    Args:
        commitment: `Round.commitment`.

    Spec:
        RFC 9591 section 5.3, ``aggregate``.
    """
    return commitment + reduce(crypto_core_ed25519_scalar_add, signature_shares)


def verifying_share_of(share: bytes) -> bytes:
    """
    Return the point that belongs to a share of the key, or to the key.

    Raises:
        FrostError: *share* is no scalar.
    """
    check_scalar(share)
    return crypto_scalarmult_ed25519_base_noclamp(share)


def verifying_share_at(public_key: bytes, known: tuple[bytes, bytes], identifier: bytes) -> bytes:
    """
    Return the verifying share at *identifier*, of two-of-n shares, without knowing the share.

    Args:
        known: Identifier and verifying share of another signer.

    Raises:
        FrostError: *identifier* is none, or that of the other signer.
    """
    at, verifying_share = known
    check_scalar(identifier)
    if identifier == at:
        raise FrostError("expected shares at two places, got two at one")
    slope = crypto_core_ed25519_scalar_mul(identifier, crypto_core_ed25519_scalar_invert(at))
    return _plus(public_key, _times(slope, crypto_core_ed25519_sub(verifying_share, public_key)))


def _place(commitment: Commitment) -> int:
    return int.from_bytes(commitment.identifier, "little")


def _plus(first: bytes, second: bytes) -> bytes:
    return crypto_core_ed25519_add(first, second)


def _times(scalar: bytes, point: bytes) -> bytes:
    return crypto_scalarmult_ed25519_noclamp(scalar, point)
