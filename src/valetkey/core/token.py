"""Bearer strings: made from randomness, recognised by their fingerprint, never stored."""

from __future__ import annotations

import base64
import hashlib
import hmac
from enum import StrEnum
from typing import Final

TOKEN_BYTES: Final = 32
MAX_TOKEN_CHARS: Final = 128


class TokenPrefix(StrEnum):
    """What a string is for can be read off it, by people and by secret scanners."""

    SESSION = "vk_session_"
    SECRET_KEY = "vk_secret_"  # noqa: S105 - a prefix, not a password
    PUBLISHABLE_KEY = "vk_public_"


def make_token(prefix: TokenPrefix, entropy: bytes) -> str:
    """
    Build a token from 32 random bytes.

    Raises:
        ValueError: *entropy* has another length.
    """
    if len(entropy) != TOKEN_BYTES:
        msg = f"expected {TOKEN_BYTES} bytes of entropy, got {len(entropy)}"
        raise ValueError(msg)
    return prefix + base64.urlsafe_b64encode(entropy).decode().rstrip("=")


def fingerprint(token: str) -> str:
    """Return the SHA-256 of *token* in hex: what is stored instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, stored: str) -> bool:
    """Compare *token* with a stored fingerprint in constant time."""
    return hmac.compare_digest(fingerprint(token), stored)
