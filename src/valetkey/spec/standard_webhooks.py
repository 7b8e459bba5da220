"""
Standard Webhooks: a message whose id, time and body are signed with a shared secret.

Spec:
    Standard Webhooks 1.0.0 (github.com/standard-webhooks), symmetric signatures ``v1``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256
from typing import Final

ID_FIELD: Final = "webhook-id"
TIME_FIELD: Final = "webhook-timestamp"
SIGNATURE_FIELD: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how a secret begins
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
MAX_SIGNATURES: Final = 16
_VERSION: Final = "v1,"


def secret_text(secret: bytes) -> str:
    """Return *secret* (24 to 64 bytes) as it is handed to a receiver."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """
    Return the bytes of a secret that begins with ``whsec_``.

    Raises:
        ValueError: It is none; nothing of it is repeated.
    """
    expected = f"expected {SECRET_PREFIX} and {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes base64"
    try:
        secret = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(expected) from None
    is_long = MIN_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES
    if not text.startswith(SECRET_PREFIX) or not is_long:
        raise ValueError(expected)
    return secret


def signature_of(secret: bytes, message_id: str, at: int, body: bytes) -> str:
    """
    Return the signature over a message, such as ``v1,K5oZfzN9…``.

    Args:
        message_id: Without a full stop.
        at: Unix seconds at which it is sent.
    """
    message = f"{message_id}.{at}.".encode() + body
    return _VERSION + base64.b64encode(hmac.digest(secret, message, sha256)).decode()


def is_signed(secret: bytes, message_id: str, at: int, body: bytes, signatures: str) -> bool:
    """
    Say whether one of *signatures* is by *secret*, in a time that does not depend on which.

    Args:
        signatures: With spaces between; those of other versions are passed over.
    """
    wanted = signature_of(secret, message_id, at, body).encode()
    found = False
    for one in signatures.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        found |= hmac.compare_digest(one.encode(), wanted)
    return found
