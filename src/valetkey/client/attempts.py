"""When a request is sent again, and how long to wait before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

UNAUTHENTICATED: Final = 401
UNAVAILABLE: Final = 503
LIMITED: Final = 429
_MAX_WAIT_S: Final = 5.0
_FACTOR: Final = 3


@dataclass(frozen=True, slots=True)
class Attempts:
    """
    How stubborn a client is.

    Sending again is safe: a read changes nothing, and a write carries an id that makes it happen
    once. What is sent again is what got no answer at all, what the server could not do just now
    (503), and what it counted as too many requests and did not look at (429 with ``Retry-After``),
    if the wait is short. A timeout while the answer is awaited is not: the caller waited long
    enough.

    Args:
        most: How often a request is sent at the very most; 1 is never again.
        first_wait_s: Before the second time; three times as long before each further one.
    """

    most: int = 3
    first_wait_s: float = 0.2

    def may_help(self, status: int, headers: Mapping[str, str]) -> bool:
        """
        Say whether the same request, sent again, may be answered otherwise.

        A limit of another kind, such as a budget, has no ``Retry-After``: it does not pass so soon.
        """
        if status != LIMITED:
            return status == UNAVAILABLE
        asked = headers.get("retry-after", "")
        return asked.isdecimal() and int(asked[:9]) <= _MAX_WAIT_S

    def wait_s(self, sent: int, headers: Mapping[str, str]) -> float | None:
        """
        Return how long to wait before the next time, or None when it is enough.

        Args:
            sent: How often the request was sent already.
            headers: Of the answer, if there was one; ``Retry-After`` in seconds is kept to, up to
                5 s.
        """
        if sent >= self.most:
            return None
        asked = headers.get("retry-after", "")
        wait = float(asked) if asked.isdecimal() else self.first_wait_s * _FACTOR ** (sent - 1)
        return min(wait, _MAX_WAIT_S)
