"""A secret under a PIN and a factor: neither opens it without the other."""

from __future__ import annotations

import pytest

from valetkey.spec.password_seal import Cost, PasswordError, SealError
from valetkey.spec.pin_seal import seal, unseal

CHEAP = Cost(19_456, 2)
FACTOR, SALT, NONCE = b"\x01" * 32, bytes(range(16)), bytes(range(12))
SEALED = seal(
    b"a share", "4829", factor=FACTOR, wallet_id="wal_1", salt=SALT, nonce=NONCE, cost=CHEAP
)


def test_pin_and_factor_open_it_together() -> None:
    """And give the proof of it, which the one who sealed has, too."""
    opened = unseal(SEALED.text, "4829", factor=FACTOR, wallet_id="wal_1")
    assert (opened.secret, opened.proof) == (b"a share", SEALED.proof)
    assert SEALED.text.startswith("vkn1.19456.2.")


@pytest.mark.parametrize(
    ("pin", "factor", "wallet_id"),
    [("4828", FACTOR, "wal_1"), ("4829", b"\x02" * 32, "wal_1"), ("4829", FACTOR, "wal_2")],
    ids=["another PIN", "another factor", "another wallet"],
)
def test_without_one_of_them_it_stays_shut(pin: str, factor: bytes, wallet_id: str) -> None:
    """Whoever steals the blob cannot guess: each PIN fails in the same way without the factor."""
    with pytest.raises(PasswordError):
        unseal(SEALED.text, pin, factor=factor, wallet_id=wallet_id)


def test_what_is_no_blob_or_no_factor_is_refused() -> None:
    """Also one of a password, which has another beginning."""
    for text in ("", "vkp1" + SEALED.text[4:], SEALED.text[:-60]):
        with pytest.raises((SealError, PasswordError)):
            unseal(text, "4829", factor=FACTOR, wallet_id="wal_1")
    with pytest.raises(SealError):
        unseal(SEALED.text, "4829", factor=b"short", wallet_id="wal_1")
    with pytest.raises(SealError):
        seal(bytes(1025), "4829", factor=FACTOR, wallet_id="w", salt=SALT, nonce=NONCE, cost=CHEAP)
