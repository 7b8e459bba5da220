"""How a session key signs a run in each form, and signatures that do not count."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tools.grant_vectors.samples import OWNER_SECRET, P256_SECRET, SESSION_SECRET
from valetkey.spec.permission_bytes import es256_signature, personal_digest
from valetkey.spec.secp256k1 import sign_digest

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HASHED: Final = SHA256()


def signed(form: str, digest: bytes) -> bytes:
    """Return the signature of the session key over *digest*: always the same (RFC 6979)."""
    if form == "ES256":
        return es256_signature(_es256(digest))
    if form == "EIP-191":
        return _with_v(sign_digest(personal_digest(digest), SESSION_SECRET), more=4)
    return sign_digest(digest, SESSION_SECRET)


def refused(digest: bytes) -> dict[str, bytes]:
    """Return what does not count for the secp256k1 session key, by what is wrong with it."""
    plain = sign_digest(digest, SESSION_SECRET)
    personal = sign_digest(personal_digest(digest), SESSION_SECRET)
    upper = (_ORDER - int.from_bytes(plain[32:64], "big")).to_bytes(32, "big")
    return {
        "by another key": sign_digest(digest, OWNER_SECRET),
        "over another digest": sign_digest(digest[::-1], SESSION_SECRET),
        "s in the upper half": plain[:32] + upper + bytes((27 + 28 - plain[64],)),
        "the other v": plain[:64] + bytes((27 + 28 - plain[64],)),
        "v as 0 or 1": _with_v(plain, more=-27),
        "v as 29 or 30": _with_v(plain, more=2),
        "over the digest, with the v of EIP-191": _with_v(plain, more=4),
        "over the EIP-191 form, with the v of the digest": personal,
        "over the EIP-191 form, v higher by 8": _with_v(personal, more=8),
        "r of zero": bytes(32) + plain[32:],
        "s of zero": plain[:32] + bytes(32) + plain[64:],
        "zeros": bytes(65),
        "ES256 under an address": es256_signature(_es256(digest)),
    }


def refused_es256(digest: bytes) -> dict[str, bytes]:
    """Return what does not count for the P-256 session key, by what is wrong with it."""
    good = _es256(digest)
    return {
        "P-256, over another digest": es256_signature(_es256(digest[::-1])),
        "P-256, over the digest without hashing it again": es256_signature(
            _es256(digest, Prehashed(_HASHED))
        ),
        "P-256, v 27": good + bytes((27,)),
        "P-256, v 1": good + bytes((1,)),
        "P-256, r above the order": es256_signature(b"\xff" * 32 + good[32:]),
        "P-256, zeros": bytes(65),
        "secp256k1 under a P-256 key": sign_digest(digest, SESSION_SECRET),
    }


def _es256(digest: bytes, algorithm: SHA256 | Prehashed = _HASHED) -> bytes:
    key = ec.derive_private_key(P256_SECRET, ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(digest, ec.ECDSA(algorithm, deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _with_v(signature: bytes, *, more: int) -> bytes:
    return signature[:64] + bytes((signature[64] + more,))
