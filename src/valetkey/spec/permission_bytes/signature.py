"""What a session key signs for a run, by the type of the key, and whether it did."""

from typing import Final, NamedTuple

from valetkey.spec.keccak import keccak256
from valetkey.spec.keys import PublicKeyError, canonical_public_key, verify
from valetkey.spec.permission_bytes.values import check_length
from valetkey.spec.secp256k1 import CurveError, recover_address

__all__ = ["es256_signature", "is_run_signed_by", "personal_digest"]

_SIGNATURE: Final = 65
_P256_KEY: Final = 64
_UNCOMPRESSED: Final = b"\x04"  # SEC 1, 2.3.3
_V_ES256: Final = 0
_V_PERSONAL: Final = 4
_V_PERSONAL_FROM: Final = 31


def personal_digest(message: bytes) -> bytes:
    """
    Return what a wallet signs for ``personal_sign`` over *message*, here a digest of 32 bytes.

    Spec:
        EIP-191, version ``0x45``.
    """
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode() + message)


def es256_signature(signature: bytes) -> bytes:
    """
    Return *signature* of a P-256 key as a run carries it.

    Args:
        signature: 64 bytes, r and s, over the SHA-256 of the digest: what ES256 and WebCrypto give
            for the digest as the message.
    """
    check_length("signature", signature, _SIGNATURE - 1)
    return signature + bytes((_V_ES256,))


def is_run_signed_by(key: bytes, digest: bytes, signature: bytes) -> bool:
    """
    Say whether *signature* over *digest* is one that the account takes from *key*.

    Args:
        key: As in the grant: 20 bytes of an address, or 64 of a P-256 key.
        digest: The 32 bytes of `run_digest`.
        signature: 65 bytes; ``v`` 27 or 28 over the digest, 31 or 32 over its EIP-191 form, 0 for
            P-256.
    """
    if len(signature) != _SIGNATURE:
        return False
    if len(key) == _P256_KEY:
        return signature[-1] == _V_ES256 and _is_es256(key, digest, signature[:-1])
    if signature[-1] >= _V_PERSONAL_FROM:
        digest = personal_digest(digest)
        signature = signature[:-1] + bytes((signature[-1] - _V_PERSONAL,))
    try:
        return recover_address(digest, signature) == key
    except CurveError:
        return False


class _P256Key(NamedTuple):
    curve: str
    data: bytes


def _is_es256(key: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        point = canonical_public_key("p256", _UNCOMPRESSED + key)  # refuses what is on no curve
        return verify(_P256Key("p256", point), digest, signature)
    except PublicKeyError:
        return False
