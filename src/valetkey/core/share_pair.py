"""Share pairs: what a vendor's client has said about the shares that were given out to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_CIPHER_TEXT_CHARS: Final = 16_384


class PairKind(StrEnum):
    """What the client's share of a pair is for."""

    SIGNING = "signing"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class SharePair:
    """
    A share of a split wallet that was given out once, and the server's beside it.

    Args:
        generation: Of the line that the share is on.
        method: How the client keeps a backup, as it says; empty if it does not.
        stored_at: When the client said that it has stored its share; None before.
        cipher_text: What the client asks to be kept: encrypted by it, worth nothing here.
    """

    id: str
    organization_id: str
    wallet_id: str
    kind: PairKind
    generation: int
    created_at: int
    method: str = ""
    stored_at: int | None = None
    cipher_text: str | None = None
