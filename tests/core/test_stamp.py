"""Signed requests: what a stamp has to cover, how old it may be, and whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.signing import SigningKey

from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.stamp import Stamp, check_stamp, is_stamped_by
from valetkey.core.wallet import Curve, PublicKey

NOW = 1_700_000_000
BASE = b'"@method": POST'
P256 = ec.derive_private_key(7, ec.SECP256R1())
P256_KEY = PublicKey(
    Curve.P256, P256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
)
ED25519 = SigningKey(bytes(32))
ED25519_KEY = PublicKey(Curve.ED25519, bytes(ED25519.verify_key))
STAMP = Stamp(
    key_id="ses_1",
    algorithm=None,
    components=frozenset({"@method", "@target-uri", "content-digest"}),
    created=NOW,
    nonce="n" * 16,
    base=BASE,
    signature=b"",
    has_body=True,
)


def refused(stamp: Stamp) -> Code | None:
    """Return the code that *stamp* is refused with, or None."""
    try:
        assert check_stamp(stamp, now=NOW) == stamp.nonce
    except Unauthenticated as error:
        return error.code
    return None


COVERED = [
    ({"@method", "@target-uri", "content-digest"}, True, True),
    ({"@method", "@path", "@query", "content-digest"}, True, True),
    ({"@method", "@target-uri"}, False, True),
    ({"@method", "@target-uri"}, True, False),
    ({"@method", "@path"}, False, False),
    ({"@method", "@query"}, False, False),
    ({"@target-uri", "content-digest"}, True, False),
    ({"content-digest"}, True, False),
    (set(), False, False),
]


@pytest.mark.parametrize(("components", "has_body", "enough"), COVERED)
def test_method_target_and_body_are_covered(
    components: set[str], *, has_body: bool, enough: bool
) -> None:
    """A signature that leaves one of them open could be moved to another request."""
    stamp = replace(STAMP, components=frozenset(components), has_body=has_body)
    assert refused(stamp) is (None if enough else Code.PROOF_REFUSED)


@pytest.mark.parametrize(
    ("created", "fresh"),
    [
        (NOW, True),
        (NOW - 60, True),
        (NOW + 60, True),
        (NOW - 61, False),
        (NOW + 61, False),
        (None, False),
    ],
)
def test_the_clock_bound_is_sixty_seconds_either_way(created: int | None, *, fresh: bool) -> None:
    """Exactly: the sixtieth second is accepted, the next is not."""
    assert refused(replace(STAMP, created=created)) is (None if fresh else Code.PROOF_TOO_OLD)


@pytest.mark.parametrize(
    ("length", "good"), [(0, False), (15, False), (16, True), (128, True), (129, False)]
)
def test_a_nonce_has_16_to_128_characters(length: int, *, good: bool) -> None:
    """Shorter ones meet by chance; longer ones fill the store."""
    assert refused(replace(STAMP, nonce="n" * length)) is (None if good else Code.PROOF_REFUSED)


def test_a_stamp_without_a_nonce_is_refused() -> None:
    """It could be sent again."""
    assert refused(replace(STAMP, nonce=None)) is Code.PROOF_REFUSED


def test_the_first_of_three_checks_answers() -> None:
    """Coverage, then time, then the nonce."""
    wrong = replace(STAMP, components=frozenset(), created=None, nonce=None)
    assert refused(wrong) is Code.PROOF_REFUSED
    assert refused(replace(wrong, components=STAMP.components)) is Code.PROOF_TOO_OLD


def p256_signature(message: bytes) -> bytes:
    """Return r and s by the P-256 key."""
    r, s = decode_dss_signature(P256.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def test_a_stamp_is_by_the_key_that_made_it_over_these_bytes() -> None:
    """Another key, another message, another algorithm's name: not this stamp."""
    by_p256 = replace(STAMP, signature=p256_signature(BASE))
    by_ed25519 = replace(STAMP, signature=ED25519.sign(BASE).signature)
    assert is_stamped_by(by_p256, P256_KEY)
    assert is_stamped_by(by_ed25519, ED25519_KEY)
    assert is_stamped_by(replace(by_p256, algorithm="ecdsa-p256-sha256"), P256_KEY)
    assert is_stamped_by(replace(by_ed25519, algorithm="ed25519"), ED25519_KEY)
    assert not is_stamped_by(replace(by_p256, algorithm="ed25519"), P256_KEY)
    assert not is_stamped_by(replace(by_p256, algorithm="none"), P256_KEY)
    assert not is_stamped_by(by_p256, ED25519_KEY)
    assert not is_stamped_by(by_ed25519, P256_KEY)
    assert not is_stamped_by(replace(by_p256, base=BASE + b"\n"), P256_KEY)
    assert not is_stamped_by(replace(by_p256, signature=b""), P256_KEY)
