"""How Para's clients seal shares on their way: ECIES over P-256, and RSA for a second device."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from valetkey.core.errors import Code, Malformed
from valetkey.core.secret_bytes import SecretBytes

if TYPE_CHECKING:
    from valetkey.ports import Entropy

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 16
_IV: Final = b"794241bc819a125a"  # the vendor's; each message has a key of its own
_BITS: Final = range(2048, 4097)
_OAEP: Final = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)  # noqa: S303 - the vendor's
_BLOCK_BITS: Final = 128


def new_key() -> SecretBytes:
    """Return a private key on P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    return SecretBytes(key.private_numbers().private_value.to_bytes(32))


def public_pem(secret: SecretBytes) -> str:
    """Return the public key of *secret* as Para's clients read it."""
    key = _private(secret).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def open_sealed(secret: SecretBytes, *, ephemeral: str, encrypted: str) -> bytes:
    """
    Return what a client sealed for *secret*.

    AES-256-GCM under the SHA-256 of the shared secret; the nonce stands before the text.

    Args:
        ephemeral: SubjectPublicKeyInfo of the client's key, in base64.
        encrypted: Nonce, text and tag, in base64.

    Raises:
        Malformed: It was not sealed for *secret*, or was changed.
    """
    try:
        key = load_der_public_key(base64.b64decode(ephemeral, validate=True))
        data = base64.b64decode(encrypted, validate=True)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise _not_sealed()
        shared = _private(secret).exchange(ec.ECDH(), key)
        opened = AESGCM(hashlib.sha256(shared).digest())
        return opened.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)
    except (ValueError, InvalidTag):
        raise _not_sealed() from None


def read_device_key(text: str) -> rsa.RSAPublicKey:
    """
    Return the key of a device: the hex of its PEM (PKCS #1), as Para's clients write it.

    Raises:
        Malformed: It is none, or not of 2048 to 4096 bits.
    """
    try:
        key = load_pem_public_key(bytes.fromhex(text))
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size not in _BITS:
        detail = "encryptionKey: expected the hex of an RSA key in PEM"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return key


def seal_for_device(text: str, key: rsa.RSAPublicKey, entropy: Entropy) -> tuple[str, str]:
    """
    Return *text* as a second device opens it, and the key that it is under, both in hex.

    AES-128-CBC with a fixed vector under a key that is new each time; the key under RSA-OAEP, and
    then in UTF-8 of its Latin-1, which is how Para's clients read it.
    """
    inner = entropy.take(_KEY_BYTES)
    padder = PKCS7(_BLOCK_BITS).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES128(inner), modes.CBC(_IV)).encryptor()
    sealed = cipher.update(padded) + cipher.finalize()
    wrapped = key.encrypt(inner, _OAEP).decode("latin-1").encode()
    return sealed.hex(), wrapped.hex()


def _private(secret: SecretBytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret.reveal()), ec.SECP256R1())


def _not_sealed() -> Malformed:
    detail = "encryptedPayload: expected what was sealed for our public key, got something else"
    return Malformed(Code.MALFORMED_BODY, detail)
