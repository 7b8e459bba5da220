"""A secret under a password: opens with it, and with nothing else."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from valetkey.spec.password_seal import Cost, PasswordError, SealError, seal, unseal

CHEAP = Cost(19_456, 2)
SALT, NONCE = bytes(range(16)), bytes(range(12))
TEXT = seal(b"a share", "correct horse", salt=SALT, nonce=NONCE, cost=CHEAP)


def test_argon2id_is_that_of_the_rfc() -> None:
    """RFC 9106, section 5.3: what the library computes is what others compute."""
    maker = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )
    expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    assert maker.derive(b"\x01" * 32).hex() == expected


def test_what_was_sealed_is_opened_by_its_password() -> None:
    """And the text says all that another implementation needs."""
    assert unseal(TEXT, "correct horse") == b"a share"
    head, _, sealed = TEXT.rpartition(".")
    assert head.startswith("vkp1.19456.2.")
    key = Argon2id(salt=SALT, length=32, iterations=2, lanes=1, memory_cost=19_456)
    theirs = AESGCM(key.derive(b"correct horse")).encrypt(NONCE, b"a share", head.encode())
    assert base64.urlsafe_b64decode(sealed + "==") == NONCE + theirs


def test_the_usual_cost_is_64_mib_and_three_passes() -> None:
    """A guess takes about a third of a second."""
    text = seal(b"a share", "pass", salt=SALT, nonce=NONCE, cost=Cost())
    assert text.startswith("vkp1.65536.3.")
    assert unseal(text, "pass") == b"a share"


@pytest.mark.parametrize("password", ["correct hors", "Correct horse", "correct horse ", "x"])
def test_another_password_opens_nothing(password: str) -> None:
    """Nothing tells how near it was."""
    with pytest.raises(PasswordError):
        unseal(TEXT, password)


@pytest.mark.parametrize("place", [5, 11, 14, 20, 40, len(TEXT) - 3])
def test_a_changed_letter_opens_nothing(place: int) -> None:
    """Cost, salt and ciphertext are all authenticated."""
    letter = "3" if TEXT[place] != "3" else "4"
    with pytest.raises((PasswordError, SealError)):
        unseal(TEXT[:place] + letter + TEXT[place + 1 :], "correct horse")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vkp1",
        "vkp2" + TEXT[4:],
        TEXT + ".",
        TEXT[:-30],
        "vkp1.999999.99" + TEXT[12:],
        "A" * 5000,
    ],
)
def test_what_is_no_sealed_secret_is_refused(text: str) -> None:
    """Also one that would take all the memory there is."""
    with pytest.raises((SealError, PasswordError)):
        unseal(text, "correct horse")


@pytest.mark.parametrize(
    ("memory", "passes"), [(19_455, 2), (19_456, 1), (262_145, 3), (65_536, 11)]
)
def test_a_cost_is_neither_cheap_nor_endless(memory: int, passes: int) -> None:
    """19 MiB and two passes at least."""
    with pytest.raises(SealError):
        Cost(memory, passes)


def test_parts_of_another_length_are_refused() -> None:
    """A salt or nonce that is short, a secret that is long, no password."""
    for salt, nonce, secret, password in (
        (SALT[:-1], NONCE, b"", "x"),
        (SALT, NONCE[:-1], b"", "x"),
        (SALT, NONCE, bytes(1025), "x"),
        (SALT, NONCE, b"", ""),
        (SALT, NONCE, b"", "x" * 1025),
    ):
        with pytest.raises(SealError):
            seal(secret, password, salt=salt, nonce=nonce, cost=CHEAP)
