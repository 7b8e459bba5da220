"""Visits: clients of a vendor's surface, from before they log in until they leave."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.token import MAX_TOKEN_CHARS, TokenPrefix, fingerprint

if TYPE_CHECKING:
    from valetkey.core.one_time_code import OneTimeCode

LOOKUP_BYTES: Final = 16
SECRET_BYTES: Final = 32
ANONYMOUS_S: Final = 3600  # a client that says nothing for so long, and never logged in, is gone
GRACE_S: Final = 30  # for requests that were on their way with the cookie before
_LOOKUP_CHARS: Final = 22


@dataclass(frozen=True, slots=True)
class Visit:
    """
    One client.

    Args:
        id: SHA-256 of its lookup id, in hex.
        credential_id: The API key that it came with.
        fingerprint: SHA-256 of its cookie, in hex.
        before: Of the cookie that it had before, which is good until ``before_until``.
        address: The e-mail address that it says it has.
        code: The one that was sent there, if it is not used up.
        user_id: Whose the address is, or will be when it is proven.
        session_id: Once it has logged in.
        device_key: The public key that its shares are sealed for, in hex; None once it has them.
        forget_at: First second at which it is gone.
    """

    id: str
    organization_id: str
    credential_id: str
    fingerprint: str
    forget_at: int
    before: str | None = None
    before_until: int = 0
    address: str | None = None
    code: OneTimeCode | None = None
    user_id: str | None = None
    session_id: str | None = None
    device_key: str | None = None


def make_cookie(lookup: bytes, secret: bytes) -> str:
    """
    Return what a client shows: its lookup id, a dot, and a secret.

    The lookup id stays when the secret changes. It names the client to whoever may ask for it,
    and proves nothing.

    Args:
        lookup: 16 random bytes.
        secret: 32 random bytes.

    Raises:
        ValueError: One has another length.
    """
    if (len(lookup), len(secret)) != (LOOKUP_BYTES, SECRET_BYTES):
        msg = f"expected {LOOKUP_BYTES} and {SECRET_BYTES} bytes"
        raise ValueError(msg)
    return f"{TokenPrefix.SESSION}{_text(lookup)}.{_text(secret)}"


def renewed(cookie: str, secret: bytes) -> str:
    """Return the cookie of the same client with another *secret* (32 random bytes)."""
    return f"{TokenPrefix.SESSION}{lookup_of(cookie)}.{_text(secret)}"


def lookup_of(cookie: str) -> str | None:
    """Return the lookup id in *cookie*; None if it is no cookie of ours."""
    if len(cookie) > MAX_TOKEN_CHARS or not cookie.startswith(TokenPrefix.SESSION):
        return None
    lookup, dot, _ = cookie.removeprefix(TokenPrefix.SESSION).partition(".")
    return lookup if dot and len(lookup) == _LOOKUP_CHARS else None


def turned(visit: Visit, cookie: str, *, now: int) -> Visit:
    """Return *visit* with a new *cookie*; the one that it has now is good for a moment more."""
    return replace(
        visit,
        fingerprint=fingerprint(cookie),
        before=visit.fingerprint,
        before_until=now + GRACE_S,
    )


def visit_id(lookup: str) -> str:
    """Return what a visit is found by."""
    return fingerprint(lookup)


def _text(entropy: bytes) -> str:
    return base64.urlsafe_b64encode(entropy).decode().rstrip("=")
