"""Keys sign and stay: no text, copy or error shows them."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.leaks import forms_of, secret
from valetkey import Malformed, Owner, P256SessionKey, SessionKey, StampKey
from valetkey.core.wallet import Curve
from valetkey.spec import keys, secp256k1

PRIVATE = secret(bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"))
ADDRESS = "2c7536e3605d9c16a7a3d7b1898e529396a65c23"


def test_a_session_key_signs_digests_and_messages() -> None:
    """One key proves requests to the server and runs to the chain."""
    key = SessionKey.load(PRIVATE.hex())
    assert key.address.hex() == ADDRESS
    signature = key.sign_digest(b"\x07" * 32)
    assert signature == secp256k1.sign_digest(b"\x07" * 32, PRIVATE)
    assert keys.verify(key.public_key, b"message", key.sign_message(b"message"))
    assert not keys.verify(key.public_key, b"another", key.sign_message(b"message"))


def test_a_stamp_key_signs_messages() -> None:
    """Each half has 32 bytes, however small the number."""
    key = StampKey.generate()
    assert key.public_key.curve is Curve.P256
    for number in range(64):
        message = bytes([number])
        assert keys.verify(key.public_key, message, key.sign_message(message))


@pytest.mark.parametrize("kind", [P256SessionKey, StampKey])
@pytest.mark.parametrize("curve", [ec.SECP256K1(), ec.SECP384R1()], ids=lambda curve: curve.name)
def test_a_key_on_another_curve_is_no_p256_key(
    kind: type[P256SessionKey | StampKey], curve: ec.EllipticCurve
) -> None:
    """Its signatures would be refused much later, by somebody else."""
    with pytest.raises(Malformed, match=f"expected one on secp256r1, got one on {curve.name}"):
        kind(ec.generate_private_key(curve))


def test_no_text_of_a_p256_key_shows_it() -> None:
    """Whatever is printed names the public half alone."""
    private = ec.generate_private_key(ec.SECP256R1())
    number = secret(private.private_numbers().private_value.to_bytes(32))
    for key in (P256SessionKey(private), StampKey(private)):
        text = f"{key!r} {key} {[key]}"
        assert not any(form in text for form in forms_of(number))
        assert key.public_key.data.hex() in text


def test_two_new_keys_are_never_the_same() -> None:
    """Each session has a key of its own."""
    assert SessionKey.generate().address != SessionKey.generate().address


def test_an_exported_key_is_the_same_key() -> None:
    """`export` is the only way out, and it works."""
    key = SessionKey.generate()
    text = key.export()
    secret(bytes.fromhex(text[2:]))
    assert SessionKey.load(text).address == key.address


@pytest.mark.parametrize("key", [SessionKey.load(PRIVATE.hex()), Owner.from_key(PRIVATE)])
def test_no_text_of_a_key_shows_it(key: object) -> None:
    """Whatever is printed or put into a message names the address alone."""
    for text in (repr(key), str(key), f"{key}", repr([key]), repr({"key": key})):
        assert not any(form in text for form in forms_of(PRIVATE))
        assert ADDRESS in text


KEYS = [SessionKey.generate(), P256SessionKey.generate(), StampKey.generate()]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_neither_pickled_nor_copied(key: SessionKey | P256SessionKey | StampKey) -> None:
    """A key does not get into a cache, a queue or another process by accident."""
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="export"):
            take(key)


@pytest.mark.parametrize("text", [PRIVATE.hex()[:-1], PRIVATE.hex() + "00", "0xzz" + PRIVATE.hex()])
def test_an_error_about_a_key_does_not_repeat_it(text: str) -> None:
    """A mistyped key is still a secret."""
    with pytest.raises(Malformed, match="private key: expected 32 bytes") as refused:
        SessionKey.load(text)
    shown = "".join(traceback.format_exception(refused.value))
    assert PRIVATE.hex()[:20] not in shown


@pytest.mark.parametrize("number", [0, secp256k1._ORDER])  # noqa: SLF001 - the order of the group
def test_a_number_outside_the_group_is_no_key(number: int) -> None:
    """Zero and the group order have no public key."""
    with pytest.raises(Malformed):
        Owner.from_key(number.to_bytes(32))


def test_only_digests_are_signed_as_digests() -> None:
    """Something of another length was not hashed; no text that a request is signed over is."""
    for key in (SessionKey.generate(), P256SessionKey.generate()):
        with pytest.raises(Malformed, match="expected 32 bytes, got 31"):
            key.sign_digest(bytes(31))
