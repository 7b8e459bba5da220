"""Keys that a session's holder signs with. They are made here and stay here."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, Self, TypeAlias

import coincurve
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from valetkey.core.errors import Code, Malformed
from valetkey.core.wallet import Curve, PublicKey, address_of

if TYPE_CHECKING:
    from collections.abc import Callable

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_KEY_BYTES: Final = 32
_V_OFFSET: Final = 27


class HolderKey(Protocol):
    """A private key that signs requests of a session."""

    @property
    def public_key(self) -> PublicKey:
        """The key's public half."""

    def sign_message(self, message: bytes) -> bytes:
        """Return 64 bytes r, s over the SHA-256 of *message*."""


class _Kept:
    """What must not leave by accident: it cannot be pickled or copied, and shows no secret."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError(f"{type(self).__name__} is not copied or pickled; use export() if you must")


class SessionKey(_Kept):
    """
    A secp256k1 key of a ``chain`` session: signs its requests and its runs.

    >>> key = SessionKey.generate()
    >>> key.address.hex()
    """

    __slots__ = ("_key", "address", "public_key")

    def __init__(self, key: coincurve.PrivateKey) -> None:
        self._key = key
        self.public_key = PublicKey(Curve.SECP256K1, key.public_key.format(compressed=True))
        self.address = address_of(self.public_key)

    @classmethod
    def generate(cls) -> SessionKey:
        """Return a new key from the system's randomness."""
        return cls(coincurve.PrivateKey())

    @classmethod
    def load(cls, text: str) -> SessionKey:
        """
        Return the key that `export` wrote.

        Raises:
            Malformed: It is no key; the text is not repeated.
        """
        return cls(load_private_key(text))

    def export(self) -> str:
        """
        Return the private key: ``0x`` and 64 hex digits.

        Whoever has this text is the session. Nothing in this package calls it by itself.
        """
        return f"0x{self._key.secret.hex()}"

    def sign_digest(self, digest: bytes) -> bytes:
        """Return 65 bytes r, s, v (27 or 28, low s) over *digest*, the same each time."""
        return sign_digest(self._key, digest)

    def sign_message(self, message: bytes) -> bytes:
        """Return 64 bytes r, s (low s) over the SHA-256 of *message*."""
        return self._key.sign_recoverable(message)[:64]

    def __repr__(self) -> str:
        return f"SessionKey(address=0x{self.address.hex()})"


class _P256Key(_Kept):
    """
    A P-256 key that signs with ES256.

    Args:
        key: Of this process, or one that signs elsewhere (a security module) behind the same class.

    Raises:
        Malformed: It is on another curve.
    """

    __slots__ = ("_sign", "public_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            detail = f"private key: expected one on secp256r1, got one on {key.curve.name}"
            raise Malformed(Code.MALFORMED_SIGNATURE, detail)
        self._sign: Callable[[bytes], bytes] = lambda message: key.sign(message, _ECDSA_SHA256)
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        self.public_key = PublicKey(Curve.P256, point)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the system's randomness."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def sign_message(self, message: bytes) -> bytes:
        """Return 64 bytes r, s over the SHA-256 of *message*."""
        r, s = decode_dss_signature(self._sign(message))
        return r.to_bytes(_KEY_BYTES) + s.to_bytes(_KEY_BYTES)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public_key=0x{self.public_key.data.hex()})"


class P256SessionKey(_P256Key):
    """
    A P-256 key of a ``chain`` session: signs its requests and its runs, as a browser's key can.

    Only for a chain that checks such signatures (EIP-7951).

    >>> vk.sessions.open(account_id, draft, key=P256SessionKey.generate())
    """

    __slots__ = ()

    def sign_digest(self, digest: bytes) -> bytes:
        """Return 64 bytes r, s over the SHA-256 of *digest*: ES256."""
        _expect_digest(digest)
        return self.sign_message(digest)


class StampKey(_P256Key):
    """
    A P-256 key of a ``stamp`` session: signs its requests; the server keeps the chain key.

    >>> vk.sessions.open(account_id, draft, key=StampKey.generate())
    """

    __slots__ = ()


RunKey: TypeAlias = SessionKey | P256SessionKey
_ECDSA_SHA256: Final = ec.ECDSA(SHA256())


def load_private_key(value: str | bytes) -> coincurve.PrivateKey:
    """
    Return the secp256k1 key that *value* is: 32 bytes, or 64 hex digits with or without ``0x``.

    Raises:
        Malformed: It is none. The error repeats nothing of it.
    """
    refused = Malformed(
        Code.MALFORMED_SIGNATURE, "private key: expected 32 bytes below the group order, got others"
    )
    try:
        raw = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value
    except ValueError:
        raise refused from None
    if len(raw) != _KEY_BYTES or not 0 < int.from_bytes(raw) < _ORDER:
        raise refused
    return coincurve.PrivateKey(raw)


def sign_digest(key: coincurve.PrivateKey, digest: bytes) -> bytes:
    """
    Return 65 bytes r, s, v (27 or 28, low s) over *digest*.

    Raises:
        Malformed: *digest* has not 32 bytes.
    """
    _expect_digest(digest)
    signature = key.sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes([signature[64] + _V_OFFSET])


def _expect_digest(digest: bytes) -> None:
    if len(digest) != hashlib.sha256().digest_size:
        raise Malformed(Code.MALFORMED_SIGNATURE, f"digest: expected 32 bytes, got {len(digest)}")
