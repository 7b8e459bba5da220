"""What a plane says to a case, in words that both share; which refusal is which stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.core.permission.model import Call

# What `decide` says, and the error that the contract gives for it. Where a call has no rule that it
# could be packed under, `routes` says what the nearest thing to it gets.
ERROR_OF: Final = {
    Code.SESSION_NOT_STARTED: "GrantNotStarted",
    Code.SESSION_EXPIRED: "GrantExpired",
    Code.TOO_MANY_CALLS: "TooManyCalls",
    Code.ARGUMENT_MISSING: "ArgumentMissing",
    Code.ARGUMENT_REFUSED: "ArgumentRefused",
    Code.RECIPIENT_NOT_ALLOWED: "ArgumentRefused",
    Code.PER_CALL_CAP_EXCEEDED: "ArgumentRefused",
    Code.CAP_EXCEEDED: "CapExceeded",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """
    Refused; nothing changed.

    Args:
        call: Index of the call (of the rule, for ``TargetForbidden``), if the error names one.
    """

    error: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    Accepted.

    Args:
        words: What is in each slot of the grant afterwards: state, caps 1 to 7, freeze.
        calls: What the targets saw, in order.
        granted: Whether the account said that the grant is open from now on.
    """

    words: tuple[int, ...]
    calls: tuple[Call, ...]
    granted: bool


Outcome = Refused | Accepted
