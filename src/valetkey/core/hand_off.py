"""Hand-offs: a session's holder lets a backend have a narrower session, by a code for one use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from valetkey.core.principal import Access

DEFAULT_S: Final = 120
MOST_S: Final = 600
MOST: Final = 16  # of one session that are not used up


@dataclass(frozen=True, slots=True)
class HandOff:
    """
    The right to open one session under another.

    Args:
        id: SHA-256 of its code in hex; the code itself is nowhere.
        session_id: Under which it is opened.
        access: The most that it may be.
        forget_at: First second at which it is refused.
    """

    id: str
    organization_id: str
    session_id: str
    access: Access
    forget_at: int


def check_life(ttl_s: int) -> int:
    """
    Return *ttl_s* if a hand-off may live so long.

    Raises:
        Malformed: It may not.
    """
    if not 1 <= ttl_s <= MOST_S:
        raise Malformed(Code.MALFORMED_BODY, f"ttl_s: expected 1 to {MOST_S}, got {ttl_s}")
    return ttl_s
