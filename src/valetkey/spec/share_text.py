"""
A share as its holder keeps it: one opaque, versioned string that is safe in URLs.

``vk1.<wallet id>.<generation>.<x>.<y>.<checksum>`` is the client's share, ``vkr1.…`` the recovery
share of the same form. x and y are 32 bytes each, the checksum the first 6 bytes of the SHA-256 of
all before its full stop, each in base64url without padding.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

__all__ = ["CLIENT", "MAX_TEXT_CHARS", "RECOVERY", "ShareText", "ShareTextError", "read", "write"]

CLIENT: Final = "vk1"
RECOVERY: Final = "vkr1"
MAX_TEXT_CHARS: Final = 256
MAX_GENERATION: Final = 2**31 - 1
_PURPOSE: Final = b"valetkey share\0"
_CHECKSUM_BYTES: Final = 6
_WORD: Final = r"([A-Za-z0-9_-]{43})"
_FORM: Final = re.compile(
    rf"(vkr?1)\.([A-Za-z0-9_-]{{1,64}})\.([1-9][0-9]{{0,9}})\.{_WORD}\.{_WORD}\.([A-Za-z0-9_-]{{8}})"
)


class ShareTextError(ValueError):
    """A text that is no share, or not a whole one."""


@dataclass(frozen=True, slots=True)
class ShareText:
    """
    What a share says.

    Args:
        kind: ``vk1`` or ``vkr1``.
        wallet_id: 1 to 64 letters, digits, ``_`` and ``-``.
        generation: Which line it is of, from 1.
        point: x and y, 64 bytes.
    """

    kind: str
    wallet_id: str
    generation: int
    point: bytes = field(repr=False)


def write(share: ShareText) -> str:
    """Return *share* as a text."""
    words = _encode(share.point[:32]), _encode(share.point[32:])
    text = ".".join((share.kind, share.wallet_id, str(share.generation), *words))
    return f"{text}.{_checksum(text)}"


def read(text: str) -> ShareText:
    """
    Return the share that *text* says.

    Raises:
        ShareTextError: It is none, or a letter of it was lost or changed.
    """
    found = _FORM.fullmatch(text) if len(text) <= MAX_TEXT_CHARS else None
    if found is None:
        raise ShareTextError("expected a share such as vk1.wal_….1.….….…, got another text")
    kind, wallet_id, generation, x, y, checksum = found.groups()
    expected = _checksum(text[: -len(checksum) - 1])
    if not hmac.compare_digest(expected, checksum) or int(generation) > MAX_GENERATION:
        raise ShareTextError("expected a share as it was given out, got one that was changed")
    share = ShareText(kind, wallet_id, int(generation), _decode(x) + _decode(y))
    if write(share) != text:
        raise ShareTextError("expected base64url in its one form, got another")
    return share


def _checksum(text: str) -> str:
    return _encode(hashlib.sha256(_PURPOSE + text.encode()).digest()[:_CHECKSUM_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")
