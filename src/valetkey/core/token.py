"""
Tokens: made from randomness, recognised by their fingerprint, never stored.

What one is, and where it works, can be read off its beginning. The prefix only tells people and
secret scanners; what is enforced is the surface that the credential or session was stored with
(`Surface`). The forms of the vendors are those that their own clients insist on.

| surface | API key | in a browser | session |
|---|---|---|---|
| native | ``vk_secret_`` | ``vk_public_`` | ``vk_session_`` |
| openfort | ``sk_test_`` and a UUID | ``pk_test_`` and a UUID | a key |
| turnkey | none: keys stamp the body | none | a JWT that proves nothing; a key stamps |
| portal | ``vk_cust_`` | ``vk_client_`` | ``vk_cst_`` |
| para | ``dev_vk_secret_`` | ``dev_vk_public_`` | ``vk_session_``, a dot in it |
| chipi | ``sk_dev_``, ``sk_prod_`` | ``pk_dev_``, ``pk_prod_`` and 32 letters or digits | none |
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from enum import StrEnum
from typing import Final

TOKEN_BYTES: Final = 32
UUID_BYTES: Final = 16
MAX_TOKEN_CHARS: Final = 128


class TokenPrefix(StrEnum):
    """What a string is for can be read off it, by people and by secret scanners."""

    SESSION = "vk_session_"
    SECRET_KEY = "vk_secret_"  # noqa: S105 - a prefix, not a password
    PUBLISHABLE_KEY = "vk_public_"
    CONSENT_LINK = "vk_consent_"
    TICKET = "vk_ticket_"
    HAND_OFF = "vk_handoff_"
    CUSTODIAN_KEY = "vk_cust_"
    CLIENT_KEY = "vk_client_"
    CLIENT_SESSION = "vk_cst_"
    PARA_SECRET_KEY = "dev_vk_secret_"  # noqa: S105 - its clients look at what stands first
    PARA_PUBLISHABLE_KEY = "dev_vk_public_"
    OPENFORT_SECRET_KEY = "sk_test_"  # noqa: S105 - with ``sk_live_`` its clients disagree on webhooks
    OPENFORT_PUBLISHABLE_KEY = "pk_test_"


# Those that a UUID follows, of 122 random bits.
UUIDS: Final = frozenset({TokenPrefix.OPENFORT_SECRET_KEY, TokenPrefix.OPENFORT_PUBLISHABLE_KEY})
# What tokens of sessions begin with: the others are those of credentials, links and tickets.
SESSIONS: Final = (TokenPrefix.SESSION, TokenPrefix.CLIENT_KEY, TokenPrefix.CLIENT_SESSION)


class TokenType(StrEnum):
    """What a token is worth alone: everything, or nothing without a proof by its key."""

    BEARER = "Bearer"
    DPOP = "DPoP"


def make_token(prefix: TokenPrefix, entropy: bytes) -> str:
    """
    Build a token from random bytes, `entropy_of` the prefix.

    Raises:
        ValueError: *entropy* has another length.
    """
    if len(entropy) != entropy_of(prefix):
        msg = f"expected {entropy_of(prefix)} bytes of entropy, got {len(entropy)}"
        raise ValueError(msg)
    if prefix in UUIDS:
        return f"{prefix}{_uuid(entropy)}"
    return prefix + base64.urlsafe_b64encode(entropy).decode().rstrip("=")


def _uuid(entropy: bytes) -> str:
    """Return the UUID of version 4 that is made of *entropy* (RFC 9562, section 5.4)."""
    version, variant = entropy[6] & 0x0F | 0x40, entropy[8] & 0x3F | 0x80
    hexed = bytes((*entropy[:6], version, entropy[7], variant, *entropy[9:])).hex()
    return "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))


def entropy_of(prefix: TokenPrefix) -> int:
    """Return how many random bytes a token with *prefix* is made of."""
    return UUID_BYTES if prefix in UUIDS else TOKEN_BYTES


def fingerprint(token: str) -> str:
    """Return the SHA-256 of *token* in hex: what is stored instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def matches(token: str, stored: str) -> bool:
    """Compare *token* with a stored fingerprint in constant time."""
    return is_mark(fingerprint(token), stored)


def is_mark(mark: str, stored: str | None) -> bool:
    """Compare the fingerprint of a token with a stored one in constant time; None is nobody's."""
    return stored is not None and hmac.compare_digest(mark, stored)
