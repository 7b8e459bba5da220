"""One-time codes: a few digits that somebody reads in one place and types in another."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from typing import Final

from valetkey.core.errors import Code, Unauthenticated

DIGITS: Final = 6
ENTROPY_BYTES: Final = 16  # so much more than the digits need that each comes as often
LIFE_S: Final = 600
MOST_TRIES: Final = 5
_FORM: Final = re.compile(rf"[0-9]{{{DIGITS}}}")


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """
    A code that was sent.

    Args:
        mark: `mark_of` the code; the code itself is nowhere.
        tries_left: How often it may still be tried.
        expires_at: First second at which it is refused.
    """

    mark: str
    tries_left: int
    expires_at: int


def make_code(entropy: bytes) -> str:
    """
    Return a code made from 16 random bytes.

    Raises:
        ValueError: *entropy* has another length.
    """
    if len(entropy) != ENTROPY_BYTES:
        msg = f"expected {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}"
        raise ValueError(msg)
    return f"{int.from_bytes(entropy) % 10**DIGITS:0{DIGITS}d}"


def mark_of(code: str, *, key: str) -> str:
    """
    Return what is stored of *code*.

    A code is soon guessed from its hash alone, so the hash is keyed with a secret that is not
    stored either: who has only the store cannot even try.

    Args:
        key: Such as the id under which the code's receiver is known to their client.
    """
    return hmac.new(key.encode(), code.encode(), hashlib.sha256).hexdigest()


def new_code(code: str, *, key: str, now: int) -> OneTimeCode:
    """Return what is kept of a *code* that is being sent."""
    return OneTimeCode(mark_of(code, key=key), MOST_TRIES, now + LIFE_S)


def try_code(
    kept: OneTimeCode | None, code: str, *, key: str, now: int
) -> tuple[OneTimeCode | None, Unauthenticated | None]:
    """
    Return what is left of *kept* after one more try, and why it was refused, if it was.

    To be kept in the transaction that asks, also when it is refused: nothing is left of a code
    that was right, that is too old, or that was tried too often.
    """
    if kept is None or now >= kept.expires_at:
        return None, Unauthenticated(Code.CODE_REFUSED, "expected a code that is in use; ask again")
    is_form = _FORM.fullmatch(code) is not None
    is_right = hmac.compare_digest(mark_of(code, key=key), kept.mark)
    if is_form and is_right:
        return None, None
    left = replace(kept, tries_left=kept.tries_left - 1)
    detail = f"expected the code that was sent, got another; {left.tries_left} tries left"
    return left if left.tries_left else None, Unauthenticated(Code.CODE_REFUSED, detail)
