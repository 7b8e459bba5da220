"""Wallets that a backend makes for people before they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.core.contact import read_email
from valetkey.core.errors import Code, Malformed

EMAIL: Final = "EMAIL"
KINDS: Final = (EMAIL, "CUSTOM_ID")
MAX_CHARS: Final = 254
MOST: Final = 16  # for one identifier


@dataclass(frozen=True, slots=True)
class Pregenerated:
    """
    For whom a wallet was made. ``id`` is the wallet's.

    Args:
        kind: What *identifier* is: an e-mail address, or whatever its organization calls somebody.
        found_by: `key_of` all of it.
    """

    id: str
    organization_id: str
    wallet_id: str
    kind: str
    identifier: str
    found_by: str


def read_identifier(kind: str, text: str) -> str:
    """
    Return an identifier in the one form that it is found by.

    Raises:
        Malformed: It is none of its kind.
    """
    if kind not in KINDS:
        detail = f"pregenIdentifierType: expected one of {', '.join(KINDS)}, got {kind[:20]!r}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if kind == EMAIL:
        return read_email(text)
    if not 1 <= len(text) <= MAX_CHARS or not text.isprintable():
        detail = f"pregenIdentifier: expected 1 to {MAX_CHARS} printable characters"
        raise Malformed(Code.MALFORMED_BODY, detail)
    return text


def key_of(organization_id: str, kind: str, identifier: str) -> str:
    """Return what the wallets for somebody are found by."""
    return f"{organization_id}/{kind}/{identifier}"
