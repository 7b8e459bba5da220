"""Prefixed identifiers: what kind of thing an id names can be read off the id."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from valetkey.core.errors import Code, Malformed

ID_ENTROPY_BYTES: Final = 14
BODY_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case
_SHIFTS: Final = tuple(range(45, -1, -5))  # of five bits each, the first ones first
_LETTERS: Final = bytes(ord(BODY_LETTERS[byte & 31]) for byte in range(256))
_BODY: Final = re.compile(rf"[{BODY_LETTERS}]{{24}}")


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
    SHARE_PAIR = "shp"
    REVIEW = "rvw"
    SPONSORSHIP = "spn"
    SPONSORSHIP_RULE = "spr"
    RULEBOOK = "rbk"
    CONTRACT = "con"


def make_id(prefix: Prefix, entropy: bytes, *, at_ms: int) -> str:
    """
    Build an id such as ``ses_0k3…``; ids of one kind sort by the time they were made.

    Ten letters are the time, fourteen are chance, of five bits each: every request has one made.

    Args:
        prefix: What the id names.
        entropy: Exactly 14 random bytes, of which the lower five bits count.
        at_ms: Unix milliseconds, below 2**50.

    Raises:
        ValueError: *entropy* has another length.
    """
    if len(entropy) != ID_ENTROPY_BYTES:
        msg = f"expected {ID_ENTROPY_BYTES} bytes of entropy, got {len(entropy)}"
        raise ValueError(msg)
    return f"{prefix}_{_time(at_ms)}{entropy.translate(_LETTERS).decode()}"


@lru_cache(maxsize=16)
def _time(at_ms: int) -> str:
    """Return the letters of a millisecond, in which a busy server makes a dozen ids."""
    return "".join([BODY_LETTERS[(at_ms >> shift) & 31] for shift in _SHIFTS])


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
