"""Prefixed identifiers: what kind of thing an id names can be read off the id."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from valetkey.core.errors import Code, Malformed

ID_ENTROPY_BYTES: Final = 9
_TIME_BYTES: Final = 6
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS: Final = tuple(range(110, -1, -10))  # of ten bits each, the first ones first
_BODY: Final = re.compile(rf"[{_ALPHABET}]{{24}}")


class Prefix(StrEnum):
    """What an id names."""

    ORGANIZATION = "org"
    USER = "usr"
    CREDENTIAL = "crd"
    WALLET = "wal"
    ACCOUNT = "acc"
    SESSION = "ses"
    CONSENT_LINK = "lnk"
    ACTIVITY = "act"
    RESERVATION = "rsv"
    REQUEST = "req"
    WEBHOOK = "whk"
    DELIVERY = "dlv"
    EVENT = "evt"


def make_id(prefix: Prefix, entropy: bytes, *, at_ms: int) -> str:
    """
    Build an id such as ``ses_0k3…``; ids of one kind sort by the time they were made.

    Args:
        prefix: What the id names.
        entropy: Exactly 9 random bytes.
        at_ms: Unix milliseconds.

    Raises:
        ValueError: *entropy* has another length.
    """
    if len(entropy) != ID_ENTROPY_BYTES:
        msg = f"expected {ID_ENTROPY_BYTES} bytes of entropy, got {len(entropy)}"
        raise ValueError(msg)
    number = int.from_bytes(at_ms.to_bytes(_TIME_BYTES) + entropy)
    body = "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])
    return f"{prefix}_{body}"


def check_id(text: str, prefix: Prefix) -> str:
    """
    Return *text* if it is an id of that kind.

    Raises:
        Malformed: It is not; the detail says what was expected.
    """
    head, _, body = text.partition("_")
    if head != prefix or not _BODY.fullmatch(body):
        raise Malformed(
            Code.MALFORMED_ID,
            f"expected an id such as {prefix}_ and 24 characters, got {text[:40]!r}",
        )
    return text
