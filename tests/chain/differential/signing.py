"""What stands where the session key's signature belongs, for every way to get that wrong."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from tests.chain.differential.case import (
    CHAIN_ID,
    SESSION_SECRET,
    STRANGER_SECRET,
    KeySignature,
)
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from tests.chain.differential.case import Case

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_P256: Final = ec.derive_private_key(int.from_bytes(SESSION_SECRET) >> 1, ec.SECP256R1())
_P256_STRANGER: Final = ec.derive_private_key(int.from_bytes(STRANGER_SECRET) >> 1, ec.SECP256R1())
_POINT: Final = _P256.public_key().public_numbers()
P256_KEY: Final = _POINT.x.to_bytes(32) + _POINT.y.to_bytes(32)


def key_signature(case: Case, grant_hash: bytes, calls: bytes) -> bytes:
    """Return the 65 bytes behind the calls."""
    kind = case.key_signature
    signed = pb.run_digest(
        bytes(32) if kind is KeySignature.OTHER_GRANT else grant_hash,
        calls + b"\0" if kind is KeySignature.OTHER_CALLS else calls,
        nonce=case.nonce ^ (kind is KeySignature.OTHER_NONCE),
        deadline=case.deadline ^ (kind is KeySignature.OTHER_DEADLINE),
        chain_id=CHAIN_ID + (kind is KeySignature.OTHER_CHAIN),
        account=case.sender if kind is KeySignature.OTHER_ACCOUNT else case.account,
    )
    return signature_of(case, signed)


def signature_of(case: Case, signed: bytes) -> bytes:
    """Return the 65 bytes for the digest *signed*, as the case bends them."""
    kind = case.key_signature
    if kind is KeySignature.ZEROS:
        return bytes(65)
    if kind in (KeySignature.PERSONAL, KeySignature.UNTOLD_PERSONAL):
        signed = pb.personal_digest(signed)
    is_stranger = kind is KeySignature.OTHER_KEY
    if case.is_p256:
        return _es256(_P256_STRANGER if is_stranger else _P256, signed) + _p256_v(kind)
    return _bent(sign_digest(signed, STRANGER_SECRET if is_stranger else SESSION_SECRET), kind)


def _es256(key: ec.EllipticCurvePrivateKey, signed: bytes) -> bytes:
    digest = sha256(signed).digest()
    r, s = utils.decode_dss_signature(key.sign(digest, ec.ECDSA(utils.Prehashed(SHA256()))))
    return r.to_bytes(32) + s.to_bytes(32)


def _p256_v(kind: KeySignature) -> bytes:
    # A P-256 signature has no v: it stands at 0, whatever is wrong with the rest.
    bent = {KeySignature.TOLD_PLAIN: 31, KeySignature.OTHER_V: 27, KeySignature.ODD_V: 1}
    return bytes((bent.get(kind, 0),))


def _bent(signature: bytes, kind: KeySignature) -> bytes:
    v = signature[64]
    if kind is KeySignature.HIGH_S:
        return high_s(signature)
    if kind in (KeySignature.PERSONAL, KeySignature.TOLD_PLAIN):
        v += 4
    elif kind is KeySignature.OTHER_V:
        v = 27 + 28 - v
    elif kind is KeySignature.ODD_V:
        v = (0, 1, 26, 29, 30, 33, 34, 255)[signature[63] % 8]
    return signature[:64] + bytes((v,))


def high_s(signature: bytes) -> bytes:
    """Return the other signature that the curve knows for the same digest and key."""
    s = _ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes((27 + 28 - signature[64],))
