"""The grant format: what a session key signs, by the type of the key."""

from __future__ import annotations

from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth_account.messages import encode_defunct

from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest

DIGEST: Final = bytes(range(32))
SECRET: Final = (7).to_bytes(32, "big")
ADDRESS: Final = address_of_key(SECRET)
P256: Final = ec.derive_private_key(7, ec.SECP256R1())
NUMBERS: Final = P256.public_key().public_numbers()
POINT: Final = NUMBERS.x.to_bytes(32, "big") + NUMBERS.y.to_bytes(32, "big")
HASHED: Final = SHA256()
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def es256(message: bytes, algorithm: SHA256 | Prehashed = HASHED) -> bytes:
    """Return r and s over *message*, as WebCrypto gives them."""
    r, s = decode_dss_signature(P256.sign(message, ec.ECDSA(algorithm)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def with_v(signature: bytes, v: int) -> bytes:
    """Return *signature* with another last byte."""
    return signature[:64] + bytes((v,))


def test_the_personal_form_is_that_of_wallets() -> None:
    """``personal_sign`` over a digest is reproduced."""
    message = encode_defunct(primitive=DIGEST)
    theirs = keccak256(b"\x19" + message.version + message.header + message.body)
    assert pb.personal_digest(DIGEST) == theirs


def test_a_signature_counts_for_the_key_that_made_it() -> None:
    """Over the digest, over its EIP-191 form with ``v`` + 4, or ES256 over the digest."""
    plain = sign_digest(DIGEST, SECRET)
    personal = sign_digest(pb.personal_digest(DIGEST), SECRET)
    assert pb.is_run_signed_by(ADDRESS, DIGEST, plain)
    assert pb.is_run_signed_by(ADDRESS, DIGEST, with_v(personal, personal[64] + 4))
    assert pb.is_run_signed_by(POINT, DIGEST, pb.es256_signature(es256(DIGEST)))


def test_es256_counts_in_both_halves() -> None:
    """The precompile takes both; the nonce of the run makes a second one worth nothing."""
    raw = es256(DIGEST)
    other = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    assert pb.is_run_signed_by(POINT, DIGEST, pb.es256_signature(other))


def refused() -> dict[str, tuple[bytes, bytes]]:
    """Return keys, each with a signature that does not count for it."""
    plain = sign_digest(DIGEST, SECRET)
    personal = sign_digest(pb.personal_digest(DIGEST), SECRET)
    p256 = pb.es256_signature(es256(DIGEST))
    off_curve = POINT[:32] + bytes(32)
    return {
        "of another digest": (ADDRESS, sign_digest(bytes(32), SECRET)),
        "of another key": (b"\x11" * 20, plain),
        "plain, said to be personal": (ADDRESS, with_v(plain, plain[64] + 4)),
        "personal, said to be plain": (ADDRESS, personal),
        "v of no form": (ADDRESS, with_v(plain, 29)),
        "v 0 of an address": (ADDRESS, with_v(plain, 0)),
        "short": (ADDRESS, plain[:64]),
        "long": (ADDRESS, plain + b"\x00"),
        "ES256 under an address": (ADDRESS, p256),
        "ES256 with a v": (POINT, with_v(p256, 27)),
        "ES256 of another digest": (POINT, pb.es256_signature(es256(bytes(32)))),
        "P-256 over the digest, not hashed again": (
            POINT,
            pb.es256_signature(es256(DIGEST, Prehashed(HASHED))),
        ),
        "secp256k1 under a P-256 key": (POINT, plain),
        "a key that is no point": (off_curve, p256),
        "ES256 of zeros": (POINT, bytes(65)),
    }


@pytest.mark.parametrize("why", sorted(refused()))
def test_no_other_signature_counts(why: str) -> None:
    """Neither another key's nor another form's."""
    key, signature = refused()[why]
    assert not pb.is_run_signed_by(key, DIGEST, signature)


def test_es256_has_64_bytes() -> None:
    """DER or an ``r || s || v`` would shift what the account reads."""
    with pytest.raises(pb.GrantFormatError, match="64"):
        pb.es256_signature(bytes(65))
