"""
A small secret under a password: Argon2id makes the key, AES-256-GCM seals.

``vkp1.<memory in KiB>.<passes>.<salt>.<nonce, ciphertext and tag>``, the last two in base64url
without padding. All before the last full stop is authenticated, so nobody makes guessing cheaper.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

__all__ = [
    "MAX_SECRET_BYTES",
    "NONCE_BYTES",
    "SALT_BYTES",
    "Cost",
    "PasswordError",
    "SealError",
    "Written",
    "seal",
    "stretch",
    "unseal",
]

SALT_BYTES: Final = 16
NONCE_BYTES: Final = 12
MAX_SECRET_BYTES: Final = 1024
MAX_TEXT_CHARS: Final = 2048
MIN_PASSWORD_CHARS: Final = 1
MAX_PASSWORD_CHARS: Final = 1024
_KIND: Final = "vkp1"
_KEY_BYTES: Final = 32
_LANES: Final = 1
_FORM: Final = re.compile(
    r"(vk[pn]1)\.([1-9][0-9]{0,6})\.([1-9][0-9]?)\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{38,1600})"
)


class SealError(ValueError):
    """A text that is no sealed secret, or one that would take too much to open."""


class PasswordError(ValueError):
    """Another password, or a text that was changed: nobody can tell which."""


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What one guess takes.

    Args:
        memory_kib: 19,456 (19 MiB, with two passes the least that OWASP recommends) to 262,144.
        passes: 2 to 10.

    Raises:
        SealError: It is less, or more.
    """

    memory_kib: int = 65_536
    passes: int = 3

    def __post_init__(self) -> None:
        """Refuse what is cheap to guess, and what would exhaust the reader."""
        if not (19_456 <= self.memory_kib <= 262_144 and 2 <= self.passes <= 10):  # noqa: PLR2004
            detail = f"expected 19 to 256 MiB and 2 to 10 passes, got {self.memory_kib} KiB"
            raise SealError(f"{detail} and {self.passes}")


@dataclass(frozen=True, slots=True)
class Written:
    """The parts of a text: what kind it is, what a guess costs, salt, and nonce with ciphertext."""

    kind: str
    cost: Cost
    salt: bytes
    data: bytes

    @property
    def head(self) -> str:
        """All before the ciphertext, which is authenticated."""
        return f"{self.kind}.{self.cost.memory_kib}.{self.cost.passes}.{_encode(self.salt)}"

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.head}.{_encode(self.data)}"

    @classmethod
    def read(cls, text: str, kind: str) -> Written:
        """
        Return the parts of *text*.

        Raises:
            SealError: It is none of that *kind*.
        """
        found = _FORM.fullmatch(text) if len(text) <= MAX_TEXT_CHARS else None
        if found is None or found[1] != kind:
            raise SealError(f"expected a sealed secret such as {kind}.65536.3.….…, got another")
        cost = Cost(int(found[2]), int(found[3]))
        try:
            return cls(kind, cost, _decode(found[4]), _decode(found[5]))
        except binascii.Error:
            raise SealError("expected base64url, got something else") from None


def seal(secret: bytes, password: str, *, salt: bytes, nonce: bytes, cost: Cost) -> str:
    """
    Return *secret* under *password*.

    Args:
        secret: At most 1,024 bytes.
        password: 1 to 1,024 characters, as UTF-8; as strong as it is hard to guess.
        salt: 16 random bytes.
        nonce: 12 random bytes.

    Raises:
        SealError: A part has another length.

    Spec:
        RFC 9106 (one lane), NIST SP 800-38D.
    """
    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES or len(secret) > MAX_SECRET_BYTES:
        raise SealError("expected 16 bytes of salt, 12 of nonce, at most 1024 of secret")
    head = Written(_KIND, cost, salt, b"").head
    sealed = AESGCM(stretch(password, salt, cost)).encrypt(nonce, secret, head.encode())
    return Written(_KIND, cost, salt, nonce + sealed).text


def unseal(text: str, password: str) -> bytes:
    """
    Return what `seal` was given.

    Raises:
        SealError: *text* is no sealed secret.
        PasswordError: The password is another one.
    """
    written = Written.read(text, _KIND)
    key = AESGCM(stretch(password, written.salt, written.cost))
    nonce, sealed = written.data[:NONCE_BYTES], written.data[NONCE_BYTES:]
    try:
        return key.decrypt(nonce, sealed, written.head.encode())
    except InvalidTag:
        raise PasswordError("expected the password that it was sealed under, got another") from None


def stretch(password: str, salt: bytes, cost: Cost) -> bytes:
    """
    Return the 32 bytes that Argon2id makes of a password.

    Raises:
        SealError: There is none, or it is too long.
    """
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise SealError(f"expected a password of 1 to {MAX_PASSWORD_CHARS} characters")
    maker = Argon2id(
        salt=salt,
        length=_KEY_BYTES,
        iterations=cost.passes,
        lanes=_LANES,
        memory_cost=cost.memory_kib,
    )
    return maker.derive(password.encode())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
